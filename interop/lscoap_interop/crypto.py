"""The one suite: P-256, ECDSA with SHA-256, HKDF-SHA-256, AES-CCM-16-64-128."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TAG = 8
SEAL_KEY = 29
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Malformed(ValueError):
    """Bytes that are no message, key or string of this protocol."""


class Unverified(ValueError):
    """A tag or a signature that does not verify."""


def sha256(*parts: bytes) -> bytes:
    """H over the parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-256 over the parts, one after the other."""
    mac = HMAC(key, hashes.SHA256())
    mac.update(b"".join(parts))
    return mac.finalize()


def extract(salt: bytes, secret: bytes) -> bytes:
    """Extract of HKDF-SHA-256."""
    return hmac_sha256(salt, secret)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """Expand of HKDF-SHA-256."""
    return HKDFExpand(hashes.SHA256(), length, info).derive(key)


def seal(key: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """`Seal(K, aad, plaintext)`: K is 16 bytes of key and 13 of nonce."""
    return ccm_seal(key[:16], key[16:], aad, plaintext)


def open_sealed(key: bytes, aad: bytes, sealed: bytes) -> bytes:
    """What `seal` has sealed; raises Unverified."""
    return ccm_open(key[:16], key[16:], aad, sealed)


def ccm_seal(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """AES-CCM with a tag of 8 bytes."""
    return AESCCM(key, tag_length=TAG).encrypt(nonce, plaintext, aad)


def ccm_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """The plaintext; raises Unverified."""
    try:
        return AESCCM(key, tag_length=TAG).decrypt(nonce, sealed, aad)
    except (InvalidTag, ValueError) as error:
        raise Unverified("the tag does not verify") from error


class SecretKey:
    """A secret of P-256, an identity's or an ephemeral one."""

    def __init__(self, secret: bytes | None = None) -> None:
        """The secret's 32 bytes; a new one where there are none."""
        if secret is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
        else:
            if len(secret) != 32 or not 0 < int.from_bytes(secret) < ORDER:
                raise Malformed("a secret key has 32 bytes and is between 1 and the order of P-256")
            self._key = ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1())

    @property
    def secret(self) -> bytes:
        """The secret's 32 bytes."""
        return self._key.private_numbers().private_value.to_bytes(32)

    @property
    def public(self) -> bytes:
        """The compressed point, 33 bytes."""
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    @property
    def x(self) -> bytes:
        """The x-coordinate, 32 bytes."""
        return self.public[1:]

    def dh(self, other: bytes) -> bytes:
        """The Diffie-Hellman x-coordinate with a compressed point (33 bytes) or an x-coordinate (32 bytes)."""
        return self._key.exchange(ec.ECDH(), _point(other if len(other) == 33 else b"\x02" + other))

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256 and the nonce of RFC 6979: 64 bytes, r || s."""
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32) + s.to_bytes(32)


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Raises Unverified where the signature is not by this compressed point over this message."""
    try:
        der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        _point(public).verify(der, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Unverified("the signature does not verify") from error


def check_point(public: bytes) -> bytes:
    """A compressed point as it was given; raises Malformed where it is none."""
    _point(public)
    return public


def check_x(x: bytes) -> bytes:
    """An x-coordinate as it was given; raises Malformed where no point has it."""
    _point(b"\x02" + x)
    return x


def coordinates(public: bytes) -> tuple[bytes, bytes]:
    """x and y of a compressed point, 32 bytes each."""
    numbers = _point(public).public_numbers()
    return numbers.x.to_bytes(32), numbers.y.to_bytes(32)


def _point(public: bytes) -> ec.EllipticCurvePublicKey:
    if len(public) != 33 or public[0] not in (2, 3):
        raise Malformed("a public key is a compressed point of 33 bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError as error:
        raise Malformed("no point of P-256 has this x-coordinate") from error
