"""Keys, a list of devices, and the programs that use them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiocoap

from lscoap_interop import enrolment
from lscoap_interop.bench_site import Index, Ticking, bench_site
from lscoap_interop.cli import write_private
from lscoap_interop.crypto import SecretKey
from lscoap_interop.peer_client import PeerClient
from lscoap_interop.peer_server import SecureSite
from lscoap_interop.server import Server

DEVICE_ID = b"sensor-7"
START_SECONDS = 30
CLIENT_SECONDS = 60
LISTEN_SECONDS = 600


class World:
    """One server's key and one device's, in files as the programs read them, made by this package."""

    def __init__(self, directory: Path, programs: Path) -> None:
        """`directory` is empty and private, `programs` has secure_server and secure_client."""
        self.directory, self._programs = directory, programs
        self.deaf = False  # the last secure_server's libcoap keeps OSCORE requests to itself
        self.server_key, self.device_key = SecretKey(), SecretKey()
        self.server_string = enrolment.format_server(self.server_key.public)
        for name, key in ("server", self.server_key), ("device", self.device_key):
            write_private(directory / f"{name}.key", key.secret.hex() + "\n")
        self.devices = {DEVICE_ID: self.device_key.public}
        write_private(directory / "devices.txt", enrolment.format_device(DEVICE_ID, self.device_key.public) + "\n")

    @contextlib.asynccontextmanager
    async def secure_server(self, *options: str) -> AsyncIterator[str]:
        """The program secure_server; its URI."""
        files = ("-k", str(self.directory / "server.key"), "-d", str(self.directory / "devices.txt"))
        process = await asyncio.create_subprocess_exec(
            self._programs / "secure_server",
            *("-p", "0", *files, *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            assert process.stdout is not None
            said = await asyncio.wait_for(_until_listening(process.stdout), START_SECONDS)
            self.deaf = any("OSCORE" in line for line in said)
            yield "coap://" + said[-1].split()[-1]
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def secure_client(self, base: str, *arguments: str) -> tuple[int, str, str]:
        """The program secure_client: exit code, standard output and standard error."""
        identity = ("-k", str(self.directory / "device.key"), "-i", DEVICE_ID.decode(), "-s", self.server_string)
        process = await asyncio.create_subprocess_exec(
            self._programs / "secure_client",
            *(*identity, "-u", base, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), CLIENT_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, out.decode(), err.decode()

    @contextlib.asynccontextmanager
    async def listening_client(self, base: str, *options: str) -> AsyncIterator[asyncio.StreamReader]:
        """The program secure_client as a member of a group; what it prints."""
        identity = ("-k", str(self.directory / "device.key"), "-i", DEVICE_ID.decode(), "-s", self.server_string)
        process = await asyncio.create_subprocess_exec(
            self._programs / "secure_client",
            *(*identity, "-u", base, "--listen", str(LISTEN_SECONDS), *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            assert process.stdout is not None
            yield process.stdout
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    @contextlib.asynccontextmanager
    async def own_server(
        self, site_type: type[SecureSite] = SecureSite, ask_cookies: bool = False
    ) -> AsyncIterator[OwnServer]:
        """This package's server over aiocoap."""
        server = Server(self.server_key, self.devices, ask_cookies=ask_cookies)
        resources = bench_site()
        secure = site_type(server, resources)
        port = free_port()
        context = await aiocoap.Context.create_server_context(secure, bind=("127.0.0.1", port))
        try:
            yield OwnServer(f"coap://127.0.0.1:{port}", server, secure, resources, context)
        finally:
            await context.shutdown()

    async def connect(
        self, context: aiocoap.Context, base: str, carrier: str, profile: str = "signed", device: bytes = DEVICE_ID
    ) -> PeerClient:
        """A session of this package's client."""
        return await PeerClient.connect(
            context, base, self.device_key, device, self.server_key.public, profile=profile, carrier=carrier
        )


class OwnServer:
    """A running server of this package's, and what its resources hold."""

    def __init__(
        self,
        base: str,
        server: Server,
        site: SecureSite,
        resources: aiocoap.resource.Site,
        context: aiocoap.Context,
    ) -> None:
        """`base` is its URI."""
        self.base, self.server, self.site, self.resources, self.context = base, server, site, resources, context
        self.index: Index = resources._resources[("index",)]
        self.tick: Ticking = resources._resources[("tick",)]


async def _until_listening(lines: asyncio.StreamReader) -> list[str]:
    said = []
    async for line in lines:
        said.append(line.decode())
        if said[-1].startswith("listening on "):
            return said
    raise AssertionError(f"the server has ended: {said}")


def free_port() -> int:
    """A UDP port of 127.0.0.1 that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
