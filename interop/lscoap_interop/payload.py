"""Whole CoAP messages in the payload carrier: the sealed object is the payload, its options are partly inside."""

from __future__ import annotations

from dataclasses import dataclass

from aiocoap import Message
from aiocoap.message import Direction
from aiocoap.numbers import codes
from aiocoap.numbers.optionnumbers import OptionNumber as Option
from aiocoap.options import Options

from .crypto import Malformed
from .session import Exchange, Session

CONTENT_FORMAT = 65002
NO_OPTIONS = b"\xff"

_URI = {Option.URI_HOST, Option.URI_PORT, Option.URI_PATH, Option.URI_QUERY}
_OUTSIDE = _URI | {Option.PROXY_SCHEME, Option.HOP_LIMIT}
_REFUSED = {Option.PROXY_URI, Option.OSCORE}
_REFUSED_INSIDE = _URI | _REFUSED | {Option.PROXY_SCHEME}
_KNOWN_OUTSIDE = _OUTSIDE | {Option.BLOCK1, Option.BLOCK2}


class BadOption(ValueError):
    """An option that has no business where it stands: 4.02, sealed where there is an exchange."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        """The exchange of the request, if it has opened."""
        super().__init__("an option that is not understood here")
        self.exchange = exchange


@dataclass(frozen=True)
class Notified:
    """A response that has opened, and the value of its Observe outside; None where it is no notification."""

    message: Message
    observe: int | None


def protect_request(session: Session, message: Message) -> tuple[Message, Exchange]:
    """The outer request of a request, with the same remote; raises BadOption."""
    if any(option.number in _REFUSED for option in message.opt.option_list()):
        raise BadOption
    fetch = message.code in (codes.GET, codes.FETCH)
    outer = message.copy(code=codes.FETCH if fetch else codes.POST, payload=b"")
    outer.opt = Options()
    for option in message.opt.option_list():
        if option.number in _OUTSIDE | {Option.OBSERVE}:
            outer.opt.add_option(option)
    outer.opt.content_format = CONTENT_FORMAT
    outer.payload, exchange = session.seal_request(_authenticated(outer), _plaintext(message, _OUTSIDE))
    return outer, exchange


def unprotect_request(session: Session, outer: Message) -> tuple[Message, Exchange]:
    """The request in an outer one whose blocks are together; raises BadOption, Malformed, Replay or Unverified."""
    kept = [option for option in outer.opt.option_list() if option.number in _OUTSIDE]
    unknown = {option.number for option in outer.opt.option_list()} - _KNOWN_OUTSIDE
    if any(number.is_critical() for number in unknown):
        raise BadOption
    plaintext, exchange = session.open_request(_authenticated(outer), outer.payload)
    inner = _message(plaintext)
    if not inner.code.is_request() or any(option.number in _REFUSED_INSIDE for option in inner.opt.option_list()):
        raise BadOption(exchange)
    for option in kept:
        inner.opt.add_option(option)
    if outer.opt.observe is None:
        inner.opt.observe = None
    return inner, exchange


def protect_response(session: Session, message: Message, exchange: Exchange, request: Message) -> Message:
    """The outer response of a response to this outer request; one with Observe has a number of its own."""
    observe = message.opt.observe is not None
    if observe:
        message.opt.observe = 0  # empty
    code = codes.CONTENT if request.code == codes.FETCH else codes.CHANGED
    outer = Message(code=code, content_format=CONTENT_FORMAT)
    if observe:
        outer.opt.observe = session.next_number & 0xFFFFFF
    outer.payload = session.seal_response(NO_OPTIONS, _plaintext(message, set()), exchange, numbered=observe)
    return outer


def unprotect_response(session: Session, outer: Message, exchange: Exchange) -> Notified:
    """The response in an outer one whose blocks are together; raises Malformed, Replay or Unverified."""
    plaintext, number = session.open_response(NO_OPTIONS, outer.payload, exchange)
    inner = _message(plaintext)
    if not inner.code.is_response():
        raise Malformed("no response is inside")
    notification = inner.opt.observe is not None and outer.opt.observe is not None and number is not None
    return Notified(inner, number & 0xFFFFFF if notification and number is not None else None)


def _authenticated(outer: Message) -> bytes:
    return NO_OPTIONS + Message(uri_path=outer.opt.uri_path, uri_query=outer.opt.uri_query).opt.encode()


def _plaintext(message: Message, without: set[Option]) -> bytes:
    options = Options()
    for option in message.opt.option_list():
        if option.number not in without:
            options.add_option(option)
    end = b"\xff" + message.payload if message.payload else b""
    return bytes((message.code,)) + options.encode() + end


def _message(plaintext: bytes) -> Message:
    if not plaintext:
        raise Malformed("a message has a code")
    message = Message(code=codes.Code(plaintext[0]))
    try:
        message.payload = message.opt.decode(plaintext[1:])
    except Exception as error:  # whatever aiocoap makes of options that end too early
        raise Malformed("the options inside cannot be read") from error
    message.direction = Direction.INCOMING
    return message
