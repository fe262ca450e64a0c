"""aiocoap's Group OSCORE with the vectors' group, object by object: what it makes is right, what is right it opens.

The last tests say what it does differently where nothing is adapted: docs/interop.md.
"""

import json
from pathlib import Path

import pytest
from aiocoap import Message, oscore
from aiocoap.message import Direction
from aiocoap.numbers import codes

from lscoap_interop.crypto import SecretKey, Unverified
from lscoap_interop.groups import objects
from lscoap_interop.groups.keys import SIGNED, TAGGED
from lscoap_interop.groups.member import Member
from lscoap_interop.groups.messages import read_join
from lscoap_interop.groups.objects import Form, Request
from lscoap_interop.groups.oscore import (
    CCM,
    ECDSA,
    AgreedSecret,
    Agreement,
    member_context,
    private_key,
    sender_context,
    without_sign_protected,
)
from lscoap_interop.groups.owner import Owner

VECTORS = json.loads((Path(__file__).parents[2] / "tests" / "group-vectors.json").read_text())
# aiocoap has no payload carrier.
REQUESTS = [case for case in VECTORS["requests"] if not case["options"]]
NAMES = [case["name"] for case in REQUESTS]


def of(case, name):
    return bytes.fromhex(case[name])


def owner():
    create = VECTORS["create"]
    made = Owner(
        create["group"],
        create["flags"],
        create["slots"],
        number=create["number"],
        **{name: of(create, name) for name in ("gos", "ms", "vs")},
    )
    for lamp in VECTORS["members"]:
        made.add(of(lamp, "device"))
    return made


def incoming(sealed, code):
    """An object in OSCORE's message carrier: an answer's option has 2 bytes here, a request's those of its form."""
    length = len(objects.read_form(sealed)[0].option) if code.is_request() else 2
    message = Message(code=code, payload=sealed[length:])
    message.opt.oscore = sealed[:length]
    message.direction = Direction.INCOMING
    return message


def plain(case, name="plaintext"):
    """The message of a plaintext, as a program hands it to aiocoap."""
    text = of(case, name)
    message = Message(code=codes.Code(text[0]))
    message.payload = message.opt.decode(text[1:])
    return message


def unprotect(context, message, request=None):
    """As a server does it, or a client: the plain message, who sent it and what is kept of it."""
    unprotected = oscore.verify_start(message)
    found = context.context_from_response(unprotected) if request else context.get_oscore_context_for(unprotected)
    return *found.unprotect(message, request), found


def text_of(message):
    return bytes((message.code,)) + message.opt.encode() + (b"\xff" + message.payload if message.payload else b"")


def member_of(number, mode, own_key):
    lamp = VECTORS["members"][number]
    key = SecretKey(of(lamp, "secret")) if own_key else None
    return member_context(read_join(of(lamp, "join")), mode, key)


@pytest.mark.parametrize("case", REQUESTS, ids=NAMES)
@pytest.mark.parametrize("own_key", [False, True], ids=["shared secret of JOIN", "key of its own"])
def test_member(case, own_key):
    """Each member opens the vectors' requests, and its answers are the vectors', byte for byte."""
    for number, lamp in enumerate(VECTORS["members"]):
        context = member_of(number, case["mode"], own_key)
        message, request, found = unprotect(context, incoming(of(case, "object"), codes.POST))
        assert text_of(message) == of(case, "plaintext")
        (answer,) = [a for a in VECTORS["answers"] if (a["to"], a["kid"]) == (case["name"], lamp["kid"])]
        sealed, _ = found.context_for_response().protect(plain(answer), request)
        assert sealed.opt.oscore + sealed.payload == of(answer, "object")
        with pytest.raises(oscore.ReplayError):
            unprotect(context, incoming(of(case, "object"), codes.POST))


@pytest.mark.parametrize("case", REQUESTS, ids=NAMES)
def test_sender(case):
    """Its requests are the vectors' but for the signature, which has a nonce of its own; it opens their answers."""
    group = owner()
    group.number = case["number"]
    context = sender_context(group, case["mode"])
    sealed, request = context.protect(plain(case))
    made = sealed.opt.oscore + sealed.payload
    form, rest = objects.read_form(made)
    assert form.option + rest[: -len(of(case, "signature"))] == of(case, "object")[: -len(of(case, "signature"))]
    assert len(made) == len(of(case, "object"))
    assert (made == of(case, "object")) == (case["mode"] == TAGGED)
    for lamp in VECTORS["members"]:
        member = Member()
        member.ask(0)
        member.answer(of(lamp, "join"))
        plaintext, asked = member.open_request(made)
        assert plaintext == of(case, "plaintext")
        (answer,) = [a for a in VECTORS["answers"] if (a["to"], a["kid"]) == (case["name"], lamp["kid"])]
        assert member.seal_answer(asked, of(answer, "plaintext")) == of(answer, "object")
        request.can_reuse_nonce = None
        message, _, _ = unprotect(context, incoming(of(answer, "object"), codes.CHANGED), request)
        assert text_of(message) == of(answer, "plaintext")


def refuses_object(context, sealed):
    with pytest.raises((oscore.ProtectionInvalid, oscore.DecodeError)):
        unprotect(context, incoming(sealed, codes.POST))


