"""Every value of the project's tests/group-vectors.json."""

import json
from pathlib import Path

import pytest

from lscoap_interop.crypto import Malformed, SecretKey, Unverified, sha256
from lscoap_interop.groups import keys, member, messages, objects
from lscoap_interop.groups.delegate import Delegate
from lscoap_interop.groups.keys import SIGNED, TAGGED, credential
from lscoap_interop.groups.member import AskFirst, Budget, Member, NoMember, Unexpected, Unknown
from lscoap_interop.groups.messages import ANSWERS
from lscoap_interop.groups.objects import Form, Request
from lscoap_interop.groups.owner import Owner
from lscoap_interop.session import Replay

VECTORS = json.loads((Path(__file__).parents[2] / "tests" / "group-vectors.json").read_text())
CREATE, MEMBERS, REKEY, DELEGATE = (VECTORS[name] for name in ("create", "members", "rekey", "delegate"))
BASE = VECTORS["hostile_base"]
LAMP = b"lamp-001"
REFUSALS = {
    "malformed": Malformed,
    "unknown": Unknown,
    "authentication": Unverified,
    "replay": Replay,
    "ask": AskFirst,
    "budget": Budget,
    "unexpected": Unexpected,
}


def of(case: dict, name: str) -> bytes:
    return bytes.fromhex(case[name])


def owner_of(case: dict, **changes) -> Owner:
    """The owner of a case, with lamp-001, 2 and 3 where nobody else is named."""
    given = {"flags": 0, "slots": 0, "epoch": 1, "number": 0, "address": "", "port": 0} | case | changes
    secrets = {name: bytes.fromhex(given[name]) for name in ("gos", "ms", "vs")}
    numbers = {name: given[name] for name in ("epoch", "number", "port")}
    where = bytes.fromhex(given["address"])
    return Owner(given["group"], given["flags"], given["slots"], address=where, **secrets, **numbers)


def first_epoch() -> Owner:
    owner = owner_of(CREATE)
    for lamp in MEMBERS:
        assert owner.add(of(lamp, "device")) == lamp["kid"]
    return owner


def second_epoch() -> Owner:
    owner = first_epoch()
    owner.rekey(of(REKEY, "without"), ms=of(REKEY, "ms"), vs=of(REKEY, "vs"))
    return owner


def joined(join: bytes, delegates: bool = False, max_age_s: int = 0) -> Member:
    lamp = Member(max_age_s=max_age_s, delegates=delegates)
    lamp.ask(0)
    lamp.answer(join)
    return lamp


def options_of(case: dict) -> bytes:
    """Of the hostile list, where null is the message carrier."""
    return b"" if case["aad"] is None else b"\xff" + of(case, "aad")


def test_secrets_of_the_vectors():
    labels = VECTORS["labels"]

    def secret(label: str) -> str:
        return sha256(b"lscoap group vector ", label.encode()).hex()

    assert secret(labels["gos"]) == CREATE["gos"]
    assert [secret(label) for label in labels["ms"]] == [CREATE["ms"], REKEY["ms"]]
    assert [secret(label) for label in labels["vs"]] == [CREATE["vs"], REKEY["vs"]]


def test_keys():
    owner = first_epoch()
    assert owner.key.secret == of(CREATE, "owner_secret")
    assert (owner.key.public, owner.credential) == (of(CREATE, "pk_owner"), of(CREATE, "cred_owner"))
    for lamp in MEMBERS:
        key = owner.member_key(of(lamp, "device"))
        assert (key.secret, key.public) == (of(lamp, "secret"), of(lamp, "pk"))
        assert key.dh(owner.key.public) == owner.key.dh(key.public) == of(lamp, "ss")
        assert owner.vks[lamp["kid"]] == of(lamp, "vk")
        assert credential(key.public) == of(lamp, "cred")
        join = owner.join(of(lamp, "device"))
        assert join.write() == of(lamp, "join")
        assert messages.read_join(of(lamp, "join")) == join


@pytest.mark.parametrize("make,case", [(first_epoch, VECTORS), (second_epoch, REKEY)])
def test_contexts(make, case):
    owner = make()
    lamp = owner.member_key(LAMP)
    shared = lamp.dh(owner.key.public)
    for context in case["contexts"]:
        check_context(owner.keys[context["mode"]], context)
        answers = owner.keys[context["mode"]].answer_key(1, credential(lamp.public), owner.credential, shared)
        assert answers == of(context, "answer_key_lamp_001")


