"""The command line: from keys to a resumed session."""

import contextlib
import socket
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "lscoap_interop.cli"]


def run(*arguments):
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def serving(directory):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = ["-k", directory / "server.key", "-d", directory / "devices.txt", "-p", str(port)]
    process = subprocess.Popen([*COMMAND, "serve", *files], stdout=subprocess.PIPE, text=True)
    try:
        server = process.stdout.readline().strip()
        assert process.stdout.readline() == f"listening on 127.0.0.1:{port}\n"
        yield server, f"coap://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def enrolled(tmp_path):
    assert run("keygen", "--server", tmp_path / "server.key")[0] == 0
    assert run("keygen", tmp_path / "device.key")[0] == 0
    code, string, _ = run("enrol", tmp_path / "device.key", "--id", "sensor-7")
    assert code == 0 and string.startswith("LSC2:")
    (tmp_path / "devices.txt").write_text(string)
    return tmp_path


def test_story(enrolled):
    assert (enrolled / "device.key").stat().st_mode & 0o777 == 0o600
    assert run("keygen", enrolled / "device.key")[0] == 1  # never overwritten
    with serving(enrolled) as (server, uri):
        assert run("enrol", enrolled / "server.key")[1].strip() == server
        ask = ["-k", enrolled / "device.key", "-i", "sensor-7", "-s", server, "-u", uri]
        assert run("put", *ask, "/index", "written") == (0, "2.04 Changed 7\n", "")
        for carrier in "oscore", "payload":
            kept = [*ask, "--carrier", carrier, "--resume", enrolled / f"session-{carrier}"]
            for _ in range(2):  # a full handshake, then a resumption
                assert run("get", *kept, "/index") == (0, "2.05 Content written\n", "")
        assert run("get", *ask, "--observe", "2", "/tick")[1].count("2.05") == 2
        code, _, err = run("get", *ask[:3], "nobody", *ask[4:], "/index")
        assert (code, err) == (1, "lscoap-interop: refused: unknown device\n")


def test_mistakes(tmp_path):
    (tmp_path / "bad.key").write_text("12\n")
    code, _, err = run("enrol", tmp_path / "bad.key")
    assert code == 1 and "64 hexadecimal digits" in err
    assert run("enrol", tmp_path / "missing.key")[0] == 1
    assert run("sing")[0] == 2
