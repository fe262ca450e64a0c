"""Groups: aiocoap's Group OSCORE as the sender to secure_client, and as a member of secure_server's group."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from typing import Any

import aiocoap
from aiocoap import Message, credentials, resource
from aiocoap.numbers import codes
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

from lscoap_interop.crypto import SecretKey
from lscoap_interop.groups import messages, objects
from lscoap_interop.groups.keys import SIGNED, TAGGED, ModeKeys, credential, gid_of
from lscoap_interop.groups.messages import ANSWERS, Join, read_join
from lscoap_interop.groups.objects import Form, Request
from lscoap_interop.groups.oscore import member_context, private_key, sender_context
from lscoap_interop.groups.owner import Owner
from lscoap_interop.groups.resource import GroupResource

from .hostile import Changing, wrong_key
from .table import GROUP_ROWS, Column
from .world import DEVICE_ID, World, free_port

_FLAGS, _SLOTS = SIGNED | TAGGED | ANSWERS, 4
_SECONDS = 30
_TO_MEMBER, _FROM_SERVER = "239.192.77.1", "239.192.77.2"
_GROUP_PATH = messages.PATH.strip("/").split("/")


class ToMember:
    """aiocoap, with this package's owner and handshake, as the sender; secure_client, which listens."""

    def __init__(self, world: World) -> None:
        """Its group is at an address of its own."""
        self._world = world
        self.column = Column("aiocoap → secure_client", GROUP_ROWS)

    async def run(self) -> Column:
        """Runs them one after the other."""
        run, port = self.column.run, free_port()
        self._to = _TO_MEMBER, port
        address = socket.inet_aton(_TO_MEMBER)
        self._owner = Owner(7, _FLAGS, _SLOTS, number=300, address=address, port=port)
        async with self._world.own_server() as self._own:
            sessions = self._own.server.sessions
            site = GroupResource(self._owner, lambda session: sessions[session.cid_s].device_id)
            self._own.resources.add_resource(_GROUP_PATH, site)
            await run("LEAVE", self._no_member)
            self._owner.add(DEVICE_ID)
            async with self._world.listening_client(self._own.base, "--leisure", "100") as self._said:
                await run("ASK, JOIN, SYNC", self._joined)
                await run("SIGNED: PUT, answered", partial(self._put, "on", SIGNED))
                await run("SIGNED: GET, answered", self._get)
                await run("TAGGED: PUT, answered", partial(self._put, "half", TAGGED))
                await run("copies of a request", self._copies)
                await run("replay", self._replay)
                await run("garbled signature", self._garbled)
                await run("signed by a member", self._captured)
                await run("NOTICE, new epoch", self._rekey)
        return self.column

    async def _line(self, begin: str) -> None:
        """The next line about the group, which begins like this."""
        line = ""
        while not line.startswith(("member of", "PUT", "GET")):
            line = (await asyncio.wait_for(self._said.readline(), _SECONDS)).decode()
            assert line, "the member has ended"
        assert line.startswith(begin), line

    async def _no_member(self) -> None:
        async with self._world.listening_client(self._own.base) as said:
            text = (await asyncio.wait_for(said.read(), _SECONDS)).decode()
        assert "not a member" in text, text

    async def _joined(self) -> str:
        await self._line("member of group 7, epoch 1")
        return "ASK, JOIN"

    def _message(self, code: codes.Code, payload: str = "", path: str = "/light") -> Message:
        return Message(code=code, uri=f"coap://{self._to[0]}:{self._to[1]}{path}", payload=payload.encode())

    async def _ask(self, message: Message, mode: int = SIGNED) -> tuple[codes.Code, bytes]:
        """The member's answer, by aiocoap alone."""
        sender = sender_context(self._owner, mode)
        self._own.context.client_credentials[message.get_request_uri()] = sender
        answer = await asyncio.wait_for(self._own.context.request(message).response, _SECONDS)
        self._owner.number = sender.sender_sequence_number
        return answer.code, answer.payload

    async def _put(self, payload: str, mode: int = SIGNED) -> None:
        message = self._message(codes.PUT, payload)
        message.opt.no_response = 0
        assert await self._ask(message, mode) == (codes.CHANGED, b"")
        await self._line(f"PUT /light {payload} ({'signed' if mode == SIGNED else 'tagged'})")

    async def _get(self) -> None:
        assert await self._ask(self._message(codes.GET)) == (codes.CONTENT, b"on")
        await self._line("GET /light")

    def _seal(self, message: Message, key: SecretKey | None = None) -> Message:
        """A sealed request, signed with another key where one is given; it goes out by `_send`."""
        sender = sender_context(self._owner)
        if key:
            sender.private_key = private_key(key)
        sealed, _ = sender.protect(message)
        self._owner.number = sender.sender_sequence_number
        return sealed

    def _send(self, sealed: Message) -> None:
        """Not from the owner's address: it is executed and not answered."""
        sealed.mtype, sealed.mid, sealed.token = aiocoap.NON, int.from_bytes(os.urandom(2)), os.urandom(4)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            out.sendto(sealed.encode(), self._to)

    async def _copies(self) -> str:
        sealed = self._seal(self._message(codes.PUT, "once"))
        for _ in range(3):
            self._send(sealed)
        await self._line("PUT /light once (signed)")
        await self._put("after copies")
        return "executed once"

    async def _replay(self) -> str:
        """Of a request that others have followed."""
        sealed = self._seal(self._message(codes.PUT, "first"))
        self._send(sealed)
        await self._line("PUT /light first (signed)")
        await self._put("second")
        self._send(sealed)
        await self._put("after replay")
        return "refused"

    async def _garbled(self) -> str:
        sealed = self._seal(self._message(codes.PUT, "garbled"))
        wrong_key(sealed)
        self._send(sealed)
        await self._put("after garbled")
        return "refused"

    async def _captured(self) -> str:
        self._send(self._seal(self._message(codes.PUT, "captured"), self._owner.member_key(DEVICE_ID)))
        await self._put("after captured")
        return "refused"

    async def _rekey(self) -> None:
        notice = self._message(codes.POST, path=messages.PATH)
        notice.payload = messages.write_notice(self._owner.group, self._owner.epoch + 1)
        sealed = self._seal(notice)
        self._owner.rekey()
        self._send(sealed)
        await self._line("member of group 7, epoch 2")
        await self._put("after rekeying")


