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
            for board in test.get("platform_allow", common.get("platform_allow")):
                yield name, board


def full_name(board):
    """As twister reports a board: with its only SoC."""
    return {"native_sim": "native_sim/native", "qemu_cortex_m3": "qemu_cortex_m3/ti_lm3s6965"}.get(board, board)


def run(wanted, out, programs):
    """Runs them, and gives those that did not pass."""
    boards = [f"--platform={board}" for board in sorted({board for _, board in wanted})]
    environment = {**os.environ, "LSCOAP_PROGRAMS": programs}
    # -W: Debian's libgcc makes the linker warn of .note.GNU-stack.
    command = ["west", "twister", "-T", MODULE, "-W", "-O", out, "--clobber-output", "--jobs", str(os.cpu_count())]
    topdir = Path(os.environ["ZEPHYR_BASE"]).parent
    subprocess.run([*command, *boards], cwd=topdir, env=environment, check=False)
    report = json.loads((Path(out) / "twister.json").read_text())
    passed = {
        (suite["name"].rsplit("/", 1)[-1], suite["platform"])
        for suite in report["testsuites"]
        if suite["status"] == "passed"
    }
    return [(name, board) for name, board in wanted if not {(name, board), (name, full_name(board))} & passed]


def main():
    out, programs = sys.argv[1:]
    wanted = list(cases())
    if not wanted:
        sys.exit("no tests were found")
    if "ZEPHYR_BASE" not in os.environ:
        for name, board in wanted:
            print(f"SKIPPED (no ZEPHYR_BASE): {name} on {board}")
        return
    failed = run(wanted, out, programs)
    for name, board in failed:
        print(f"FAILED: {name} on {board}")
    print(f"{len(wanted) - len(failed)} of {len(wanted)} passed in Zephyr")
    sys.exit(1 if failed else 0)


main()
