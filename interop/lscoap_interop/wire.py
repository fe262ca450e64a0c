"""Handshake messages: the bytes of docs/protocol.md, section Messages."""

from __future__ import annotations

from .crypto import TAG, Malformed, check_x

M1, M2, M3, M4, X1, X2, R1, R2, RETRY, RETRIED, ALERT = (*range(0x11, 0x1B), 0x1F)
COOKIE = 16


class Alert:
    """Codes of alerts."""

    UNKNOWN_DEVICE, UNVERIFIED, MALFORMED, BUSY, NO_SESSION = range(1, 6)


def alert(code: int) -> bytes:
    """An ALERT."""
    return bytes((ALERT, code))


def kind(message: bytes) -> int:
    """The first byte, version and type; raises Malformed where there is none."""
    if not message:
        raise Malformed("a message has a first byte")
    return message[0]


class Reader:
    """A message of a known type, whose fields are taken from the front."""

    def __init__(self, message: bytes, of_type: int) -> None:
        """Raises Malformed where the message has another type or version."""
        if kind(message) != of_type:
            raise Malformed(f"type {message[0]:02x} where {of_type:02x} is due")
        self._left = message[1:]

    def take(self, length: int) -> bytes:
        """The next bytes."""
        taken, self._left = self._left[:length], self._left[length:]
        if len(taken) != length:
            raise Malformed("the message is too short")
        return taken

    def take_x(self) -> bytes:
        """The next 32 bytes, which have to be the x-coordinate of a point."""
        return check_x(self.take(32))

    def take_server_cid(self) -> bytes:
        """`L` and a connection id of 1 to 7 bytes; the five low bits of `L` are zero."""
        length = self.take(1)[0]
        if length & 0x1F or not length >> 5:
            raise Malformed("L has reserved bits, or no connection id")
        return self.take(length >> 5)

    def rest(self, least: int, most: int) -> bytes:
        """All that is left, with its tag; without the tag it has this many bytes."""
        rest = self.take(len(self._left))
        if not least <= len(rest) - TAG <= most:
            raise Malformed("no message of this type has this length")
        return rest

    def end(self) -> None:
        """Raises Malformed where anything is left."""
        if self._left:
            raise Malformed("the message is too long")


def server_cid(cid: bytes) -> bytes:
    """`L` and `cid_S`."""
    return bytes((len(cid) << 5,)) + cid


def client_ids(cid: bytes, device_id: bytes) -> bytes:
    """`L`, `cid_C`, device id: in M1, and sealed in C1."""
    return bytes((len(cid) << 5 | len(device_id) - 1,)) + cid + device_id


def read_m1(message: bytes) -> tuple[bytes, bytes, bytes]:
    """`cid_C`, device id and `X(E_C)` of an M1."""
    reader = Reader(message, M1)
    cid, device_id = _client_ids(reader)
    x = reader.take_x()
    reader.end()
    return cid, device_id, x


def read_m2(message: bytes) -> tuple[bytes, bytes]:
    """`cid_S` and `X(E_S)` of an M2."""
    reader = Reader(message, M2)
    cid, x = reader.take_server_cid(), reader.take_x()
    reader.end()
    return cid, x


def read_m3(message: bytes) -> tuple[bytes, bytes]:
    """`cid_S` and C3 of an M3."""
    reader = Reader(message, M3)
    return reader.take_server_cid(), reader.rest(64, 64)


def read_m4(message: bytes) -> bytes:
    """C4 of an M4."""
    return Reader(message, M4).rest(64, 64)


def read_x1(message: bytes) -> tuple[bytes, bytes]:
    """`X(E_C)` and C1 of an X1."""
    reader = Reader(message, X1)
    return reader.take_x(), reader.rest(2, 1 + 7 + 32)


def read_c1(plaintext: bytes) -> tuple[bytes, bytes]:
    """`cid_C` and device id, which C1 holds."""
    reader = Reader(bytes((X1,)) + plaintext, X1)
    ids = _client_ids(reader)
    reader.end()
    return ids


def read_x2(message: bytes) -> tuple[bytes, bytes]:
    """`X(E_S)` and C2 of an X2."""
    reader = Reader(message, X2)
    return reader.take_x(), reader.rest(1, 7)


def read_r1(message: bytes) -> tuple[bytes, bytes, bytes]:
    """`cid_S`, `N_C` and the tag of an R1."""
    reader = Reader(message, R1)
    return reader.take_server_cid(), reader.take(8), reader.rest(0, 0)


def read_r2(message: bytes) -> tuple[bytes, bytes]:
    """`N_S` and `C_R` of an R2."""
    reader = Reader(message, R2)
    return reader.take(8), reader.rest(1, 7)


def read_retry(message: bytes) -> bytes:
    """The cookie of a RETRY."""
    reader = Reader(message, RETRY)
    cookie = reader.take(COOKIE)
    reader.end()
    return cookie


def read_retried(message: bytes) -> tuple[bytes, bytes]:
    """The cookie of a RETRIED, and the message within: an M1, X1 or R1."""
    cookie = Reader(message, RETRIED).take(COOKIE)
    inner = message[1 + COOKIE :]
    if kind(inner) not in (M1, X1, R1):
        raise Malformed("a RETRIED holds an M1, X1 or R1")
    return cookie, inner


def _client_ids(reader: Reader) -> tuple[bytes, bytes]:
    length = reader.take(1)[0]
    return reader.take(length >> 5), reader.take((length & 0x1F) + 1)
