"""The program secure_client as the client; aiocoap as the server, with this package's handshake."""

from __future__ import annotations

import asyncio
import re
from functools import partial

from . import hostile
from .table import Column
from .world import World

_SOON = ("--timeout", "3")  # of a run that has nothing to wait for


class FromClient:
    """All rows of one carrier. Each request is a run of the program, most with its session in a file."""

    peer = "aiocoap"

    def __init__(self, world: World, carrier: str) -> None:
        """`carrier` is "oscore" or "payload"."""
        self._world, self._carrier = world, carrier
        self._kept = ("--resume", str(world.directory / f"session-{self.peer}-{carrier}"))
        self.column = Column(f"secure_client → {self.peer}, {'OSCORE' if carrier == 'oscore' else carrier}")

    async def run(self) -> Column:
        """Runs them one after the other; what waits for time-outs runs side by side."""
        run = self.column.run
        async with self._world.own_server() as self._own:
            self._base = self._own.base
            await run("signed handshake", lambda: self._handshake("--profile", "signed"))
            await run("express handshake", lambda: self._handshake("--profile", "express"))
            await run("resume", self._resume)
            await run("unknown device", self._unknown_device)
            await run("GET", self._get)
            await run("POST", self._post)
            await run("PUT", self._put)
            await run("FETCH", self._fetch)
            await run("iPATCH", self._ipatch)
            await run("DELETE", self._delete)
            await run("query", self._query)
            await run("4.04", self._not_found)
            await run("5 KB up", self._up)
            await run("3 KB down", self._down)
            await run("Observe: 5 notifications, cancel", self._observe)
        async with self._world.own_server(ask_cookies=True) as self._own:
            self._base = self._own.base
            await run("retry cookie", self._handshake)
        if self._carrier == "oscore":
            await asyncio.gather(
                *(run(row, partial(self._changed, *how)) for row, how in hostile.RESPONSES.items()),
                run("replay", self._replay),
            )
        return self.column

    async def _run(self, *arguments: str, base: str = "") -> tuple[int, str, str]:
        return await self._world.secure_client(base or self._base, "--carrier", self._carrier, *arguments)

    async def _ask(self, *arguments: str, code: str) -> str:
        """One run of the program, which prints this code; what comes after it."""
        _, out, err = await self._run(*self._kept, *arguments)
        found = re.search(rf"^{re.escape(code)}\n(.*?)^elapsed", out, re.MULTILINE | re.DOTALL)
        assert found, out + err
        return found[1].rstrip("\n")

    # sessions

    async def _handshake(self, *options: str) -> None:
        code, out, err = await self._run(*options, "GET", "/index")
        assert code == 0 and "2.05" in out, out + err

    async def _resume(self) -> None:
        """The server has lost its sessions, not what resumption needs."""
        await self._ask("GET", "/index", code="2.05")
        (before,) = self._own.server.stored
        self._own.server.sessions.clear()
        await self._ask("GET", "/index", code="2.05")
        (after,) = self._own.server.stored.values()
        assert after.cid_s != before and after.resumptions == 1, after

    async def _unknown_device(self) -> None:
        self._own.server.devices = {}
        code, out, err = await self._run("GET", "/index")
        self._own.server.devices = self._world.devices
        assert code == 1 and "does not know this device" in err, out + err

    # requests

    async def _get(self) -> None:
        self._own.index.body = b"read"
        assert await self._ask("GET", "/index", code="2.05") == "read"

    async def _post(self) -> None:
        await self._ask("POST", "/index", " this", code="2.04")
        assert self._own.index.body == b"read this"

    async def _put(self) -> None:
        await self._ask("PUT", "/index", "written", code="2.04")
        assert self._own.index.body == b"written"

    async def _fetch(self) -> None:
        assert await self._ask("FETCH", "/index", "this", code="2.05") == "fetched this"

    async def _ipatch(self) -> None:
        await self._ask("iPATCH", "/index", "!", code="2.04")
        assert self._own.index.body == b"written!"

    async def _delete(self) -> None:
        await self._ask("DELETE", "/index", code="2.02")
        assert self._own.index.body == b""

    async def _query(self) -> None:
        assert await self._ask("GET", "/index?size=20", code="2.05") == "0123456789abcdef0123"

    async def _not_found(self) -> None:
        await self._ask("GET", "/nothing", code="4.04")

    async def _up(self) -> None:
        body = "0123456789" * 512
        await self._ask("PUT", "/index", body, code="2.04")
        assert self._own.index.body == body.encode()

    async def _down(self) -> None:
        assert len(await self._ask("GET", "/index?size=3072", code="2.05")) == 3072

    async def _observe(self) -> None:
        code, out, err = await self._run("--observe", "4", "GET", "/tick")
        seen = [int(number) for number in re.findall(r"^2\.05\n(\d+)$", out, re.MULTILINE)]
        assert code == 0 and len(seen) >= 6 and seen == sorted(set(seen)), out + err
        for _ in range(50):
            if not self._own.tick._observations:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the observation goes on")

    # what must not work

    async def _changed(self, change: hostile.Change, taken: bool) -> str:
        async with self._world.own_server(hostile.ChangingSite) as own:
            own.site.change = change
            code, out, err = await self._run(*(() if taken else _SOON), "GET", "/index", base=own.base)
            assert own.server.sessions and (code == 0 and "2.05" in out) == taken, out + err
            return "ignored" if taken else "refused"

    async def _replay(self) -> str:
        """The second request gets the first one's answer."""
        async with self._world.own_server(hostile.ChangingSite) as own:
            own.site.change = hostile.same_answer()
            code, out, err = await self._run(*_SOON, "-n", "2", "GET", "/index", base=own.base)
            assert code == 1 and out.count("2.05") == 1, out + err
            return "refused"
