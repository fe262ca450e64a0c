"""Both roles as security contexts of aiocoap's Group OSCORE.

What aiocoap has no configuration for is adapted here, one class for each thing: `Agreement`, `AgreedSecret`,
`KeptByOwner`, `Tags` and `Group`. docs/interop.md says what they are for. Without them aiocoap is as it is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cbor2
from aiocoap import oscore
from aiocoap.oscore import ProtectionInvalid
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ..crypto import SecretKey
from .keys import PAIRWISE_ALGORITHM, SIGNATURE_ALGORITHM, SIGNED, TAG_OF_A_SLOT, TAGGED, ModeKeys, credential, gid_of
from .messages import Join
from .objects import tag
from .owner import Owner

CCM = oscore.algorithms["AES-CCM-16-64-128"]
ECDSA = oscore.algorithms_countersign["ECDSA w/ SHA-256 on P-256"]


class Agreement(type(ECDSA)):  # type: ignore[misc]
    """ECDH-SS + HKDF-256 with P-256: aiocoap has this number for Ed25519 alone, and -7 for P-256."""

    value = PAIRWISE_ALGORITHM


class AgreedSecret(Agreement):
    """The same where the secret is given, as JOIN gives it."""

    def __init__(self, shared: bytes) -> None:
        """The secret of this member and its owner."""
        self._shared = shared

    def staticstatic(self, private_key: Any, public_key: Any) -> bytes:
        """The secret."""
        return self._shared


class KeptByOwner(type(ECDSA)):  # type: ignore[misc]
    """ECDSA of a member that has no key of its own: what aiocoap takes for its private key is its public one."""

    def public_from_private(self, private_key: Any) -> Any:
        """The public key of either."""
        return private_key if isinstance(private_key, ec.EllipticCurvePublicKey) else private_key.public_key()


class Tags(KeptByOwner):
    """The tags of `TAGGED` in the place of signatures: an algorithm that is plugged in."""

    value = SIGNATURE_ALGORITHM[TAGGED]

    def __init__(self, vks: Mapping[int, bytes], slots: int) -> None:
        """The keys that this end has, by kid."""
        self._vks = vks
        self.signature_length = TAG_OF_A_SLOT * slots

    def from_kccs(self, ccs: bytes) -> Any:
        """Credentials are those of ECDSA in both modes."""
        return ECDSA.from_kccs(ccs)

    def sign(self, body: bytes, aad: bytes, private_key: Any) -> bytes:
        """All tags."""
        signed = self._build_countersign_structure(body, aad)
        return b"".join(tag(vk, signed) for _, vk in sorted(self._vks.items()))

    def verify(self, signature: bytes, body: bytes, aad: bytes, public_key: Any) -> None:
        """Checks those whose keys are here."""
        signed = self._build_countersign_structure(body, aad)
        for kid, vk in self._vks.items():
            if signature[TAG_OF_A_SLOT * (kid - 1) : TAG_OF_A_SLOT * kid] != tag(vk, signed):
                raise ProtectionInvalid("Tag mismatch")


class Group(oscore.SimpleGroupContext):
    """A group whose replays are refused: aiocoap asks contexts of peers for `echo_recovery`, which they have not."""

    def get_oscore_context_for(self, unprotected: Any) -> Any:
        """The context of the peer who has sent this, or None."""
        found = super().get_oscore_context_for(unprotected)
        if found is not None:
            found.echo_recovery = None
        return found


def _context(
    keys: ModeKeys, kid: bytes, signature: Any, agreement: Any, private: Any, own: bytes, peers: Any, owner: bytes
) -> Group:
    return Group(
        alg_aead=CCM,
        hashfun=hashes.SHA256(),
        alg_signature=signature,
        alg_group_enc=CCM,
        alg_pairwise_key_agreement=agreement,
        group_id=keys.gid,
        master_secret=keys.secret,
        master_salt=keys.salt,
        sender_id=kid,
        private_key=private,
        sender_auth_cred=own,
        peers=peers,
        group_manager_cred=owner,
    )


def private_key(key: SecretKey) -> ec.EllipticCurvePrivateKey:
    """A secret as aiocoap takes it."""
    return ec.derive_private_key(int.from_bytes(key.secret), ec.SECP256R1())


def sender_context(owner: Owner, mode: int = SIGNED, agreement: Any = None) -> Group:
    """The sender of a group, in this epoch, with the next number of the owner's; it opens answers."""
    members = {bytes((kid,)): credential(owner.member_key(device).public) for device, kid in owner.kids.items()}
    signature = ECDSA if mode == SIGNED else Tags(owner.vks, owner.slots)
    context = _context(
        owner.keys[mode],
        b"",
        signature,
        agreement or Agreement(),
        private_key(owner.key),
        owner.credential,
        members,
        owner.credential,
    )
    context.sender_sequence_number = owner.number
    return context


def member_context(join: Join, mode: int = SIGNED, key: SecretKey | None = None) -> Group:
    """A member in group and epoch of a JOIN. `key` is what its owner may give out beside it, `sk_M`."""
    own = credential(join.pk_member)
    agreement = Agreement() if key else AgreedSecret(join.shared)
    private = private_key(key) if key else ECDSA.from_kccs(own)
    if mode == TAGGED:
        signature: Any = Tags({join.kid: join.vk}, join.slots)
    else:
        signature = ECDSA if key else KeptByOwner()
    context = _context(
        ModeKeys.derive(join.ms, gid_of(join.group, join.epoch, mode)),
        bytes((join.kid,)),
        signature,
        agreement,
        private,
        own,
        {b"": credential(join.pk_sender)},
        credential(join.pk_owner),
    )
    if join.floor:
        context.recipient_replay_windows[b""].initialize_from_freshlyseen(join.floor - 1)
    return context


def without_sign_protected(body: bytes, external_aad: bytes) -> bytes:
    """What RFC 9338 has signed: `sign_protected` is left out of an abbreviated countersignature."""
    return cbor2.dumps(["CounterSignature0", b"", external_aad, body])
