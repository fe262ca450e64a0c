"""The sample as a member of a group of the host's secure_server. LSCOAP_PROGRAMS is the directory of the programs (build/bin)."""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
VECTORS = json.loads((ROOT / "tests/vectors.json").read_text())
DEVICE = "sensor-7"


def config(dut, name):
    """A Kconfig value of the build."""
    text = (Path(dut.device_config.build_dir) / "zephyr/.config").read_text()
    found = re.search(rf'^CONFIG_{name}="?([^"\n]*)"?$', text, re.MULTILINE)
    return found.group(1) if found else ""


def group_port(dut):
    """QEMU's forwarded port, which is the same on both sides, or one of the host's beside the server's."""
    forwarded = re.search(r"hostfwd=udp:[^:]*:(\d+)-", config(dut, "NET_QEMU_USER_EXTRA_ARGS"))
    return int(forwarded.group(1)) if forwarded else int(config(dut, "GROUP_LIGHT_PORT")) + 10


@pytest.fixture
def ask(unlaunched_dut, tmp_path):
    """A server that knows the device of the test vectors and has groups; asks it one thing, as `lscoap group` does."""
    key, devices, log = (tmp_path / name for name in ("server.key", "devices.txt", "log"))
    key.write_text(VECTORS["identity"]["sk_S"] + "\n")
    key.chmod(0o600)
    devices.write_text(VECTORS["enrolment"]["device"] + "\n")
    program = Path(os.environ["LSCOAP_PROGRAMS"]) / "secure_server"

    def ask(line):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(60)
            stream.connect(str(tmp_path / "groups.txt.sock"))
            stream.sendall(f"{line}\n".encode())
            said = stream.makefile().read().splitlines()
        assert said and said[-1] == "ok", said
        return said[:-1]

    with log.open("w") as out:
        process = subprocess.Popen(
            [program, "-A", "127.0.0.1", "-p", config(unlaunched_dut, "GROUP_LIGHT_PORT"), "-k", key, "-d", devices,
             "--group", tmp_path / "groups.txt"],
            stdout=out, stderr=subprocess.STDOUT,
        )
        for _ in range(300):
            if (tmp_path / "groups.txt.sock").exists():
                break
            time.sleep(0.1)
        port = group_port(unlaunched_dut)
        created = ask(f"create signed,tagged,answers slots=4 address=efc00701 port={port} address=7f000001 port={port}")
        assert created == ["group 1"], created
        ask(f"add 1 {DEVICE.encode().hex()}")
        yield ask
        process.terminate()
        assert process.wait(timeout=10) == 0, log.read_text()


def test_group_light(ask, dut):
    def send(mode, method, payload="", path="/light"):
        return ask(f"send 1 {mode} wait=5000 method={method} path={path.encode().hex()} payload={payload.encode().hex()}")

    dut.readlines_until(regex="member of group 1, epoch 1", timeout=90)
    for mode, state in (("signed", "on"), ("tagged", "half")):
        assert send(mode, "PUT", state) == [f"{DEVICE}: 2.04", "1 answered"]
        # The server sends each three times: it is carried out once.
        lines = dut.readlines_until(regex=rf'request 0.03 "{state}" \({mode}\): 2.04', timeout=60)
        assert send("tagged", "GET") == [f"{DEVICE}: 2.05 {state}", "1 answered"]
        lines += dut.readlines_until(regex=r'request 0.01 "" \(tagged\): 2.05', timeout=60)
        assert sum("request 0.03" in line for line in lines) == 1, lines
    assert send("signed", "GET", path="/nothing") == [f"{DEVICE}: 4.04", "1 answered"]

    ask("rekey 1")
    dut.readlines_until(regex="member of group 1, epoch 2", timeout=90)
    assert send("signed", "PUT", "off") == [f"{DEVICE}: 2.04", "1 answered"]

    ask(f"remove 1 {DEVICE.encode().hex()}")
    dut.readlines_until(regex="not a member any more", timeout=90)