def check_context(of_mode: keys.ModeKeys, context: dict) -> None:
    assert of_mode.gid == of(context, "gid")
    assert (of_mode.secret, of_mode.salt, of_mode.prk) == tuple(of(context, name) for name in ("secret", "salt", "prk"))
    assert of_mode.sender_key == of(context, "sender_key")
    assert of_mode.signature_key == of(context, "signature_encryption_key")
    assert of_mode.common_iv == of(context, "common_iv")


@pytest.mark.parametrize("case", VECTORS["joins"], ids=lambda case: case["name"])
def test_joins(case):
    owner = owner_of(CREATE, **{name: case[name] for name in ("flags", "slots", "number", "address", "port")})
    owner.add(LAMP)
    join = owner.join(LAMP)
    assert join.kid == case["kid"]
    assert join.write() == of(case, "join")
    assert messages.read_join(of(case, "join")) == join


def test_messages():
    written = [
        messages.write_ask(0, 0),
        messages.write_ask(0x0C0A, 1),
        messages.write_sync(0x0C0A, 1, 20),
        messages.write_notice(0x0C0A, 2),
        messages.write_leave(0x0C0A),
        messages.write_leave(0),
    ]
    assert [message.hex() for message in written] == [case["message"] for case in VECTORS["messages"]]
    assert messages.read_ask(written[0]) == (0, 0)
    assert messages.read_ask(written[1]) == (0x0C0A, 1)
    assert messages.read_sync(written[2]) == (0x0C0A, 1, 20)
    assert messages.read_notice(written[3]) == (0x0C0A, 2)
    assert messages.read_leave(written[4]) == 0x0C0A
    owner = first_epoch()
    assert owner.answer_ask(LAMP, written[0]) == of(MEMBERS[0], "join")
    assert owner.answer_ask(LAMP, written[1]) == written[2]
    assert owner.answer_ask(b"nobody", written[1]) == written[4]
    assert owner.answer_ask(b"nobody", written[0]) == written[5]


def check_request(of_mode: keys.ModeKeys, case: dict, sender: SecretKey, owner: bytes, tags: objects.Prove) -> None:
    """All steps of one request, and its object byte for byte."""
    mode, number = case["mode"], case["number"]
    form, rest = objects.read_form(of(case, "object"))
    assert (form.number, form.mode, form.gid) == (number, mode, of_mode.gid)
    request = Request(form, of(case, "options"), owner)
    external = request.external_aad(credential(sender.public), form.option)
    assert external == of(case, "external_aad")
    assert objects.to_be_signed(external, of(case, "ciphertext")) == of(case, "to_be_signed")
    prove = sender.sign if mode == SIGNED else tags
    assert prove(of(case, "to_be_signed")) == of(case, "signature")
    assert of_mode.nonce(form.piv) == of(case, "nonce")
    assert of_mode.keystream(form.piv, len(of(case, "signature"))) == of(case, "keystream")
    assert rest[: -len(of(case, "signature"))] == of(case, "ciphertext")
    sealed = objects.seal_request(of_mode, request, credential(sender.public), of(case, "plaintext"), prove)
    assert sealed == of(case, "object")


def test_requests_and_answers():
    owner = first_epoch()
    lamps = {of(lamp, "device"): joined(of(lamp, "join")) for lamp in MEMBERS}
    tags = objects.tags(owner.vks, owner.slots)
    answers = {(case["to"], case["kid"]): case for case in VECTORS["answers"]}
    for case in VECTORS["requests"]:
        check_request(owner.keys[case["mode"]], case, owner.key, owner.credential, tags)
        assert owner.number == case["number"]
        sealed, asked = owner.seal_request(case["mode"], of(case, "plaintext"), of(case, "options"))
        assert sealed == of(case, "object")
        assert len(sealed) - len(of(case, "plaintext")) == VECTORS["sizes"][case["name"]]
        for kid, (device, lamp) in enumerate(lamps.items(), 1):
            plaintext, request = lamp.open_request(sealed, of(case, "options"))
            assert plaintext == of(case, "plaintext")
            answer = answers.pop((case["name"], kid))
            assert of(answer, "device") == device
            key = owner.keys[case["mode"]].answer_key(
                kid, credential(lamp.join.pk_member), owner.credential, lamp.join.shared
            )
            assert key == of(answer, "key")
            given = lamp.seal_answer(request, of(answer, "plaintext"))
            assert given == of(answer, "object")
            assert len(given) - len(of(answer, "plaintext")) == VECTORS["sizes"]["answer"]
            assert owner.open_answer(asked, given) == (of(answer, "plaintext"), kid)
            with pytest.raises(Replay):
                owner.open_answer(asked, given)
            with pytest.raises(Replay):
                lamp.open_request(sealed, of(case, "options"))
    assert not answers


