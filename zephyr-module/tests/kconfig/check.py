#!/usr/bin/env python3
"""The module's Kconfig and CMake without Zephyr: every line of combinations.txt.

    check.py     needs kconfiglib (Debian: python3-kconfiglib) and cmake
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import kconfiglib

HERE = Path(__file__).resolve().parent
MODULE = HERE.parent.parent


def prepare():
    """Says where the stand-ins for Zephyr's Kconfig files are."""
    os.environ["srctree"] = str(HERE / "stubs")
    os.environ["LSCOAP_KCONFIG"] = str(MODULE / "Kconfig")


def combinations():
    return [line for line in (HERE / "combinations.txt").read_text().splitlines() if line and line[0] != "#"]


def dotconfig(options, path, header=None):
    """Writes the .config of these options, and a header of them; they have to be taken as they are."""
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
    if header is not None:
        kconfig.write_autoconf(str(header))


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


def main():
    prepare()
    lines = combinations()
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        for line in lines:
            wrong = check(line, Path(directory) / "config")
            failures += wrong is not None
            print(f"FAIL  {line}\n      {wrong}" if wrong else f"ok    {line}")
    print(f"{len(lines)} combinations, {failures} failed")
    return 1 if failures or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
