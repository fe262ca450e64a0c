"""Both roles of this package with each other, over loopback, in both carriers."""

import asyncio
import contextlib
import socket

import aiocoap
import pytest
from aiocoap.numbers import codes

from lscoap_interop.bench_site import bench_site
from lscoap_interop.client import Refused
from lscoap_interop.crypto import SecretKey, Unverified
from lscoap_interop.peer_client import Clear, PeerClient
from lscoap_interop.peer_server import SecureSite
from lscoap_interop.server import Server

IDENTITY, DEVICE = SecretKey(), SecretKey()
DEVICE_ID = b"sensor-7"


@contextlib.asynccontextmanager
async def running(**options):
    """A server, the context of a client, the server's URI and its resources."""
    server = Server(IDENTITY, {DEVICE_ID: DEVICE.public}, **options)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    resources = bench_site()
    listening = await aiocoap.Context.create_server_context(SecureSite(server, resources), bind=("127.0.0.1", port))
    context = await aiocoap.Context.create_client_context()
    try:
        yield server, context, f"coap://127.0.0.1:{port}", resources
    finally:
        await context.shutdown()
        await listening.shutdown()


def connect(context, base, **options):
    return PeerClient.connect(context, base, DEVICE, DEVICE_ID, IDENTITY.public, **options)


@pytest.mark.parametrize("carrier", ["oscore", "payload"])
@pytest.mark.parametrize("profile", ["signed", "express"])
@pytest.mark.parametrize("cid", [b"", b"\xaa\xbb"])
@pytest.mark.parametrize("ask_cookies", [False, True])
def test_requests(carrier, profile, cid, ask_cookies):
    async def story():
        async with running(ask_cookies=ask_cookies) as (server, context, base, _):
            client = await connect(context, base, carrier=carrier, profile=profile, cid=cid)

            async def ask(code, path, body=b"", **options):
                answer = await client.request(client.message(code, path, body, **options))
                return answer.code, answer.payload

            assert not server.stored
            assert await ask(codes.PUT, "/index", b"x" * 5000) == (codes.CHANGED, b"5000")
            assert [record.device_id for record in server.stored.values()] == [DEVICE_ID]
            assert await ask(codes.POST, "/index", b"yz") == (codes.CHANGED, b"5002")
            assert await ask(codes.GET, "/index") == (codes.CONTENT, b"x" * 5000 + b"yz")
            code, body = await ask(codes.GET, "/index?size=3000")
            assert (code, len(body)) == (codes.CONTENT, 3000)
            assert await ask(codes.FETCH, "/index", b"this") == (codes.CONTENT, b"fetched this")
            assert await ask(codes.iPATCH, "/index", b"!") == (codes.CHANGED, b"5003")
            assert await ask(codes.DELETE, "/index") == (codes.DELETED, b"0")
            assert (await ask(codes.GET, "/nothing"))[0] == codes.NOT_FOUND

    asyncio.run(story())


@pytest.mark.parametrize("carrier", ["oscore", "payload"])
def test_observe_and_resume(carrier):
    async def story():
        async with running() as (server, context, base, _):
            old = await connect(context, base, carrier=carrier)
            await old.request(old.message(codes.GET, "/index"))
            client = await PeerClient.resume(context, base, old.session, carrier)
            notifications = client.observe(client.message(codes.GET, "/tick"))
            seen = [int((await anext(notifications)).payload) for _ in range(3)]
            await notifications.aclose()
            assert seen == sorted(set(seen))
            assert list(server.sessions) == [client.session.cid_s]

    asyncio.run(story())


def test_refusals():
    async def story():
        async with running() as (server, context, base, _):
            with pytest.raises(Refused, match="unknown device"):
                await PeerClient.connect(context, base, DEVICE, b"nobody", IDENTITY.public)
            with pytest.raises(Refused, match="verify"):
                await PeerClient.connect(context, base, SecretKey(), DEVICE_ID, IDENTITY.public)
            with pytest.raises((Refused, Unverified)):
                await PeerClient.connect(context, base, DEVICE, DEVICE_ID, SecretKey().public, profile="express")
            client = await connect(context, base, carrier="payload")
            server.sessions.clear()
            with pytest.raises(Clear) as refused:
                await client.request(client.message(codes.GET, "/index"))
            assert refused.value.message.payload == bytes((0x1F, 5))
            with pytest.raises(Refused, match="no such session"):
                await PeerClient.resume(context, base, client.session)

    asyncio.run(story())