@pytest.mark.parametrize("case", VECTORS["slots"], ids=lambda case: case["name"])
def test_slots(case):
    owner = owner_of(case, flags=TAGGED)
    for number in range(1, case["slots"] + 1):
        kid = owner.add(f"lamp-{number:03}".encode())
    assert kid == case["last_kid"]
    last = f"lamp-{kid:03}".encode()
    lamp = joined(owner.join(last).write())
    check_request(owner.keys[TAGGED], case, owner.key, owner.credential, objects.tags(owner.vks, owner.slots))
    assert owner.seal_request(TAGGED, of(case, "plaintext"))[0] == of(case, "object")
    assert lamp.open_request(of(case, "object"))[0] == of(case, "plaintext")
    assert owner.join(last).write() == of(case, "last_join")


def test_rekey():
    owner = first_epoch()
    lamp = joined(of(MEMBERS[0], "join"))
    tags = objects.tags(owner.vks, owner.slots)
    check_request(owner.keys[REKEY["notice"]["mode"]], REKEY["notice"], owner.key, owner.credential, tags)
    plaintext, _ = lamp.open_request(of(REKEY["notice"], "object"))
    notice = plaintext[plaintext.rindex(b"\xff") + 1 :]
    assert lamp.notice(notice)
    owner = second_epoch()
    assert owner.epoch == REKEY["epoch"]
    assert notice == messages.write_notice(owner.group, owner.epoch)
    tags = objects.tags(owner.vks, owner.slots)
    signed, tagged = REKEY["requests"]
    for case in signed, tagged:
        check_request(owner.keys[case["mode"]], case, owner.key, owner.credential, tags)
    with pytest.raises(AskFirst):
        lamp.open_request(of(signed, "object"))
    owner.number = signed["number"] + 1
    ask = lamp.ask(0)
    assert ask == of(REKEY, "ask")
    join = owner.answer_ask(LAMP, ask)
    assert join == of(REKEY, "join_lamp_001")
    assert owner.join(b"lamp-002").write() == of(REKEY, "join_lamp_002")
    lamp.answer(join)
    with pytest.raises(Replay):
        lamp.open_request(of(signed, "object"))
    plaintext, request = lamp.open_request(of(tagged, "object"))
    assert plaintext == of(tagged, "plaintext")
    answer = lamp.seal_answer(request, of(REKEY["answer_lamp_001"], "plaintext"))
    assert answer == of(REKEY["answer_lamp_001"], "object")
    assert owner.open_answer(request, answer) == (of(REKEY["answer_lamp_001"], "plaintext"), 1)
    gone = joined(of(MEMBERS[2], "join"))
    gone.ask(0)
    with pytest.raises(NoMember):
        gone.answer(owner.answer_ask(of(REKEY, "without"), ask))
    assert gone.join is None


def test_numbers():
    case = VECTORS["numbers"]
    owner = owner_of(case)
    for number in range(1, owner.slots + 1):
        owner.add(f"lamp-{number:03}".encode())
    join = next(written for device in owner.kids if (written := owner.join(device).write()) == of(case, "join_lamp_15"))
    lamp = joined(join)
    for request in case["requests"]:
        owner.number = request["number"]
        sealed, _ = owner.seal_request(request["mode"], of(request, "plaintext"))
        assert sealed == of(request, "object")
        assert lamp.open_request(sealed)[0] == of(request, "plaintext")
        assert lamp.floor == request["number"] + 1


