"""aiocoap as the client, with this package's handshake; the program secure_server as the server."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import aiocoap
from aiocoap import Message
from aiocoap.numbers import codes

from lscoap_interop.client import Client, Refused
from lscoap_interop.peer_client import Clear, PeerClient, handshake

from . import hostile
from .table import Column
from .world import DEVICE_ID, World

_READING = b'{"timeStamp":1700000000.500,"value":%d}'


def readings(count: int) -> bytes:
    """A body for PUT."""
    return b'{"Data":[' + b",".join(_READING % n for n in range(count)) + b"]}"


class ToServer:
    """All rows of one carrier."""

    def __init__(self, world: World, carrier: str) -> None:
        """`carrier` is "oscore" or "payload"."""
        self._world, self._carrier = world, carrier
        self.column = Column(f"aiocoap → secure_server, {'OSCORE' if carrier == 'oscore' else carrier}")

    async def run(self) -> Column:
        """Runs them one after the other, against one server; only cookies need another."""
        run = self.column.run
        self._context = await aiocoap.Context.create_client_context()
        try:
            async with self._world.secure_server("--stats") as self._base:
                if self._carrier == "oscore" and self._world.deaf:
                    return self.column
                await run("signed handshake", self._signed)
                await run("express handshake", self._express)
                await run("resume", self._resume)
                await run("unknown device", self._unknown_device)
                await run("GET", self._get)
                await run("POST", self._post)
                await run("PUT", self._put)
                await run("FETCH", self._fetch)
                await run("DELETE", self._delete)
                await run("iPATCH", self._ipatch)
                await run("query", self._query)
                await run("4.04", self._not_found)
                await run("5 KB up", self._up)
                await run("3 KB down", self._down)
                await run("Observe: 5 notifications, cancel", self._observe)
                if self._carrier == "oscore":
                    for row, change in hostile.REQUESTS.items():
                        await run(row, partial(self._hostile, change))
                else:
                    await run("wrong key", self._wrong_key)
                await run("replay", self._replay)
            async with self._world.secure_server("--retry-rate", "1") as self._base:
                await run("retry cookie", self._cookie)
        finally:
            await self._context.shutdown()
        return self.column

    async def _ask(self, code: codes.Code, path: str, body: bytes = b"") -> tuple[codes.Code, bytes]:
        answer = await self._client.request(self._client.message(code, path, body))
        return answer.code, answer.payload

    async def _stored(self) -> list[float]:
        """The values that were written, newest last, without those that the server measures to fill up."""
        code, body = await self._ask(codes.GET, "/index?readings=64")
        assert code == codes.CONTENT, code
        return [reading["value"] for reading in json.loads(body)["Data"]]

    # sessions

    async def _signed(self) -> None:
        self._client = await self._world.connect(self._context, self._base, self._carrier)
        assert (await self._ask(codes.GET, "/index"))[0] == codes.CONTENT

    async def _express(self) -> None:
        self._client = await self._world.connect(self._context, self._base, self._carrier, "express")
        assert (await self._ask(codes.GET, "/index"))[0] == codes.CONTENT

    async def _resume(self) -> None:
        self._client = await PeerClient.resume(self._context, self._base, self._client.session, self._carrier)
        assert (await self._ask(codes.GET, "/index"))[0] == codes.CONTENT

    async def _unknown_device(self) -> None:
        try:
            await self._world.connect(self._context, self._base, self._carrier, device=b"nobody")
        except Refused as refused:
            assert refused.code == 1, refused
        else:
            raise AssertionError("let in")
        finally:
            self._client = PeerClient(self._context, self._base, self._client.session, self._carrier)

    async def _cookie(self) -> None:
        clients = [Client(self._world.device_key, DEVICE_ID, self._world.server_key.public) for _ in range(8)]
        await asyncio.gather(*(handshake(self._context, self._base, client) for client in clients))
        assert any(client.retries for client in clients), "no cookie was asked for"

    # requests

    async def _get(self) -> None:
        code, body = await self._ask(codes.GET, "/index")
        assert code == codes.CONTENT and len(json.loads(body)["Data"]) == 6

    async def _post(self) -> None:
        assert await self._ask(codes.POST, "/index", b"121.5") == (codes.CHANGED, b"")
        assert 121.5 in await self._stored()

    async def _put(self) -> None:
        assert await self._ask(codes.PUT, "/index", readings(2)) == (codes.CHANGED, b"")
        assert (await self._stored())[:2] == [0, 1]

    async def _fetch(self) -> str:
        return await self._not_allowed(codes.FETCH)

    async def _ipatch(self) -> str:
        return await self._not_allowed(codes.iPATCH)

    async def _not_allowed(self, code: codes.Code) -> str:
        """/index has no handler for it: the answer comes sealed."""
        assert await self._ask(code, "/index", b"1") == (codes.METHOD_NOT_ALLOWED, b"")
        return "4.05, sealed"

    async def _delete(self) -> None:
        assert (await self._ask(codes.DELETE, "/index"))[0] == codes.DELETED
        assert 121.5 not in await self._stored()

    async def _query(self) -> None:
        code, body = await self._ask(codes.GET, "/index?readings=3")
        assert code == codes.CONTENT and len(json.loads(body)["Data"]) == 3
        assert (await self._ask(codes.GET, "/index?readings=x"))[0] == codes.BAD_REQUEST

    async def _not_found(self) -> str | None:
        try:
            assert (await self._ask(codes.GET, "/nothing"))[0] == codes.NOT_FOUND
        except Clear as answer:
            assert self._carrier == "payload" and answer.message.code == codes.NOT_FOUND, answer
            return "in the clear"
        return None

    async def _up(self) -> None:
        body = readings(60).replace(b",", b"," + b" " * 30)
        assert len(body) > 5000
        assert await self._ask(codes.PUT, "/index", body) == (codes.CHANGED, b"")
        assert (await self._stored())[:60] == list(range(60))

    async def _down(self) -> None:
        code, body = await self._ask(codes.GET, "/index?readings=75")
        assert code == codes.CONTENT and len(body) > 3000 and len(json.loads(body)["Data"]) == 75

    async def _observe(self) -> None:
        await self._ask(codes.DELETE, "/index")
        notifications = self._client.observe(self._client.message(codes.GET, "/index?readings=1"))
        await anext(notifications)
        for value in range(5):
            await self._ask(codes.POST, "/index", str(value).encode())
            seen = json.loads((await anext(notifications)).payload)["Data"]
            assert [reading["value"] for reading in seen] == [value], seen
        await notifications.aclose()
        assert await self._ask(codes.POST, "/index", b"5") == (codes.CHANGED, b"")

    # what must not work

    async def _hostile(self, change: tuple[hostile.Change, codes.Code]) -> str:
        return await hostile.ask(self._client, change)

    async def _wrong_key(self) -> None:
        outer, _ = self._client.protect(self._client.message(codes.GET, "/index"))
        outer.payload = outer.payload[:-1] + bytes((outer.payload[-1] ^ 1,))
        answer = await self._context.request(outer).response
        assert (answer.code, answer.payload) == (codes.BAD_REQUEST, b"\x1f\x02"), answer
        assert (await self._ask(codes.GET, "/index"))[0] == codes.CONTENT

    async def _replay(self) -> str:
        """The same sealed bytes, twice: executed once."""
        await self._ask(codes.DELETE, "/index")
        message = self._client.message(codes.POST, "/index", b"33")
        outer = hostile.sealed(self._client, message) if self._carrier == "oscore" else self._client.protect(message)[0]
        first, second = [await self._context.request(_again(outer)).response for _ in range(2)]
        assert (await self._stored()).count(33) == 1
        if second.payload == first.payload:
            return "the stored answer"
        assert second.code == codes.UNAUTHORIZED, second
        return "4.01"


def _again(outer: Message) -> Message:
    return outer.copy(mid=None, token=None)
