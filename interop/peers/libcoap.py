"""coap-client and coap-server of a libcoap with OSCORE (4.3.5 or later), with contexts of this package's handshakes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiocoap

from lscoap_interop.bench_site import bench_site
from lscoap_interop.peer_server import SecureSite
from lscoap_interop.server import Server
from lscoap_interop.session import Session

from . import from_client
from .table import Column
from .to_server import readings
from .world import World, free_port

_PREFIX = "LSCOAP_LIBCOAP_PREFIX"
_SECONDS = 30
Address = tuple[str, int]


def prefix() -> Path | None:
    """Where a libcoap is whose programs have OSCORE; None, and a line that says so, where there is none."""
    named = os.environ.get(_PREFIX)
    programs = Path(named) / "bin" if named else None
    if programs and all((programs / name).exists() for name in ("coap-client", "coap-server")):
        about = subprocess.run([programs / "coap-client"], stderr=subprocess.PIPE, check=False).stderr
        if b"(Have OSCORE)" in about:
            return programs
    print(f"*** NOT TESTED: coap-client -E, coap-server -E. {_PREFIX} names where 4.3.5 or later is installed.")
    return None


def configuration(session: Session, at_client: bool) -> str:
    """A session as libcoap's programs read it; `at_client` is whose end."""
    sender, recipient = (session.cid_s, session.cid_c) if at_client else (session.cid_c, session.cid_s)
    values = {
        "master_secret": session.master_secret,
        "master_salt": session.master_salt,
        "sender_id": sender,
        "recipient_id": recipient,
    }
    lines = [f'{name},hex,"{value.hex()}"' for name, value in values.items()]
    return "\n".join([*lines, "replay_window,integer,63", "aead_alg,integer,10", "hkdf_alg,integer,-10", ""])


class ToServer:
    """coap-client as the client, with a context of this package's handshake; secure_server as the server."""

    def __init__(self, world: World, programs: Path) -> None:
        """`programs` is what `prefix()` gives."""
        self._world, self._programs = world, programs
        self._sequence = world.directory / "coap-client.sequence"
        self._configuration = world.directory / "coap-client.conf"
        self.column = Column("coap-client → secure_server, OSCORE")

    async def run(self) -> Column:
        """Runs the rows one after the other, in one session."""
        run = self.column.run
        async with self._world.secure_server() as self._base:
            if self._world.deaf:
                return self.column
            await run("signed handshake", lambda: self._handshake("signed"))
            await run("express handshake", lambda: self._handshake("express"))
            await run("GET", self._get)
            await run("POST", self._post)
            await run("PUT", self._put)
            await run("FETCH", lambda: self._not_allowed("fetch"))
            await run("DELETE", self._delete)
            await run("iPATCH", lambda: self._not_allowed("ipatch"))
            await run("query", self._query)
            await run("4.04", self._not_found)
            await run("5 KB up", self._up)
            await run("3 KB down", self._down)
        async with self._world.secure_server("--tick") as self._base:
            await run("Observe: 5 notifications, cancel", self._observe)
        return self.column

    async def _handshake(self, profile: str) -> None:
        context = await aiocoap.Context.create_client_context()
        try:
            client = await self._world.connect(context, self._base, "oscore", profile)
        finally:
            await context.shutdown()
        self._configuration.write_text(configuration(client.session, at_client=True))
        self._sequence.unlink(missing_ok=True)
        await self._get()

    async def _ask(self, method: str, path: str, *arguments: str) -> tuple[str, str]:
        """Standard output and standard error of one run."""
        process = await asyncio.create_subprocess_exec(
            self._programs / "coap-client",
            *("-E", f"{self._configuration},{self._sequence}", "-B", "20", "-m", method, *arguments, self._base + path),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), _SECONDS)
        return out.decode(), err.decode()

    async def _values(self, path: str = "/index?readings=64") -> list[float]:
        out, err = await self._ask("get", path)
        assert out, err
        return [reading["value"] for reading in json.loads(out)["Data"]]

    async def _write(self, method: str, body: bytes) -> None:
        file = self._world.directory / "coap-client.body"
        file.write_bytes(body)
        _, err = await self._ask(method, "/index", "-f", str(file))
        assert not err, err

    async def _get(self) -> None:
        assert len(await self._values("/index")) == 6

    async def _post(self) -> None:
        await self._write("post", b"121.5")
        assert 121.5 in await self._values()

    async def _put(self) -> None:
        await self._write("put", readings(2))
        assert (await self._values())[:2] == [0, 1]

    async def _not_allowed(self, method: str) -> str:
        out, err = await self._ask(method, "/index", "-e", "1")
        assert "4.05" in err, out + err
        return "4.05, sealed"

    async def _delete(self) -> None:
        await self._ask("delete", "/index")
        assert 121.5 not in await self._values() and 0 not in await self._values()

    async def _query(self) -> None:
        assert len(await self._values("/index?readings=3")) == 3

    async def _not_found(self) -> None:
        out, err = await self._ask("get", "/nothing")
        assert "4.04" in err, out + err

    async def _up(self) -> None:
        await self._write("put", readings(60).replace(b",", b"," + b" " * 30))
        assert (await self._values())[:60] == list(range(60))

    async def _down(self) -> None:
        assert len(await self._values("/index?readings=75")) == 75

    async def _observe(self) -> None:
        await self._handshake("signed")
        out, err = await self._ask("get", "/index?readings=1", "-s", "7", "-w")
        seen = [json.loads(line)["Data"][0]["timeStamp"] for line in out.splitlines() if line]
        assert len(set(seen)) >= 6 and seen == sorted(seen), out + err  # cancelling gets the last one again


