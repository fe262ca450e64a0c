"""A session: an OSCORE security context (RFC 8613 section 3) whose objects travel in either carrier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cbor2

from .crypto import TAG, Malformed, Unverified, ccm_open, ccm_seal, expand, extract

_CCM_16_64_128 = 10
_LAST_NUMBER = (1 << 40) - 1
WINDOW = 64


class Replay(ValueError):
    """A number that was received before, or is too old."""


class Window:
    """The replay window; `opened` is called with each number that is struck out. aiocoap uses it too."""

    def __init__(self, opened: Callable[[], None]) -> None:
        """A window that has seen nothing."""
        self._opened = opened
        self._top = -1
        self._seen = 0

    def is_initialized(self) -> bool:
        """True: it was never lost."""
        return True

    def is_valid(self, number: int) -> bool:
        """Whether the number is new."""
        age = self._top - number
        return age < 0 or (age < WINDOW and not self._seen >> age & 1)

    def strike_out(self, number: int) -> None:
        """The number has come, in a record whose tag has verified."""
        ahead = number - self._top
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW)) & ((1 << WINDOW) - 1)
            self._top = number
        self._seen |= 1 << (self._top - number)
        self._opened()


@dataclass
class Exchange:
    """A request, as its answers need it: kid and Partial IV, and what the client has accepted."""

    kid: bytes
    piv: bytes
    answered: bool = False
    last_number: int = field(default=-1)


class Session:
    """One end of a session. `out` is OUT of the handshake; the ids are 1 to 7 and 0 to 7 bytes."""

    def __init__(self, out: bytes, cid_s: bytes, cid_c: bytes, is_client: bool) -> None:
        """A session that has sent and received nothing."""
        self.out, self.cid_s, self.cid_c, self.is_client = out, cid_s, cid_c, is_client
        self.master_secret = expand(out, b"oscore secret", 16)
        self.master_salt = expand(out, b"oscore salt", 8)
        self.resume_secret = expand(out, b"resume", 32)
        self.sender_id, self.recipient_id = (cid_s, cid_c) if is_client else (cid_c, cid_s)
        self.sender_key = self._derive(self.sender_id, "Key", 16)
        self.recipient_key = self._derive(self.recipient_id, "Key", 16)
        self.common_iv = self._derive(b"", "IV", 13)
        self.next_number = 0
        self.on_opened: Callable[[], None] | None = None
        self.window = Window(self.opened)

    def opened(self) -> None:
        """A record of the peer's has opened: what confirms a session."""
        if self.on_opened:
            self.on_opened()

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """A key for the application."""
        return expand(self.out, b"export" + bytes((len(label),)) + label + context, length)

    def seal_request(self, options: bytes, plaintext: bytes) -> tuple[bytes, Exchange]:
        """The object of a request; `options` are those of the additional data."""
        piv = self._next_piv()
        exchange = Exchange(self.sender_id, piv)
        header = bytes((0x08 | len(piv),)) + piv + self.sender_id
        nonce = self._nonce(self.sender_id, piv)
        return header + ccm_seal(self.sender_key, nonce, _aad(exchange, options), plaintext), exchange

    def open_request(self, options: bytes, request: bytes) -> tuple[bytes, Exchange]:
        """The plaintext of a request; raises Malformed, Replay or Unverified."""
        kid, piv, sealed = split_request(request, len(self.recipient_id))
        if kid != self.recipient_id:
            raise Malformed("the kid is of another session")
        number = int.from_bytes(piv)
        if not self.window.is_valid(number):
            raise Replay("this number was received before")
        exchange = Exchange(kid, piv)
        plaintext = ccm_open(self.recipient_key, self._nonce(kid, piv), _aad(exchange, options), sealed)
        self.window.strike_out(number)
        return plaintext, exchange

    def seal_response(self, options: bytes, plaintext: bytes, exchange: Exchange, numbered: bool = False) -> bytes:
        """The object of a response; the first to a request may go without a number of its own."""
        if numbered or exchange.answered:
            piv = self._next_piv()
            header, nonce = bytes((len(piv),)) + piv, self._nonce(self.sender_id, piv)
        else:
            header, nonce = b"\0", self._nonce(exchange.kid, exchange.piv)
        exchange.answered = True
        return header + ccm_seal(self.sender_key, nonce, _aad(exchange, options), plaintext)

    def open_response(self, options: bytes, response: bytes, exchange: Exchange) -> tuple[bytes, int | None]:
        """The plaintext of a response, and its number where it has one; raises Malformed, Replay or Unverified."""
        length = response[0] if response else 0xFF
        if length > 5 or len(response) < 1 + length + TAG:
            raise Malformed("this is no response object")
        piv, sealed = response[1 : 1 + length], response[1 + length :]
        number = int.from_bytes(piv) if piv else None
        if exchange.answered and (number is None or number <= exchange.last_number):
            raise Replay("this answer is not newer than the one before")
        nonce = self._nonce(self.recipient_id, piv) if piv else self._nonce(exchange.kid, exchange.piv)
        plaintext = ccm_open(self.recipient_key, nonce, _aad(exchange, options), sealed)
        exchange.answered = True
        exchange.last_number = number if number is not None else exchange.last_number
        self.opened()
        return plaintext, number

    def _derive(self, identifier: bytes, purpose: str, length: int) -> bytes:
        info = cbor2.dumps([identifier, None, _CCM_16_64_128, purpose, length])
        return expand(extract(self.master_salt, self.master_secret), info, length)

    def _next_piv(self) -> bytes:
        number = self.next_number
        if number > _LAST_NUMBER:
            raise Unverified("the session has no numbers left")
        self.next_number += 1
        return number.to_bytes(max(1, (number.bit_length() + 7) // 8))

    def _nonce(self, identifier: bytes, piv: bytes) -> bytes:
        plain = bytes((len(identifier),)) + identifier.rjust(7, b"\0") + piv.rjust(5, b"\0")
        return bytes(a ^ b for a, b in zip(plain, self.common_iv, strict=True))


def split_request(request: bytes, kid_length: int) -> tuple[bytes, bytes, bytes]:
    """kid, Partial IV and ciphertext of a request object; raises Malformed."""
    length = request[0] & 7 if request else 0
    if not request or request[0] & 0xF8 != 0x08 or not 1 <= length <= 5:
        raise Malformed("this is no request object")
    end = 1 + length + kid_length
    if len(request) < end + TAG:
        raise Malformed("a request object is longer")
    piv = request[1 : 1 + length]
    if length > 1 and piv[0] == 0:
        raise Malformed("a Partial IV has its shortest form")
    return request[1 + length : end], piv, request[end:]


def _aad(exchange: Exchange, options: bytes) -> bytes:
    external = cbor2.dumps([1, [_CCM_16_64_128], exchange.kid, exchange.piv, options])
    return cbor2.dumps(["Encrypt0", b"", external])
