"""What is hashed, and which key comes of it: the equations of docs/protocol.md, for both roles."""

from __future__ import annotations

from dataclasses import dataclass

from . import wire
from .crypto import SEAL_KEY, expand, extract, hmac_sha256, sha256


@dataclass(frozen=True)
class Signed:
    """The signed profile, once both ephemeral keys are known."""

    th_2: bytes
    prk: bytes

    @classmethod
    def begin(cls, pk_s: bytes, m1: bytes, pk_c: bytes, m2: bytes, dh: bytes) -> Signed:
        """`dh` is DH(E_C, E_S)."""
        th_1 = sha256(sha256(b"LSCoAP-1 signed", pk_s), m1)
        th_2 = sha256(th_1, pk_c, m2)
        return cls(th_2, extract(th_2, dh))

    def k3(self) -> bytes:
        """The key of C3."""
        return expand(self.prk, b"m3", SEAL_KEY)

    def client_statement(self) -> bytes:
        """What the client signs."""
        return b"LSCoAP-1 client" + self.th_2

    def th_3(self, m3: bytes) -> bytes:
        """The hash up to M3."""
        return sha256(self.th_2, m3)

    def k4(self, th_3: bytes) -> bytes:
        """The key of C4."""
        return expand(self.prk, b"m4" + th_3, SEAL_KEY)

    def out(self, th_3: bytes, m4: bytes) -> bytes:
        """OUT."""
        return expand(self.prk, b"out" + sha256(th_3, m4), 32)


def server_statement(th_3: bytes) -> bytes:
    """What the server signs in the signed profile."""
    return b"LSCoAP-1 server" + th_3


@dataclass(frozen=True)
class Express:
    """The express profile, up to C1."""

    th_1: bytes
    prk_1: bytes

    @classmethod
    def begin(cls, pk_s: bytes, x_c: bytes, dh: bytes) -> Express:
        """`dh` is DH(E_C, pk_S)."""
        th_1 = sha256(sha256(b"LSCoAP-1 express", pk_s), bytes((wire.X1,)), x_c)
        return cls(th_1, extract(th_1, dh))

    def k1(self) -> bytes:
        """The key of C1."""
        return expand(self.prk_1, b"x1", SEAL_KEY)

    def answer(self, c1: bytes, pk_c: bytes, x_s: bytes, dh_ephemeral: bytes, dh_client: bytes) -> Answer:
        """What X2 makes of it: DH(E_C, E_S), DH(pk_C, E_S)."""
        th_2 = sha256(self.th_1, c1, pk_c, bytes((wire.X2,)), x_s)
        salt = expand(self.prk_1, b"s2" + th_2, 32)
        return Answer(th_2, extract(salt, dh_ephemeral + dh_client), b"x2")


@dataclass(frozen=True)
class Answer:
    """The last message of an express handshake or a resumption, which seals the new `cid_S`."""

    th: bytes
    prk: bytes
    label: bytes

    def key(self) -> bytes:
        """The key of C2 or C_R."""
        return expand(self.prk, self.label, SEAL_KEY)

    def out(self, sealed: bytes) -> bytes:
        """OUT, once C2 or C_R is known."""
        return expand(self.prk, b"out" + sha256(self.th, sealed), 32)


def resume_request_key(rms: bytes, nonce: bytes) -> bytes:
    """The key of the tag of R1."""
    return expand(extract(nonce, rms), b"r1", SEAL_KEY)


def resume_answer(rms: bytes, r1: bytes, nonce: bytes) -> Answer:
    """What R2 makes of an R1 and `N_S`."""
    th = sha256(b"LSCoAP-1 resume", r1, bytes((wire.R2,)), nonce)
    return Answer(th, extract(th, rms), b"r2")


def cookie(key: bytes, epoch: int, address: bytes, message: bytes) -> bytes:
    """The retry cookie of a message from an address, in an epoch of 60 seconds."""
    content = epoch.to_bytes(8) + bytes((len(address),)) + address + message
    return hmac_sha256(key, content)[: wire.COOKIE]