def test_delegate():
    owner = owner_of(DELEGATE)
    key = keys.delegate_key(of(DELEGATE, "gos"), owner.group, 1, of(DELEGATE, "delegate"))
    assert (key.secret, key.public) == (of(DELEGATE, "delegate_secret"), of(DELEGATE, "pk_delegate"))
    assert owner.credential == of(DELEGATE, "cred_owner")
    assert credential(key.public) == of(DELEGATE, "cred_delegate")
    for context in DELEGATE["contexts"]:
        check_context(owner.keys[context["mode"]], context)
    delegate = Delegate()
    assert delegate.ask() == of(DELEGATE, "ask_first")
    check_delegate(delegate, DELEGATE, owner)
    assert delegate.ask() == of(DELEGATE, "ask_held")
    delegate.answer(of(DELEGATE, "join_again"))
    assert delegate.number == DELEGATE["ticks_again"]
    lost = DELEGATE["lost"]
    owner.rekey(ms=of(lost, "ms"), vs=of(lost, "vs"))
    assert owner.epoch == lost["epoch"]
    again = Delegate()
    assert again.ask() == of(lost, "ask")
    check_delegate(again, lost, owner)


def check_delegate(delegate: Delegate, case: dict, owner: Owner) -> None:
    join = messages.read_join(of(case, "join_delegate"), delegates=True)
    assert join.write() == of(case, "join_delegate")
    assert join.floor == case["ticks"]
    assert join.vs == owner.vs
    assert messages.read_join(of(case, "join_lamp_001"), delegates=True).write() == of(case, "join_lamp_001")
    lamp = joined(of(case, "join_lamp_001"), delegates=True)
    assert lamp.join.pk_sender == join.pk_sender
    delegate.answer(of(case, "join_delegate"))
    key = keys.delegate_key(of(DELEGATE, "gos"), owner.group, owner.epoch, of(DELEGATE, "delegate"))
    assert key.secret == join.sk_delegate
    tags = objects.tags(owner.vks, owner.slots)
    for request in case["requests"]:
        check_request(owner.keys[request["mode"]], request, key, owner.credential, tags)
        later = (request["number"] - join.floor) * member.TICK_MS
        sealed = delegate.seal_request(request["mode"], of(request, "plaintext"), of(request, "options"), later)
        assert sealed == of(request, "object")
        assert lamp.open_request(sealed, of(request, "options"))[0] == of(request, "plaintext")


@pytest.mark.parametrize("case", DELEGATE["hostile"], ids=lambda case: case["name"])
def test_hostile_delegates(case):
    at_delegate = "at the delegate" in case["name"]
    ends = [Delegate()] if at_delegate else [Member(delegates=True)]
    ends[0].ask(*([] if at_delegate else [0]))
    with pytest.raises(REFUSALS[case["refusal"]]) as refused:
        ends[0].answer(of(case, "message"))
    assert refused.type is REFUSALS[case["refusal"]]


class Spent:
    """The dearest thing that was computed."""

    def __init__(self, monkeypatch):
        self.steps = []
        for module, name, step in (
            (objects, "ccm_open", "aead"),
            (member, "verify", "signature"),
            (member, "check_tag", "hmac"),
        ):
            monkeypatch.setattr(module, name, self._noting(getattr(module, name), step))

    def _noting(self, function, step):
        def noting(*arguments):
            self.steps.append(step)
            return function(*arguments)

        return noting

    @property
    def dearest(self):
        return self.steps[-1] if self.steps else "none"


@pytest.mark.parametrize("case", VECTORS["hostile"], ids=lambda case: case["name"])
def test_hostile(case, monkeypatch):
    refusal = REFUSALS[case["refusal"]]
    if "object" in case:
        lamp = joined(of(BASE, "join"), max_age_s=case["max_age_s"])
        for sealed in case["opened"]:
            lamp.open_request(bytes.fromhex(sealed))
        for sealed in case["failed"]:
            with pytest.raises(Unverified):
                lamp.open_request(bytes.fromhex(sealed))
        floor, spent = lamp.floor, Spent(monkeypatch)
        with pytest.raises(refusal) as refused:
            lamp.open_request(of(case, "object"), options_of(case), case["now_ms"])
        assert lamp.floor == floor
        assert spent.dearest == case["spent"]
    elif "answer" in case:
        owner = first_epoch()
        form, _ = objects.read_form(of(BASE, case["to"]))
        with pytest.raises(refusal) as refused:
            owner.open_answer(Request(form, b"", owner.credential), of(case, "answer"))
    elif "join" in case:
        with pytest.raises(refusal) as refused:
            joined(of(case, "join"))
    else:
        lamp = joined(of(BASE, "join"))
        before = lamp.join, lamp.floor
        with pytest.raises(refusal) as refused:
            if case["to"] == "owner":
                first_epoch().answer_ask(LAMP, of(case, "message"))
            elif case["to"] == "notice":
                lamp.notice(of(case, "message"))
            else:
                lamp.ask(0)
                lamp.answer(of(case, "message"))
        assert (lamp.join, lamp.floor) == before
    assert refused.type is refusal


