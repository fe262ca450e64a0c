"""A client over aiocoap: handshake, then requests in either carrier."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from typing import Any

import aiocoap
from aiocoap import Message
from aiocoap.numbers import codes

from . import payload, wire
from .client import Client, Refused
from .crypto import Malformed, SecretKey
from .oscore import Context
from .session import Session

HANDSHAKE_PATH = "/.well-known/lscoap"
HANDSHAKE_FORMAT = 65001
_LONG = 1000  # bytes of payload, from which on a request travels in blocks


class Clear(Exception):
    """An answer in the clear where a sealed one is due: a hint, which anybody can have sent."""

    def __init__(self, message: Message) -> None:
        """The answer."""
        super().__init__(f"answered in the clear: {message.code}")
        self.message = message


class PeerClient:
    """One session with one server. `carrier` is "oscore" or "payload"."""

    def __init__(self, context: aiocoap.Context, base: str, session: Session, carrier: str = "oscore") -> None:
        """`base` is the server's URI without a path; see `connect()`."""
        self.context, self.base, self.session, self.carrier = context, base, session, carrier
        if carrier == "oscore":
            self.oscore = Context(session)
            context.client_credentials[base + HANDSHAKE_PATH] = None
            context.client_credentials[base + "/*"] = self.oscore

    @classmethod
    async def connect(
        cls,
        context: aiocoap.Context,
        base: str,
        identity: SecretKey,
        device_id: bytes,
        server_key: bytes,
        *,
        profile: str = "signed",
        carrier: str = "oscore",
        cid: bytes = b"",
    ) -> PeerClient:
        """A full handshake; raises Refused, Malformed, Unverified and what aiocoap raises."""
        client = Client(identity, device_id, server_key, profile, cid=cid)
        return cls(context, base, await handshake(context, base, client), carrier)

    @classmethod
    async def resume(cls, context: aiocoap.Context, base: str, old: Session, carrier: str = "oscore") -> PeerClient:
        """A session that resumes an older one."""
        return cls(context, base, await handshake(context, base, Client.resuming(old)), carrier)

    def message(self, code: codes.Code, path: str, body: bytes = b"", **options: Any) -> Message:
        """A request to a path, which may have a query; options as aiocoap names them."""
        message = Message(code=code, uri=self.base + path, payload=body)
        for name, value in options.items():
            setattr(message.opt, name, value)
        return message

    async def request(self, message: Message) -> Message:
        """The answer; raises Clear where it is not sealed, and what opening it raises."""
        if self.carrier == "oscore":
            return await self._oscore_request(message)
        outer, exchange = self.protect(message)
        return self._open(await self.context.request(outer).response, exchange).message

    async def observe(self, message: Message) -> AsyncGenerator[Message, None]:
        """The answer to a request with Observe, then the notifications; closing it cancels the observation."""
        message.opt.observe = 0
        if self.carrier == "oscore":
            running = self.context.request(message)
            yield await running.response
            async for notification in running.observation:
                yield notification
            return
        outer, exchange = self.protect(message)
        running = self.context.request(outer)
        yield self._open(await running.response, exchange).message
        async for notification in running.observation:
            yield self._open(notification, exchange).message

    async def _oscore_request(self, message: Message) -> Message:
        try:
            return await self.context.request(message).response
        except aiocoap.oscore.NotAProtectedMessage as error:
            raise Clear(error.plain_message) from error

    def protect(self, message: Message) -> tuple[Message, Any]:
        """The outer request in the payload carrier, and what its answer is opened with."""
        outer, exchange = payload.protect_request(self.session, message)
        if len(outer.payload) > _LONG:
            outer.opt.request_tag = [os.urandom(8)]
        return outer, exchange

    def _open(self, outer: Message, exchange: Any) -> payload.Notified:
        if outer.opt.content_format != payload.CONTENT_FORMAT:
            raise Clear(outer)
        return payload.unprotect_response(self.session, outer, exchange)


async def handshake(context: aiocoap.Context, base: str, client: Client) -> Session:
    """Runs a client's handshake as POSTs; raises as `Client.step` does."""
    message = client.step()
    while message is not None:
        request = Message(code=codes.POST, uri=base + HANDSHAKE_PATH, payload=message, content_format=HANDSHAKE_FORMAT)
        response = await context.request(request).response
        if not response.payload:
            raise Malformed(f"answered with {response.code} and no payload")
        message = client.step(response.payload)
    if client.session is None:
        raise Refused(wire.Alert.MALFORMED)
    return client.session