class FromClient(from_client.FromClient):
    """secure_client as the client; coap-server as the server, behind a front that does the handshake."""

    peer = "coap-server"

    def __init__(self, world: World, programs: Path) -> None:
        """`programs` is what `prefix()` gives."""
        super().__init__(world, "oscore")
        self._programs = programs

    async def run(self) -> Column:
        """Runs the rows one after the other; each session has a coap-server of its own."""
        run = self.column.run
        async with self._front() as self._base:
            await run("signed handshake", lambda: self._time("--profile", "signed"))
            await run("express handshake", lambda: self._time("--profile", "express"))
            await run("GET", self._get)
            await run("PUT", lambda: self._put_and_get("/new", "written"))
            await run("DELETE", self._delete)
            await run("query", self._query)
            await run("4.04", self._not_found)
            await run("5 KB up", lambda: self._put_and_get("/long", "0123456789" * 512))
            await run("3 KB down", lambda: self._put_and_get("/short", "abcdefgh" * 384))
            await run("Observe: 5 notifications, cancel", self._observe)
        return self.column

    @contextlib.asynccontextmanager
    async def _front(self) -> AsyncIterator[str]:
        handshakes = Server(self._world.server_key, self._world.devices)
        port = free_port()
        site = SecureSite(handshakes, bench_site())
        context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port))
        front = Front(handshakes, port, self._start)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: front, local_addr=("127.0.0.1", 0))
        try:
            yield "coap://{}:{}".format(*transport.get_extra_info("sockname"))
        finally:
            transport.close()
            await front.stop()
            await context.shutdown()

    async def _start(self, session: Session) -> tuple[asyncio.subprocess.Process, int]:
        port = free_port()
        file = self._world.directory / "coap-server.conf"
        file.write_text(configuration(session, at_client=False))
        process = await asyncio.create_subprocess_exec(
            self._programs / "coap-server",
            *("-A", "127.0.0.1", "-p", str(port), "-E", str(file), "-d", "10"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return process, port

    async def _time(self, *options: str) -> None:
        code, out, err = await self._run(*options, "GET", "/time")
        assert code == 0 and "2.05" in out, out + err

    async def _get(self) -> None:
        assert ":" in await self._ask("GET", "/time", code="2.05")

    async def _put_and_get(self, path: str, body: str) -> None:
        await self._ask("PUT", path, body, code="2.01")
        assert await self._ask("GET", path, code="2.05") == body

    async def _delete(self) -> None:
        await self._ask("DELETE", "/new", code="2.02")
        await self._ask("GET", "/new", code="4.04")

    async def _query(self) -> None:
        assert (await self._ask("GET", "/time?ticks", code="2.05")).isdigit()

    async def _observe(self) -> None:
        """The time of day, each second."""
        code, out, err = await self._run("--observe", "7", "GET", "/time")
        seen = re.findall(r"^2\.05\n(.* \d+:\d+:\d+)$", out, re.MULTILINE)
        assert code == 0 and len(set(seen)) >= 6, out + err


class Front(asyncio.DatagramProtocol):
    """One address for two servers: handshakes go to this package's, all else to a coap-server of the last session."""

    def __init__(self, server: Server, port: int, start: Callable[[Session], Any], host: str = "127.0.0.1") -> None:
        """`port` is where handshakes are answered; `start` gives a process and its port for a session."""
        self._server, self._port, self._start, self._host = server, port, start, host
        self._session: Session | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._native_port = 0
        self._upstream: dict[tuple[Address, int], asyncio.DatagramTransport] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, peer: Address) -> None:
        """asyncio's."""
        task = asyncio.create_task(self._forward(data, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ends the coap-server."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _forward(self, data: bytes, peer: Address) -> None:
        async with self._lock:  # in order
            port = self._port if b"\x06lscoap" in data else await self._native()
            if (peer, port) not in self._upstream:
                back = _Back(lambda answer: self._transport.sendto(answer, peer))
                loop = asyncio.get_running_loop()
                upstream, _ = await loop.create_datagram_endpoint(lambda: back, remote_addr=(self._host, port))
                self._upstream[peer, port] = upstream
            self._upstream[peer, port].sendto(data)

    async def _native(self) -> int:
        session = list(self._server.sessions.values())[-1].session
        if session is not None and session is not self._session:
            await self.stop()
            self._session = session
            self._process, self._native_port = await self._start(session)
            session.opened()
            await asyncio.sleep(0.3)  # a datagram that comes too early is sent again, after 2 s
        return self._native_port


class _Back(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], None]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, peer: Address) -> None:
        self._answer(data)