def test_hostile_base():
    lamp = joined(of(BASE, "join"))
    for name in "signed", "tagged", "get", "get_2":
        _, request = lamp.open_request(of(BASE, name))
        if name == "get":
            assert lamp.seal_answer(request, b"\x45\xff21.5") == of(BASE, "answer_lamp_001")


def test_floods(monkeypatch):
    """Verifications that a flood costs: an outsider's garbled copies, and a captured member's own objects."""
    spent = Spent(monkeypatch)
    lamp = joined(of(BASE, "join"))
    garbled = of(BASE, "signed")[:-1] + bytes((of(BASE, "signed")[-1] ^ 1,))
    for ms in range(1000):
        with pytest.raises((Unverified, Budget)):
            lamp.open_request(garbled, now_ms=ms)
    limit = int(VECTORS["flood"]["outsider_1000_garbled_copies_in_1_s"].split()[0])
    assert spent.steps.count("signature") == limit
    lamp.open_request(of(BASE, "get"), now_ms=1000)

    owner, captured = first_epoch(), SecretKey()
    lamp = joined(of(BASE, "join"))
    spent.steps.clear()
    for count in range(600):
        form = Form((1000 + count).to_bytes(2), owner.keys[SIGNED].gid)
        request = Request(form, b"", owner.credential)
        forged = objects.seal_request(owner.keys[SIGNED], request, owner.credential, b"\x03", captured.sign)
        with pytest.raises((Unverified, Budget)):
            lamp.open_request(forged, now_ms=100 * count)
    limit = int(VECTORS["flood"]["captured_member_600_in_60_s"].split()[2])
    assert 60 < spent.steps.count("signature") <= limit


def test_hints():
    """What says that it is of a newer epoch is believed until an ASK has shown that it is not."""
    owner = first_epoch()
    lamp = joined(of(BASE, "join"))
    newer = of(BASE, "signed")[:5] + b"\x42" + of(BASE, "signed")[6:]
    with pytest.raises(AskFirst):
        lamp.open_request(newer, now_ms=1000)
    lamp.answer(owner.answer_ask(LAMP, lamp.ask(2000)))
    with pytest.raises(Unknown):
        lamp.open_request(newer, now_ms=601_999)
    with pytest.raises(AskFirst):
        lamp.open_request(newer, now_ms=602_000)


def test_floors():
    """A floor falls with a new epoch, or another owner, and never otherwise."""
    owner = first_epoch()
    lamp = joined(of(BASE, "join"))
    owner.number = 5
    lamp.answer(owner.answer_ask(LAMP, lamp.ask(0)))
    assert lamp.floor > 5
    floor = lamp.floor
    lamp.ask(0)
    lamp.answer(owner.join(LAMP).write())
    assert lamp.floor == floor
    owner.rekey()
    lamp.answer(owner.answer_ask(LAMP, lamp.ask(0)))
    assert lamp.floor == 5
    assert not lamp.notice(messages.write_notice(owner.group, owner.epoch))
    with pytest.raises(Unexpected):
        lamp.answer(owner.join(LAMP).write())


def test_single_bits():
    """Each bit of a request and of an answer counts."""
    owner = owner_of(CREATE, flags=SIGNED | TAGGED | ANSWERS)
    owner.add(LAMP)
    join = owner.join(LAMP).write()
    for mode in SIGNED, TAGGED:
        sealed, asked = owner.seal_request(mode, b"\x01\xb1a", b"")
        own = len(sealed) if mode == SIGNED else len(sealed) - objects.TAG_OF_A_SLOT * (owner.slots - 1)
        for bit in range(0, 8 * own, 1 if mode == TAGGED else 5):
            changed = bytearray(sealed)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(tuple(REFUSALS.values())):
                joined(join).open_request(bytes(changed))
        lamp = joined(join)
        answer = lamp.seal_answer(lamp.open_request(sealed)[1], b"\x45")
        for bit in range(8 * len(answer)):
            changed = bytearray(answer)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(tuple(REFUSALS.values())):
                owner.open_answer(asked, bytes(changed))
        assert owner.open_answer(asked, answer) == (b"\x45", 1)
