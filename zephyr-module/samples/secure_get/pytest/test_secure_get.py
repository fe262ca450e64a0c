"""The sample against the host's secure_server. LSCOAP_PROGRAMS is the directory of the programs (build/bin)."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
VECTORS = json.loads((ROOT / "tests/vectors.json").read_text())


def config(dut, name):
    """A Kconfig value of the build."""
    text = (Path(dut.device_config.build_dir) / "zephyr/.config").read_text()
    return re.search(rf'^CONFIG_{name}="?([^"\n]*)"?$', text, re.MULTILINE).group(1)


@pytest.fixture
def server(unlaunched_dut, tmp_path):
    """A server that knows the device of the test vectors; gives the file that it prints to."""
    key, devices, log = (tmp_path / name for name in ("server.key", "devices.txt", "log"))
    key.write_text(VECTORS["identity"]["sk_S"] + "\n")
    key.chmod(0o600)
    devices.write_text(VECTORS["enrolment"]["device"] + "\n")
    program = Path(os.environ["LSCOAP_PROGRAMS"]) / "secure_server"
    with log.open("w") as out:
        process = subprocess.Popen(
            [program, "-A", "::1" if config(unlaunched_dut, "SECURE_GET_SERVER") == "::1" else "127.0.0.1", "--tick",
             "-p", config(unlaunched_dut, "SECURE_GET_PORT"), "-k", key, "-d", devices],
            stdout=out, stderr=subprocess.STDOUT,
        )
        yield log
        process.terminate()
        assert process.wait(timeout=10) == 0, log.read_text()


def test_secure_get(server, dut, unlaunched_dut):
    lines = dut.readlines_until(regex="secure_get: ", timeout=150)
    printed = "\n".join(lines)
    assert "secure_get: done" in printed, printed
    fingerprint = re.search("Session fingerprint ([0-9a-f]{16})", printed).group(1)
    assert "GET /index: 2.05" in printed and "POST /index: 2.04" in printed, printed
    assert printed.count("notification, GET /index: 2.05") >= int(config(unlaunched_dut, "SECURE_GET_NOTIFICATIONS")), printed
    served = server.read_text()
    assert f"Device sensor-7, session fingerprint {fingerprint}" in served, served
    assert "POST /index from sensor-7: 2.04" in served, served