HOSTILE = [
    case
    for case in VECTORS["hostile"]
    if "object" in case and case["aad"] is None and case["refusal"] not in ("ask", "budget")
]


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["name"])
def test_hostile(case):
    """What is hostile in the message carrier is refused by aiocoap as well, but for what only floors are for."""
    sealed = of(case, "object")
    mode = TAGGED if len(sealed) > 5 and sealed[5:6] == b"\x81" else SIGNED
    context = member_of(0, mode, False)
    for before in case["opened"]:
        opened = bytes.fromhex(before)
        if objects.read_form(opened)[0].mode == mode:
            unprotect(context, incoming(opened, codes.POST))
    message = Message(code=codes.POST)
    try:
        form, rest = objects.read_form(sealed)
        message.opt.oscore, message.payload = form.option, rest
    except ValueError:
        message.opt.oscore, message.payload = sealed[:6], sealed[6:]
    message.direction = Direction.INCOMING
    taken = None
    try:
        found = context.get_oscore_context_for(oscore.verify_start(message))
        taken = found.unprotect(message) if found else None
    except (oscore.ProtectionInvalid, oscore.DecodeError, IndexError):
        pass
    # RFC 10021 has windows, one for each context, and a mode is a context of its own.
    assert (taken is not None) == (case["name"] == "overtaken by a later TAGGED request")


def test_another_member_makes_no_answer():
    """An answer under another's kid, and one to another request, do not open."""
    group = owner()
    context = sender_context(group)
    sealed, request = context.protect(Message(code=codes.GET, uri_path=("temp",)))
    made = sealed.opt.oscore + sealed.payload
    member = Member()
    member.ask(0)
    member.answer(of(VECTORS["members"][0], "join"))
    _, asked = member.open_request(made)
    answer = member.seal_answer(asked, b"\x45\xff1")
    for changed in (answer[:1] + b"\x02" + answer[2:], answer[:-1] + bytes((answer[-1] ^ 1,))):
        with pytest.raises(oscore.ProtectionInvalid):
            unprotect(context, incoming(changed, codes.CHANGED), request)
    _, other = context.protect(Message(code=codes.GET, uri_path=("temp",)))
    with pytest.raises(oscore.ProtectionInvalid):
        unprotect(context, incoming(answer, codes.CHANGED), other)


# What it does differently.


def test_sign_protected():
    """aiocoap signs five elements, with `sign_protected`, as this protocol does; it refuses RFC 9338's four."""
    case = REQUESTS[0]
    signed = ECDSA._build_countersign_structure(of(case, "ciphertext"), of(case, "external_aad"))
    assert signed == of(case, "to_be_signed")
    group = owner()
    keys, form = group.keys[SIGNED], Form(b"\x14", group.keys[SIGNED].gid)
    request = Request(form, b"", group.credential)
    external = request.external_aad(group.credential, form.option)

    def sign(structure):
        assert structure == objects.to_be_signed(external, of(case, "ciphertext"))
        return group.key.sign(without_sign_protected(of(case, "ciphertext"), external))

    four = objects.seal_request(keys, request, group.credential, of(case, "plaintext"), sign)
    refuses_object(member_of(0, SIGNED, False), four)
    lamp = Member()
    lamp.ask(0)
    lamp.answer(of(VECTORS["members"][0], "join"))
    with pytest.raises(Unverified):
        lamp.open_request(four)


def test_number_of_the_agreement():
    """For P-256 aiocoap has -7 where RFC 10021 has -27, "ECDH-SS + HKDF-256": nothing opens then."""
    assert ECDSA.value == -7
    assert oscore.algorithms_staticstatic["ECDH-SS + HKDF-256"].value == Agreement.value == -27
    case = REQUESTS[0]
    group = owner()
    sealed, _ = sender_context(group, SIGNED, agreement=ECDSA).protect(plain(case))
    lamp = Member()
    lamp.ask(0)
    lamp.answer(of(VECTORS["members"][0], "join"))
    with pytest.raises(Unverified):
        lamp.open_request(sealed.opt.oscore + sealed.payload)
    keys = SecretKey(of(VECTORS["members"][0], "secret"))
    with pytest.raises((TypeError, ValueError)):
        oscore.algorithms_staticstatic["ECDH-SS + HKDF-256"].staticstatic(private_key(keys), None)


def test_replays_without_the_adaptation():
    """A replay is not opened by aiocoap as it is installed, but what it raises is its own fault, not a refusal."""
    context = member_of(0, SIGNED, False)
    message = incoming(of(REQUESTS[0], "object"), codes.POST)
    unprotect(context, message)
    unadapted = oscore.SimpleGroupContext.get_oscore_context_for(context, oscore.verify_start(message))
    with pytest.raises(AttributeError, match="echo_recovery"):
        unadapted.unprotect(message)


def test_member_without_its_key():
    """aiocoap wants a private key where JOIN has the shared secret; another than the credential's is refused."""
    join = read_join(of(VECTORS["members"][0], "join"))
    assert AgreedSecret(join.shared).staticstatic(None, None) == of(VECTORS["members"][0], "ss")
    with pytest.raises(ValueError, match="does not match the private key"):
        member_context(join, SIGNED, SecretKey())
    assert member_context(join).alg_group_enc is CCM
