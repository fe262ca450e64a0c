"""Which key comes of which."""

from __future__ import annotations

from dataclasses import dataclass

import cbor2

from ..crypto import ORDER, SecretKey, coordinates, expand, extract

SIGNED, TAGGED = 1, 2
MODES = (SIGNED, TAGGED)
SIGNATURE_ALGORITHM = {SIGNED: -7, TAGGED: -65537}
PAIRWISE_ALGORITHM = -27
AES_CCM_16_64_128 = 10
TAG_OF_A_SLOT = 4


def _scalar(gos: bytes, label: bytes, *where: bytes) -> SecretKey:
    number = int.from_bytes(expand(gos, label + b"".join(where), 40)) % (ORDER - 1) + 1
    return SecretKey(number.to_bytes(32))


def owner_key(gos: bytes, group: int) -> SecretKey:
    """The owner's key in a group."""
    return _scalar(gos, b"owner key", group.to_bytes(2))


def member_key(gos: bytes, group: int, epoch: int, device_id: bytes) -> SecretKey:
    """A member's key in an epoch."""
    return _scalar(gos, b"member key", group.to_bytes(2), epoch.to_bytes(4), device_id)


def delegate_key(gos: bytes, group: int, epoch: int, device_id: bytes) -> SecretKey:
    """A delegate's key in an epoch."""
    return _scalar(gos, b"delegate key", group.to_bytes(2), epoch.to_bytes(4), device_id)


def tag_key(vs: bytes, kid: int) -> bytes:
    """The key of a slot's tags."""
    return expand(vs, b"tag" + bytes((kid,)), 16)


def credential(public: bytes) -> bytes:
    """A compressed point as a CWT Claims Set."""
    x, y = coordinates(public)
    return cbor2.dumps({8: {1: {1: 2, 3: -7, -1: 1, -2: x, -3: y}}})


def gid_of(group: int, epoch: int, mode: int) -> bytes:
    """The Gid: which group, which mode, and the epoch as far as it fits."""
    return group.to_bytes(2) + bytes((64 * mode + epoch % 64,))


@dataclass(frozen=True)
class ModeKeys:
    """Group OSCORE's Common and Sender Context of one mode in one epoch."""

    gid: bytes
    secret: bytes
    salt: bytes
    prk: bytes
    sender_key: bytes
    signature_key: bytes
    common_iv: bytes

    @classmethod
    def derive(cls, ms: bytes, gid: bytes) -> ModeKeys:
        """Of the epoch's MS."""
        secret, salt = expand(ms, b"group secret", 16), expand(ms, b"group salt", 8)
        prk = extract(salt, secret)
        key, signature_key, iv = (
            expand(prk, _info(b"", gid, *what), what[1]) for what in (("Key", 16), ("SEKey", 16), ("IV", 13))
        )
        return cls(gid, secret, salt, prk, key, signature_key, iv)

    def answer_key(self, kid: int, member: bytes, sender: bytes, shared: bytes) -> bytes:
        """The Pairwise Sender Key of a member, by both credentials and the shared secret."""
        info = _info(bytes((kid,)), self.gid, "Key", 16)
        return expand(extract(expand(self.prk, info, 16), member + sender + shared), info, 16)

    def nonce(self, piv: bytes) -> bytes:
        """The nonce of a request with this Partial IV, and of the answers to it."""
        return bytes(a ^ b for a, b in zip(piv.rjust(13, b"\0"), self.common_iv, strict=True))

    def keystream(self, piv: bytes, length: int) -> bytes:
        """What hides a request's signature, or its tags."""
        return expand(extract(piv, self.signature_key), cbor2.dumps([b"", self.gid, True, length]), length)


def _info(identifier: bytes, gid: bytes, purpose: str, length: int) -> bytes:
    return cbor2.dumps([identifier, gid, AES_CCM_16_64_128, purpose, length])
