"""Enrolment strings: LSC1 and LSC2 of a device, LSS1 and LSS2 of a server. Version 2 ends in a check."""

from __future__ import annotations

import base64

from .crypto import Malformed, check_point, sha256


def format_device(device_id: bytes, public: bytes, version: int = 2) -> str:
    """The string of a device id (1 to 32 bytes) and a compressed point."""
    if not 1 <= len(device_id) <= 32:
        raise Malformed("a device id has 1 to 32 bytes")
    return _finish(f"LSC{version}:{_base32(device_id)}:{_base32(check_point(public))}", version)


def format_server(public: bytes, version: int = 2) -> str:
    """The string of a server's compressed point."""
    return _finish(f"LSS{version}:{_base32(check_point(public))}", version)


def parse_device(text: str) -> tuple[bytes, bytes]:
    """Device id and compressed point of an LSC1 or LSC2 string; raises Malformed unless the string is canonical."""
    version, fields = _fields(text, "LSC", 2)
    device_id, public = (_unbase32(field) for field in fields)
    _canonical(text, format_device(device_id, public, version))
    return device_id, public


def parse_server(text: str) -> bytes:
    """Compressed point of an LSS1 or LSS2 string; raises Malformed unless the string is canonical."""
    version, fields = _fields(text, "LSS", 1)
    public = _unbase32(fields[0])
    _canonical(text, format_server(public, version))
    return public


def parse_device_list(text: str) -> dict[bytes, bytes]:
    """A list of devices, one string a line, as docs/enrolment.md has it; raises Malformed."""
    devices: dict[bytes, bytes] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if "\r" in line:
            raise Malformed(f"line {number}: a carriage return within the line")
        entry = line.split("#", 1)[0].strip(" \t")
        if not entry:
            continue
        try:
            device_id, public = parse_device(entry)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from error
        if device_id in devices:
            raise Malformed(f"line {number}: this device id is in the list already")
        devices[device_id] = public
    return devices


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _unbase32(text: str) -> bytes:
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError as error:
        raise Malformed("this is not BASE32") from error


def _finish(body: str, version: int) -> str:
    if version == 1:
        return body
    body += ":"
    return body + _base32(sha256(body.encode()))[:4]


def _fields(text: str, kind: str, count: int) -> tuple[int, list[str]]:
    head, *fields = text.split(":")
    versions = {kind + "1": 1, kind + "2": 2}
    if head not in versions or len(fields) != count + versions[head] - 1:
        raise Malformed(f"this is no {kind}1 or {kind}2 string")
    return versions[head], fields[:count]


def _canonical(text: str, wanted: str) -> None:
    if text != wanted:
        raise Malformed("the check or the form of this string is not right")
