"""Requests and answers, sealed and opened: one object after the other, without memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cbor2

from ..crypto import TAG, Malformed, Unverified, ccm_open, ccm_seal, hmac_sha256, sha256
from .keys import AES_CCM_16_64_128, PAIRWISE_ALGORITHM, SIGNATURE_ALGORITHM, SIGNED, TAG_OF_A_SLOT, ModeKeys

SIGNATURE = 64
_REQUEST, _ANSWER = 0x38, 0x08
_GID = 3

Prove = Callable[[bytes], bytes]  # of what is to be signed: the signature, or the tags


@dataclass(frozen=True)
class Form:
    """What precedes the ciphertext of a request: the value of its OSCORE option."""

    piv: bytes
    gid: bytes

    @property
    def option(self) -> bytes:
        """The bytes."""
        return bytes((_REQUEST + len(self.piv),)) + self.piv + bytes((_GID,)) + self.gid

    @property
    def number(self) -> int:
        """The request's number."""
        return int.from_bytes(self.piv)

    @property
    def group(self) -> int:
        """The group's number."""
        return int.from_bytes(self.gid[:2])

    @property
    def mode(self) -> int:
        """Its mode; 0 and 3 are none."""
        return self.gid[2] >> 6

    @property
    def epoch(self) -> int:
        """What is to be seen of its epoch: the rest of a division by 64."""
        return self.gid[2] & 63


def read_form(sealed: bytes) -> tuple[Form, bytes]:
    """What a request begins with, and what follows; raises Malformed."""
    length = sealed[0] - _REQUEST if sealed else 0
    end = 1 + length + 1 + _GID
    if not 1 <= length <= 5 or len(sealed) < end:
        raise Malformed("this is no request to a group")
    form = Form(sealed[1 : 1 + length], sealed[end - _GID : end])
    if sealed[1 + length] != _GID or (length > 1 and form.piv[0] == 0):
        raise Malformed("the kid context is a Gid, and a number has its shortest form")
    return form, sealed[end:]


@dataclass(frozen=True)
class Request:
    """A request, as its answers need it. `options` is empty in the message carrier, `FF || aad` in payloads."""

    form: Form
    options: bytes
    owner: bytes  # a credential, as are those of senders below

    def external_aad(self, sender: bytes, option: bytes) -> bytes:
        """What is authenticated beside a ciphertext: this request's own, or an answer's with its option and sender."""
        algorithms = [AES_CCM_16_64_128, AES_CCM_16_64_128, SIGNATURE_ALGORITHM[self.form.mode], PAIRWISE_ALGORITHM]
        return cbor2.dumps([1, algorithms, b"", self.form.piv, self.options, self.form.gid, option, sender, self.owner])


def to_be_signed(external_aad: bytes, ciphertext: bytes) -> bytes:
    """What signature and tags are over."""
    return cbor2.dumps(["CounterSignature0", b"", b"", external_aad, ciphertext])


def tag(vk: bytes, signed: bytes) -> bytes:
    """One slot's tag."""
    return hmac_sha256(vk, sha256(signed))[:TAG_OF_A_SLOT]


def tags(vks: Mapping[int, bytes], slots: int) -> Prove:
    """The tags of all slots, by their keys."""
    return lambda signed: b"".join(tag(vks[kid], signed) for kid in range(1, slots + 1))


def proof_length(mode: int, slots: int) -> int:
    """The bytes of a signature, or of the tags."""
    return SIGNATURE if mode == SIGNED else TAG_OF_A_SLOT * slots


def seal_request(keys: ModeKeys, request: Request, sender: bytes, plaintext: bytes, prove: Prove) -> bytes:
    """The object of a request."""
    form = request.form
    external = request.external_aad(sender, form.option)
    ciphertext = ccm_seal(keys.sender_key, keys.nonce(form.piv), _aad(external), plaintext)
    proof = prove(to_be_signed(external, ciphertext))
    return form.option + ciphertext + _xor(proof, keys.keystream(form.piv, len(proof)))


def open_request(
    keys: ModeKeys, request: Request, sender: bytes, rest: bytes, length: int, check: Callable[[bytes, bytes], None]
) -> bytes:
    """The plaintext of what follows the form, whose proof is this long. `check` gets proof and what it is over."""
    ciphertext, hidden = rest[:-length], rest[-length:]
    if len(ciphertext) < 1 + TAG:
        raise Malformed("a request has a code, a tag and a proof")
    form = request.form
    external = request.external_aad(sender, form.option)
    plaintext = ccm_open(keys.sender_key, keys.nonce(form.piv), _aad(external), ciphertext)
    check(_xor(hidden, keys.keystream(form.piv, length)), to_be_signed(external, ciphertext))
    return plaintext


def check_tag(kid: int, vk: bytes, proof: bytes, signed: bytes) -> None:
    """Raises Unverified where the tag in this slot is not right."""
    if proof[TAG_OF_A_SLOT * (kid - 1) : TAG_OF_A_SLOT * kid] != tag(vk, signed):
        raise Unverified("the tag in this member's slot does not verify")


def seal_answer(keys: ModeKeys, request: Request, kid: int, key: bytes, member: bytes, plaintext: bytes) -> bytes:
    """The object of a member's answer, with its answer key and its credential."""
    option = bytes((_ANSWER, kid))
    external = request.external_aad(member, option)
    return option + ccm_seal(key, keys.nonce(request.form.piv), _aad(external), plaintext)


def read_answer(sealed: bytes) -> int:
    """The kid of an answer; raises Malformed."""
    if len(sealed) < 2 + 1 + TAG or sealed[0] != _ANSWER:
        raise Malformed("this is no answer of a group")
    return sealed[1]


def open_answer(keys: ModeKeys, request: Request, key: bytes, member: bytes, sealed: bytes) -> bytes:
    """The plaintext of an answer; raises Malformed or Unverified."""
    option = bytes((_ANSWER, read_answer(sealed)))
    external = request.external_aad(member, option)
    return ccm_open(key, keys.nonce(request.form.piv), _aad(external), sealed[2:])


def _aad(external: bytes) -> bytes:
    return cbor2.dumps(["Encrypt0", b"", external])


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
