"""Membership in sessions of this package, over loopback."""

import asyncio

import pytest
from aiocoap.numbers import codes
from test_peers import DEVICE_ID, connect, running

from lscoap_interop.groups import messages
from lscoap_interop.groups.keys import SIGNED
from lscoap_interop.groups.member import Member, NoMember
from lscoap_interop.groups.owner import Owner
from lscoap_interop.groups.resource import GroupResource


@pytest.mark.parametrize("carrier", ["oscore", "payload"])
def test_membership(carrier):
    async def story():
        owner, member = Owner(7, SIGNED | messages.ANSWERS), Member()
        async with running() as (server, context, base, resources):
            resource = GroupResource(owner, lambda session: server.sessions[session.cid_s].device_id)
            resources.add_resource(messages.PATH.strip("/").split("/"), resource)
            client = await connect(context, base, carrier=carrier)

            async def ask(payload):
                message = client.message(codes.POST, messages.PATH, payload, content_format=messages.CONTENT_FORMAT)
                answer = await client.request(message)
                return answer.code, answer.payload

            with pytest.raises(NoMember):
                member.answer((await ask(member.ask(0)))[1])
            owner.add(DEVICE_ID)
            member.answer((await ask(member.ask(0)))[1])
            assert (member.join.group, member.join.epoch, member.join.kid) == (7, 1, 1)
            sync = messages.write_sync(7, 1, 0)
            assert await ask(member.ask(0)) == (codes.CHANGED, sync)
            assert await ask(messages.write_ask(8, 0)) == (codes.CHANGED, messages.write_leave(8))
            for malformed in (b"", member.ask(0)[:-1], messages.write_ask(7, 1) + b"\0", b"\x25"):
                assert await ask(malformed) == (codes.BAD_REQUEST, b"")
            assert await ask(messages.write_leave(7)) == (codes.CHANGED, b"")
            assert (owner.epoch, owner.kids) == (2, {})
            with pytest.raises(NoMember):
                member.answer((await ask(member.ask(0)))[1])

    asyncio.run(story())
