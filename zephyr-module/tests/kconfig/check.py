#!/usr/bin/env python3
"""The module's Kconfig and CMake without Zephyr: every line of combinations.txt, and that the feature sets in it compile.

    check.py [--compile]     needs kconfiglib (Debian: python3-kconfiglib) and cmake; --compile needs cargo
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import kconfiglib

HERE = Path(__file__).resolve().parent
MODULE = HERE.parent.parent
ROOT = MODULE.parent


def dotconfig(options, path):
    """Writes the .config of these options; they have to be taken as they are."""
    kconfig = kconfiglib.Kconfig(str(HERE / "stubs/Kconfig"), warn_to_stderr=False)
    if kconfig.warnings:
        raise SystemExit("Kconfig: " + "\n".join(kconfig.warnings))
    wanted = [option.split("=", 1) for option in ["LSCOAP=y", *options]]
    for name, value in wanted:
        if name not in kconfig.syms or not kconfig.syms[name].nodes:
            raise SystemExit(f"there is no option {name}")
        kconfig.syms[name].set_value(value)
    for name, value in wanted:
        if kconfig.syms[name].str_value != value:
            raise SystemExit(f"{name} became {kconfig.syms[name].str_value!r}, not {value!r}: {options}")
    kconfig.write_config(str(path))


def report(path):
    """What CMake says to a .config, in one line."""
    done = subprocess.run(
        ["cmake", f"-DDOTCONFIG={path}", "-P", HERE / "report.cmake"], capture_output=True, text=True, check=False
    )
    return " ".join((done.stdout + done.stderr).split()), done.returncode


def check(line, path):
    """None, or what is wrong."""
    refused = "!>" in line
    options, expected = (part.strip() for part in line.split("!>" if refused else "=>"))
    dotconfig(options.split(), path)
    said, status = report(path)
    if refused:
        return None if status != 0 and expected in said else f"not refused with '{expected}': {said}"
    return None if status == 0 and said == f"REPORT {expected}" else f"expected {expected}: {said}"


def compile_all(results):
    """Each set of features once: for this machine, or for a processor that the assembly in it is for. That is the one
    that others build for, so that what they have compiled serves here too."""
    target_dir = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    for features in sorted({features for features, _, _ in results}):
        print(f"compiling with {features}", flush=True)
        command = ["cargo", "check", "--quiet", "--locked", "--lib", "--no-default-features", "--features", f"ffi,{features}"]
        if "p256-cm4" in features:
            command = ["scripts/build-staticlib.sh", "thumbv7em-none-eabihf", features, "z", target_dir]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main():
    os.environ["srctree"] = str(HERE / "stubs")
    os.environ["LSCOAP_KCONFIG"] = str(MODULE / "Kconfig")
    lines = [line for line in (HERE / "combinations.txt").read_text().splitlines() if line and line[0] != "#"]
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        for line in lines:
            wrong = check(line, Path(directory) / "config")
            failures += wrong is not None
            print(f"FAIL  {line}\n      {wrong}" if wrong else f"ok    {line}")
    print(f"{len(lines)} combinations, {failures} failed")
    if failures or not lines:
        return 1
    if "--compile" in sys.argv[1:]:
        compile_all(line.split("=>")[1].split() for line in lines if "=>" in line)
    return 0


sys.exit(main())
