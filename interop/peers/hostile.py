"""OSCORE requests and responses that are not as they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiocoap import Message
from aiocoap.numbers import codes
from aiocoap.numbers.optionnumbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption

from lscoap_interop.peer_client import PeerClient
from lscoap_interop.peer_server import SecureSite

Change = Callable[[Message], None]


def _kid_moved(message: Message) -> None:
    option = message.opt.oscore
    end = 1 + (option[0] & 7)
    message.opt.oscore, message.payload = option[:end], option[end:] + message.payload


def _kid_context(message: Message) -> None:
    option = message.opt.oscore
    end = 1 + (option[0] & 7)
    message.opt.oscore = bytes((option[0] | 0x10,)) + option[1:end] + b"\x01x" + option[end:]


def _long_kid(message: Message) -> None:
    message.opt.oscore += b"\0"


def _truncated(message: Message) -> None:
    message.opt.oscore = b"\x09"


def _doubled(message: Message) -> None:
    message.opt.add_option(OpaqueOption(OptionNumber.OSCORE, message.opt.oscore))


def wrong_key(message: Message) -> None:
    """Flips the last bit."""
    message.payload = message.payload[:-1] + bytes((message.payload[-1] ^ 1,))


# What is changed in a request, and the code in the clear that it gets (RFC 8613 section 8.2).
REQUESTS: dict[str, tuple[Change, codes.Code]] = {
    "kid moved": (_kid_moved, codes.UNAUTHORIZED),
    "kid context": (_kid_context, codes.UNAUTHORIZED),
    "long kid": (_long_kid, codes.UNAUTHORIZED),
    "truncated option": (_truncated, codes.BAD_OPTION),
    "doubled option": (_doubled, codes.BAD_OPTION),
    "wrong key": (wrong_key, codes.BAD_REQUEST),
}


def sealed(client: PeerClient, message: Message) -> Message:
    """The outer request, as aiocoap's OSCORE makes it."""
    outer, _ = client.oscore.protect(message)
    outer.remote = message.remote
    return outer


async def ask(client: PeerClient, hostile: tuple[Change, codes.Code]) -> str:
    """Sends a request with a change: it is refused, and the next one without it is served."""
    change, code = hostile
    outer = sealed(client, client.message(codes.GET, "/index"))
    change(outer)
    answer = await client.context.request(outer).response
    assert answer.code == code, answer.code
    assert answer.opt.oscore is None and answer.opt.max_age == 0, answer.opt
    answer = await client.request(client.message(codes.GET, "/index"))
    assert answer.code == codes.CONTENT, answer.code
    return f"{code.dotted}"


def _with_kid(message: Message) -> None:
    message.opt.oscore = (
        b"\x08" if not message.opt.oscore else bytes((message.opt.oscore[0] | 8,)) + message.opt.oscore[1:]
    )


def _with_kid_context(message: Message) -> None:
    option = message.opt.oscore or b"\0"
    message.opt.oscore = bytes((option[0] | 0x10,)) + option[1:] + b"\x01x"


def _with_long_kid(message: Message) -> None:
    _with_kid(message)
    message.opt.oscore += b"abc"


def _announced_only(message: Message) -> None:
    message.opt.oscore = b"\x02\x01"


# What is changed in a response, and whether a client takes it: kid and kid context in one say nothing.
RESPONSES: dict[str, tuple[Change, bool]] = {
    "kid moved": (_with_kid, True),
    "kid context": (_with_kid_context, True),
    "long kid": (_with_long_kid, True),
    "truncated option": (_announced_only, False),
    "doubled option": (_doubled, False),
    "wrong key": (wrong_key, False),
}


def same_answer() -> Change:
    """A change: every answer is the first one again."""
    first: list[tuple[bytes, bytes]] = []

    def change(message: Message) -> None:
        first.append((message.opt.oscore, message.payload))
        message.opt.oscore, message.payload = first[0]

    return change


class Changing:
    """A pipe that changes sealed responses on their way."""

    def __init__(self, pipe: Any, change: Change) -> None:
        """`pipe` is where they go."""
        self._pipe, self._change = pipe, change

    def __getattr__(self, name: str) -> Any:
        """As the pipe."""
        return getattr(self._pipe, name)

    def add_response(self, response: Message, is_last: bool = False) -> None:
        """Changed, if it is sealed."""
        if response.opt.oscore is not None:
            self._change(response)
        self._pipe.add_response(response, is_last)


class ChangingSite(SecureSite):
    """A server whose sealed responses are changed once `change` is set."""

    change: Change | None = None

    async def render_to_pipe(self, pipe: Any) -> None:
        """As SecureSite, with the change."""
        await super().render_to_pipe(Changing(pipe, self.change) if self.change else pipe)
