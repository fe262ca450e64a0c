#!/usr/bin/env python3
"""Every sample and suite of the module on every board that its yaml file names: by twister where ZEPHYR_BASE is set, else
each is said to have been skipped.

    twister.py OUT_DIR PROGRAMS_DIR     needs PyYAML (Debian: python3-yaml)
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

MODULE = Path(__file__).resolve().parent.parent


def cases():
    """Pairs of a test's name and a board."""
    files = sorted([*MODULE.glob("samples/*/sample.yaml"), *MODULE.glob("tests/*/testcase.yaml")])
    for file in files:
        content = yaml.safe_load(file.read_text())
        common = content.get("common", {})
        for name, test in content["tests"].items():
            # Of twister's lists, a test's own adds to the common one.
            for board in common.get("platform_allow", []) + test.get("platform_allow", []):
                yield name, board


def full_name(board):
    """As twister reports a board: with its only SoC."""
    return {"native_sim": "native_sim/native", "qemu_cortex_m3": "qemu_cortex_m3/ti_lm3s6965"}.get(board, board)


# Boards that Zephyr builds for but has no emulator of that is free to use, and the one that runs them all the same.
EMULATORS = {"mps2/an386": ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-nic", "none"]}
GOOD_ENDS = ("PROJECT EXECUTION SUCCESSFUL", "lscoap hello: passed")
BAD_ENDS = ("PROJECT EXECUTION FAILED", "FATAL ERROR")


def passes_emulated(name, board, out):
    """Whether what twister has only built comes to a good end."""
    (image,) = Path(out).glob(f"{board.replace('/', '_')}/**/{name}/zephyr/zephyr.elf")
    command = ["timeout", "120", *EMULATORS[board], "-serial", "stdio", "-kernel", image]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace") as qemu:
        ends = (line for line in qemu.stdout if any(end in line for end in GOOD_ENDS + BAD_ENDS))
        end = next(ends, "no end within 120 s")
        qemu.terminate()
    print(f"{name} on {board}, in QEMU: {end.strip()}")
    return any(good in end for good in GOOD_ENDS)


def run(wanted, out, programs):
    """Runs them, and gives those that did not pass."""
    boards = [f"--platform={board}" for board in sorted({board for _, board in wanted})]
    environment = {**os.environ, "LSCOAP_PROGRAMS": programs}
    # -W: Debian's libgcc makes the linker warn of .note.GNU-stack.
    command = ["west", "twister", "-T", MODULE, "-W", "-O", out, "--clobber-output", "--jobs", str(os.cpu_count())]
    topdir = Path(os.environ["ZEPHYR_BASE"]).parent
    subprocess.run([*command, *boards], cwd=topdir, env=environment, check=False)
    return failed(wanted, out)


def failed(wanted, out):
    """Those that did not pass by twister's report. It says that a suite has passed which it has only built."""
    built, ran = set(), set()
    for suite in json.loads((Path(out) / "twister.json").read_text())["testsuites"]:
        if suite["status"] == "passed":
            key = (suite["name"].rsplit("/", 1)[-1], suite["platform"])
            cases = [case.get("status") for case in suite["testcases"]]
            (ran if cases and all(status == "passed" for status in cases) else built).add(key)

    def passed(name, board):
        names = {(name, board), (name, full_name(board))}
        return bool(names & ran) or (board in EMULATORS and bool(names & built) and passes_emulated(name, board, out))

    return [(name, board) for name, board in wanted if not passed(name, board)]


def main():
    out, programs = sys.argv[1:]
    wanted = list(cases())
    if not wanted:
        sys.exit("no tests were found")
    if "ZEPHYR_BASE" not in os.environ:
        for name, board in wanted:
            print(f"SKIPPED (no ZEPHYR_BASE): {name} on {board}")
        return
    wrong = run(wanted, out, programs)
    for name, board in wrong:
        print(f"FAILED: {name} on {board}")
    print(f"{len(wanted) - len(wrong)} of {len(wanted)} passed in Zephyr")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