class Light(resource.Resource):
    """A lamp's state, and how often it was written."""

    def __init__(self) -> None:
        """Off."""
        super().__init__()
        self.state, self.writes = b"off", 0

    async def render_get(self, request: Message) -> Message:
        """The state."""
        return Message(payload=self.state)

    async def render_put(self, request: Message) -> Message:
        """A new one."""
        self.state, self.writes = request.payload, self.writes + 1
        return Message(code=codes.CHANGED)


class Notices(resource.Resource):
    """What the owner says in the group."""

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.epochs: asyncio.Queue[int] = asyncio.Queue()

    async def render_post(self, request: Message) -> Message:
        """A NOTICE."""
        self.epochs.put_nowait(messages.read_notice(request.payload)[1])
        return Message(code=codes.CHANGED)


class Member(OscoreSiteWrapper):
    """aiocoap's server of sealed requests. It keeps the last one, and may change its answers."""

    last: Message
    garbles = False

    async def render_to_pipe(self, pipe: Any) -> None:
        """As OscoreSiteWrapper."""
        self.last = pipe.request
        await super().render_to_pipe(Changing(pipe, wrong_key) if self.garbles else pipe)


class FromServer:
    """secure_server, by its control socket, as owner and sender; aiocoap, with this package's session, as a member."""

    def __init__(self, world: World) -> None:
        """Its group is at an address of its own."""
        self._world = world
        self._file = world.directory / "groups.txt"
        self.column = Column("secure_server → aiocoap", GROUP_ROWS)

    async def run(self) -> Column:
        """Runs them one after the other."""
        run, self._port = self.column.run, free_port()
        self._light, self._notices = Light(), Notices()
        site = resource.Site()
        site.add_resource(["light"], self._light)
        site.add_resource(_GROUP_PATH, self._notices)
        self._credentials = credentials.CredentialsMap()
        self._member = Member(site, self._credentials)
        self._context = await aiocoap.Context.create_client_context()
        listening = await aiocoap.Context.create_server_context(
            self._member, bind=("0.0.0.0", self._port), multicast=[(_FROM_SERVER, "lo")]
        )
        try:
            async with self._world.secure_server("--group", str(self._file)) as base:
                self._client = await self._world.connect(self._context, base, "payload")
                await run("ASK, JOIN, SYNC", self._join)
                await run("SIGNED: PUT, answered", partial(self._put, "signed", b"on"))
                await run("SIGNED: GET, answered", self._get)
                await run("TAGGED: PUT, answered", partial(self._put, "tagged", b"half"))
                await run("copies of a request", self._copies)
                await run("replay", self._replay)
                await run("garbled signature", self._garbled)
                await run("signed by a member", self._captured)
                await run("garbled answer", self._garbled_answer)
                await run("NOTICE, new epoch", self._rekey)
                await run("LEAVE", self._leave)
        finally:
            await listening.shutdown()
            await self._context.shutdown()
        return self.column

    async def _control(self, line: str) -> list[str]:
        """What secure_server says to one line on its control socket."""
        reader, writer = await asyncio.open_unix_connection(f"{self._file}.sock")
        writer.write(line.encode() + b"\n")
        said = (await asyncio.wait_for(reader.read(), _SECONDS)).decode().splitlines()
        writer.close()
        assert said and said.pop() == "ok", said
        return said

    async def _send(self, mode: str, method: str, payload: bytes = b"") -> list[str]:
        """Who answered, as the server says it. It sends copies meanwhile."""
        path = b"/light".hex()
        return await self._control(f"send 1 {mode} wait=2000 method={method} path={path} payload={payload.hex()}")

    async def _ask(self, ask: bytes) -> bytes:
        """The answer to an ASK; the server gives a device one JOIN in 10 s."""
        request = self._client.message(codes.POST, messages.PATH, ask, content_format=messages.CONTENT_FORMAT)
        answer = await self._client.request(request)
        if answer.code == codes.SERVICE_UNAVAILABLE:
            await asyncio.sleep(answer.opt.max_age)
            return await self._ask(ask)
        assert answer.code == codes.CHANGED, answer
        assert answer.opt.content_format == messages.CONTENT_FORMAT, answer.opt
        return answer.payload

    def _take(self, message: bytes) -> Join:
        """Joins: a context for each mode."""
        self._joined = read_join(message)
        assert self._joined.write() == message
        for mode in SIGNED, TAGGED:
            self._credentials[f":{mode}"] = member_context(self._joined, mode)
        return self._joined

    async def _join(self) -> None:
        address = socket.inet_aton(_FROM_SERVER).hex()
        flags = "signed,tagged,answers"
        made = await self._control(f"create {flags} slots={_SLOTS} address={address} port={self._port}")
        assert made == ["group 1"], made
        await self._control(f"add 1 {DEVICE_ID.hex()}")
        join = self._take(await self._ask(messages.write_ask(0, 0)))
        assert (join.group, join.flags, join.slots, join.port) == (1, _FLAGS, _SLOTS, self._port), join
        sync = await self._ask(messages.write_ask(join.group, join.epoch))
        assert sync == messages.write_sync(join.group, join.epoch, join.floor), sync.hex()

    async def _put(self, mode: str, payload: bytes) -> None:
        said = await self._send(mode, "PUT", payload)
        assert sorted(said) == ["1 answered", f"{DEVICE_ID.decode()}: 2.04"], said
        assert self._light.state == payload

    async def _get(self) -> None:
        said = await self._send("signed", "GET")
        assert sorted(said) == ["1 answered", f"{DEVICE_ID.decode()}: 2.05 on"], said

    async def _copies(self) -> str:
        before = self._light.writes
        await self._put("signed", b"copied")
        assert self._light.writes == before + 1, self._light.writes
        return "executed once"

    async def _again(self, option: bytes, payload: bytes) -> codes.Code:
        """A request to the member alone, Confirmable: aiocoap then says why it is refused."""
        before = self._light.writes
        message = Message(code=codes.POST, uri=f"coap://127.0.0.1:{self._port}", payload=payload)
        message.opt.oscore = option
        answer = await asyncio.wait_for(self._context.request(message).response, _SECONDS)
        assert self._light.writes == before
        return answer.code

    async def _replay(self) -> str:
        last = self._member.last
        assert await self._again(last.opt.oscore, last.payload) == codes.UNAUTHORIZED
        return "refused"

    def _forge(self, key: SecretKey, number: int) -> bytes:
        """A request as somebody makes it who knows all that a member is told."""
        join = self._joined
        keys = ModeKeys.derive(join.ms, gid_of(join.group, join.epoch, SIGNED))
        owner = credential(join.pk_owner)
        request = Request(Form(number.to_bytes(2), keys.gid), b"", owner)
        return objects.seal_request(keys, request, owner, b"\x03\xb5light\xffcaptured", key.sign)

    async def _captured(self) -> str:
        forged = self._forge(SecretKey(), 60_000)
        length = len(objects.read_form(forged)[0].option)
        assert await self._again(forged[:length], forged[length:]) == codes.BAD_REQUEST
        return "refused"

    async def _garbled(self) -> str:
        """With a number that is new, so that nothing but its signature is wrong."""
        last = self._member.last
        self._credentials[":1"] = member_context(self._joined)
        changed = last.payload[:-1] + bytes((last.payload[-1] ^ 1,))
        assert await self._again(last.opt.oscore, changed) == codes.BAD_REQUEST
        await self._put("signed", b"not garbled")
        return "refused"

    async def _garbled_answer(self) -> str:
        self._member.garbles = True
        said = await self._send("signed", "PUT", b"answered wrongly")
        self._member.garbles = False
        assert said == ["0 answered"] and self._light.state == b"answered wrongly", said
        return "refused"

    async def _rekey(self) -> None:
        before = self._joined
        await self._control("rekey 1")
        epoch = await asyncio.wait_for(self._notices.epochs.get(), _SECONDS)
        assert epoch == before.epoch + 1
        join = self._take(await self._ask(messages.write_ask(before.group, before.epoch)))
        assert (join.epoch, join.pk_owner) == (epoch, before.pk_owner) and join.ms != before.ms
        await self._put("signed", b"rekeyed")

    async def _leave(self) -> None:
        await self._control(f"remove 1 {DEVICE_ID.hex()}")
        ask = messages.write_ask(self._joined.group, self._joined.epoch)
        assert await self._ask(ask) == messages.write_leave(self._joined.group)
        assert await self._send("signed", "PUT", b"without it") == ["0 answered"]
        assert self._light.state == b"rekeyed"
