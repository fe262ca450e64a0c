"""A server over aiocoap: the handshake's resource, and a site that is reached in either carrier only."""

from __future__ import annotations

import logging
import time
from typing import Any

from aiocoap import Message, error, interfaces, pipe
from aiocoap.blockwise import Block1Spool, IncompleteException, _extract_block_key
from aiocoap.message import Direction
from aiocoap.numbers import codes
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper
from aiocoap.transports.oscore import OSCOREAddress
from aiocoap.util.asyncio.timeoutdict import TimeoutDict

from . import payload, wire
from .crypto import Malformed, Unverified
from .oscore import Context, Credentials
from .peer_client import HANDSHAKE_FORMAT
from .server import Server
from .session import Exchange, Replay, Session
from .wire import Alert

EXCHANGE_LIFETIME = 247
_BLOCK = 1024
_BLOCK_EXPONENT = 6
_REFUSALS = {
    Alert.UNKNOWN_DEVICE: codes.UNAUTHORIZED,
    Alert.UNVERIFIED: codes.UNAUTHORIZED,
    Alert.NO_SESSION: codes.UNAUTHORIZED,
    Alert.MALFORMED: codes.BAD_REQUEST,
    Alert.BUSY: codes.SERVICE_UNAVAILABLE,
}


class _Answers(TimeoutDict[Any, Message]):
    """Answers, for as long as their requests may be sent again."""

    def __init__(self) -> None:
        super().__init__(EXCHANGE_LIFETIME)

    def get(self, key: Any) -> Message | None:
        """The answer, if there still is one."""
        try:
            return self[key]
        except KeyError:
            return None


class _Remote(OSCOREAddress):
    """The remote of a request from inside a payload: its blocks are outside, so that none are cut inside."""

    maximum_payload_size = 1 << 20


class SecureSite(interfaces.Resource):
    """The root site: wraps the site whose resources handle requests once they have opened."""

    def __init__(self, server: Server, site: interfaces.Resource) -> None:
        """`site` sees nothing that was not sealed."""
        self.server = server
        self.log = logging.getLogger("lscoap-interop")
        self._site = site
        self._oscore = OscoreSiteWrapper(site, Credentials(server))
        self._spool = Block1Spool()
        self._in_blocks = _Answers()
        self._kept = _Answers()

    async def render(self, request: Message) -> Message:
        """Not used: everything comes by `render_to_pipe`."""
        raise NotImplementedError

    async def needs_blockwise_assembly(self, request: Message) -> bool:
        """Not used either."""
        raise NotImplementedError

    async def render_to_pipe(self, pipe: pipe.Pipe) -> None:
        """Hands a request to where it belongs, by what it looks like."""
        request = pipe.request
        if request.opt.oscore is not None:
            await self._oscore.render_to_pipe(pipe)
        elif request.opt.uri_path == (".well-known", "lscoap"):
            pipe.add_response(self._handshake(request), is_last=True)
        elif request.opt.content_format == payload.CONTENT_FORMAT or request.opt.block2 is not None:
            await self._sealed(pipe)
        else:
            raise error.Unauthorized("sealed requests only")

    def _handshake(self, request: Message) -> Message:
        if request.code != codes.POST:
            return Message(code=codes.METHOD_NOT_ALLOWED)
        answer = self.server.step(request.payload, request.remote.hostinfo.encode(), time.monotonic())
        if answer is None:
            return Message(code=codes.BAD_REQUEST)
        if answer[0] == wire.ALERT:
            return _refusal(_REFUSALS[answer[1]], answer[1])
        code = codes.UNAUTHORIZED if answer[0] == wire.RETRY else codes.CHANGED
        return Message(code=code, content_format=HANDSHAKE_FORMAT, payload=answer)

    async def _sealed(self, outer_pipe: pipe.Pipe) -> None:
        request = outer_pipe.request
        key = _extract_block_key(request)
        if request.opt.block2 is not None and request.opt.block2.block_number > 0:
            answer = self._in_blocks.get(key)
            if answer is None:
                raise IncompleteException
            outer_pipe.add_response(_cut(answer, request), is_last=True)
            return
        block1 = request.opt.block1
        request = self._spool.feed_and_take(request)
        kept = self._kept.get(request.payload)
        if kept is not None:
            outer_pipe.add_response(_cut(kept, request, block1), is_last=True)
            return
        session = self._session_of(request.payload)
        if session is None:
            outer_pipe.add_response(_refusal(codes.UNAUTHORIZED, Alert.NO_SESSION), is_last=True)
            return
        try:
            inner, exchange = payload.unprotect_request(session, request)
        except payload.BadOption as refused:
            answer = Message(code=codes.BAD_OPTION)
            if refused.exchange:
                answer = payload.protect_response(session, answer, refused.exchange, request)
            outer_pipe.add_response(answer, is_last=True)
            return
        except (Malformed, Replay, Unverified) as refused:
            self.log.info("refused: %s", refused)
            outer_pipe.add_response(_refusal(codes.BAD_REQUEST, Alert.UNVERIFIED), is_last=True)
            return
        inner.remote = _Remote(Context(session), request.remote)
        await self._answer(outer_pipe, inner, session, exchange, request, key)

    async def _answer(
        self,
        outer_pipe: pipe.Pipe,
        inner: Message,
        session: Session,
        exchange: Exchange,
        request: Message,
        key: Any,
    ) -> None:
        inner_pipe = pipe.IterablePipe(inner)
        pipe.run_driving_pipe(
            pipe.error_to_message(inner_pipe, self.log), self._site.render_to_pipe(inner_pipe), name="sealed request"
        )
        async for event in inner_pipe:
            message = event.message or Message(code=codes.INTERNAL_SERVER_ERROR)
            last = event.is_last or event.message is None
            if not last:
                message.opt.observe = 0
            answer = payload.protect_response(session, message, exchange, request)
            self._in_blocks[key] = answer
            if inner.opt.observe is None:
                self._kept[request.payload] = answer
            outer_pipe.add_response(_cut(answer, request, request.opt.block1), is_last=last)
            if last:
                break

    def _session_of(self, sealed: bytes) -> Session | None:
        start = 1 + (sealed[0] & 7) if sealed and sealed[0] & 0xF8 == 0x08 else 0
        kids = [sealed[start : start + length] for length in range(1, 8)] if start else []
        return next((session for kid in kids if (session := self.server.session_of(kid))), None)


def _refusal(code: codes.Code, alert: int) -> Message:
    message = Message(code=code, content_format=HANDSHAKE_FORMAT, payload=wire.alert(alert))
    if code == codes.SERVICE_UNAVAILABLE:
        message.opt.max_age = 5
    return message


def _cut(answer: Message, request: Message, block1: Any = None) -> Message:
    """The block of an answer that a request wants; the whole where it fits."""
    wanted = request.opt.block2
    number, exponent = (
        (wanted.block_number, min(wanted.size_exponent, _BLOCK_EXPONENT)) if wanted else (0, _BLOCK_EXPONENT)
    )
    if len(answer.payload) > (16 << exponent) or number:
        cut = answer._extract_block(number, exponent, _BLOCK)
    else:
        cut = answer.copy()
    cut.direction = Direction.OUTGOING
    if block1 is not None:
        cut.opt.block1 = block1
    return cut
