"""The host's secure_client against the sample. LSCOAP_PROGRAMS is the directory of the programs (build/bin)."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
VECTORS = json.loads((ROOT / "tests/vectors.json").read_text())


def port_on_host(dut):
    """QEMU's forwarded port, or the port of the service."""
    text = (Path(dut.device_config.build_dir) / "zephyr/.config").read_text()
    forwarded = re.search(r"hostfwd=udp:[^:]*:(\d+)-", text)
    return (forwarded or re.search(r"^CONFIG_SECURE_SERVER_PORT=(\d+)$", text, re.MULTILINE)).group(1)


@pytest.fixture
def client(dut, tmp_path):
    """Runs secure_client with these arguments; gives its exit status and what it printed."""
    key = tmp_path / "device.key"
    key.write_text(VECTORS["identity"]["sk_C"] + "\n")
    key.chmod(0o600)
    dut.readlines_until(regex="secure_server: serving", timeout=60)

    def run(*arguments, device="sensor-7"):
        command = [
            Path(os.environ["LSCOAP_PROGRAMS"]) / "secure_client", "-k", key, "-i", device,
            "-s", VECTORS["enrolment"]["server"], "-u", f"coap://127.0.0.1:{port_on_host(dut)}", *arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_secure_server(client):
    for profile, state in (("signed", "on"), ("express", "off")):
        status, printed = client("--profile", profile, "PUT", "light", state)
        assert status == 0 and "2.04" in printed, printed
        status, printed = client("--profile", profile, "GET", "light")
        assert status == 0 and re.search(rf"^{state}$", printed, re.MULTILINE), printed
        status, printed = client("--profile", profile, "PUT", "light", "blue")
        assert "4.00" in printed, printed
    status, printed = client("GET", "light", device="stranger")
    assert status != 0 and "Server authenticated" not in printed, printed
    status, printed = client("GET", "light")
    assert status == 0, printed
