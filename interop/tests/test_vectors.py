"""Every value of the project's tests/vectors.json."""

import json
from pathlib import Path

import pytest

from lscoap_interop import enrolment, schedule, wire
from lscoap_interop.client import Client
from lscoap_interop.crypto import Malformed, SecretKey, expand, sha256
from lscoap_interop.server import Server, Stored
from lscoap_interop.session import Exchange, Session

VECTORS = json.loads((Path(__file__).parents[2] / "tests" / "vectors.json").read_text())
PROFILES = ["signed", "signed with client cid", "express", "express with client cid"]
IDENTITY = VECTORS["identity"]
DEVICE_ID = bytes.fromhex(IDENTITY["device_id"])
CLIENT_KEY = SecretKey(bytes.fromhex(IDENTITY["sk_C"]))
SERVER_KEY = SecretKey(bytes.fromhex(IDENTITY["sk_S"]))


def of(case: dict, name: str) -> bytes:
    return bytes.fromhex(case[name])


def server_for(case: dict) -> Server:
    return Server(
        SERVER_KEY,
        {DEVICE_ID: CLIENT_KEY.public},
        new_ephemeral=lambda: SecretKey(of(case, "e_S")),
        new_cid=lambda: of(case, "cid_S"),
    )


def client_for(name: str) -> Client:
    case = VECTORS[name]
    return Client(
        CLIENT_KEY,
        DEVICE_ID,
        SERVER_KEY.public,
        name.split()[0],
        cid=of(case, "cid_C"),
        ephemeral=SecretKey(of(case, "e_C")),
    )


def test_identity():
    assert CLIENT_KEY.public.hex() == IDENTITY["pk_C"]
    assert SERVER_KEY.public.hex() == IDENTITY["pk_S"]


def test_enrolment():
    strings = VECTORS["enrolment"]
    for version, suffix in (1, ""), (2, " with check"):
        device, server = strings["device" + suffix], strings["server" + suffix]
        assert enrolment.format_device(DEVICE_ID, CLIENT_KEY.public, version) == device
        assert enrolment.format_server(SERVER_KEY.public, version) == server
        assert enrolment.parse_device(device) == (DEVICE_ID, CLIENT_KEY.public)
        assert enrolment.parse_server(server) == SERVER_KEY.public
        for text, parse in (device, enrolment.parse_device), (server, enrolment.parse_server):
            for wrong in (text.lower(), text + "=", text[:-1], text + "A", " " + text, text.replace(":", "::", 1)):
                with pytest.raises(Malformed):
                    parse(wrong)


@pytest.mark.parametrize("case", json.loads((Path(__file__).parents[2] / "tests" / "device_lists.json").read_text()))
def test_device_lists(case):
    if "devices" in case:
        assert [d.decode() for d in enrolment.parse_device_list(case["text"])] == case["devices"]
    else:
        with pytest.raises(Malformed):
            enrolment.parse_device_list(case["text"])


@pytest.mark.parametrize("name", PROFILES)
def test_both_roles_byte_for_byte(name):
    case = VECTORS[name]
    client, server = client_for(name), server_for(case)
    names = ["M1", "M2", "M3", "M4"] if name.startswith("signed") else ["X1", "X2"]
    message = None
    for requested, answered in zip(names[::2], names[1::2], strict=True):
        message = client.step(message)
        assert message.hex() == case[requested]
        for _ in range(2):  # the second is a retransmission
            answer = server.step(message, b"peer", 0)
            assert answer.hex() == case[answered]
        message = answer
    assert client.step(message) is None
    for session in client.session, server.sessions[of(case, "cid_S")].session:
        assert session.out.hex() == case["OUT"]
        assert (session.cid_s, session.cid_c) == (of(case, "cid_S"), of(case, "cid_C"))


@pytest.mark.parametrize("name", PROFILES[:2])
def test_keys_of_the_signed_profile(name):
    case = VECTORS[name]
    dh = SecretKey(of(case, "e_C")).dh(SecretKey(of(case, "e_S")).x)
    assert dh.hex() == case["DH"]
    th_0 = sha256(b"LSCoAP-1 signed", SERVER_KEY.public)
    assert (th_0.hex(), sha256(th_0, of(case, "M1")).hex()) == (case["TH_0"], case["TH_1"])
    keys = schedule.Signed.begin(SERVER_KEY.public, of(case, "M1"), CLIENT_KEY.public, of(case, "M2"), dh)
    assert (keys.th_2.hex(), keys.prk.hex(), keys.k3().hex()) == (case["TH_2"], case["PRK"], case["K_3"])
    assert CLIENT_KEY.sign(keys.client_statement()).hex() == case["SIG_C"]
    th_3 = keys.th_3(of(case, "M3"))
    assert (th_3.hex(), keys.k4(th_3).hex()) == (case["TH_3"], case["K_4"])
    assert SERVER_KEY.sign(schedule.server_statement(th_3)).hex() == case["SIG_S"]
    assert sha256(th_3, of(case, "M4")).hex() == case["TH_4"]
    assert keys.out(th_3, of(case, "M4")).hex() == case["OUT"]


@pytest.mark.parametrize("name", PROFILES[2:])
def test_keys_of_the_express_profile(name):
    case = VECTORS[name]
    e_c, e_s = SecretKey(of(case, "e_C")), SecretKey(of(case, "e_S"))
    assert sha256(b"LSCoAP-1 express", SERVER_KEY.public).hex() == case["TH_0"]
    keys = schedule.Express.begin(SERVER_KEY.public, e_c.x, e_c.dh(SERVER_KEY.public))
    assert (keys.th_1.hex(), keys.prk_1.hex(), keys.k1().hex()) == (case["TH_1"], case["PRK_1"], case["K_1"])
    _, c1 = wire.read_x1(of(case, "X1"))
    answer = keys.answer(c1, CLIENT_KEY.public, e_s.x, e_c.dh(e_s.x), CLIENT_KEY.dh(e_s.x))
    assert (answer.th.hex(), answer.prk.hex(), answer.key().hex()) == (case["TH_2"], case["PRK_2"], case["K_2"])
    assert expand(keys.prk_1, b"s2" + answer.th, 32).hex() == case["S_2"]
    _, c2 = wire.read_x2(of(case, "X2"))
    assert sha256(answer.th, c2).hex() == case["TH_3"]
    assert answer.out(c2).hex() == case["OUT"]


def test_resume_byte_for_byte():
    case = VECTORS["resume"]
    before = VECTORS[case["of"]]
    old = Session(of(before, "OUT"), of(before, "cid_S"), of(before, "cid_C"), is_client=True)
    server = Server(
        SERVER_KEY,
        {DEVICE_ID: CLIENT_KEY.public},
        new_cid=lambda: of(case, "new_cid_S"),
        random=lambda length: of(case, "N_S")[-length:],
    )
    server.stored[old.cid_s] = Stored(old.resume_secret, old.cid_s, old.cid_c, DEVICE_ID, CLIENT_KEY.public)
    client = Client.resuming(old, nonce=of(case, "N_C"))
    r1 = client.step()
    assert r1.hex() == case["R1"]
    assert schedule.resume_request_key(old.resume_secret, of(case, "N_C")).hex() == case["K_R1"]
    r2 = server.step(r1, b"peer", 0)
    assert r2.hex() == case["R2"]
    assert server.step(r1, b"peer", 0) == r2
    assert schedule.resume_answer(old.resume_secret, r1, of(case, "N_S")).key().hex() == case["K_R2"]
    assert client.step(r2) is None
    assert client.session.out.hex() == case["OUT"]


@pytest.mark.parametrize("name", [*PROFILES, "resume"])
def test_session(name):
    case = VECTORS[name]
    cid_s = of(case, "new_cid_S") if name == "resume" else of(case, "cid_S")
    cid_c = b"" if name == "resume" else of(case, "cid_C")
    client, server = (Session(of(case, "OUT"), cid_s, cid_c, is_client) for is_client in (True, False))
    keys = case["session"]
    assert client.master_secret.hex() == keys["oscore_secret"]
    assert client.master_salt.hex() == keys["oscore_salt"]
    assert client.sender_key.hex() == server.recipient_key.hex() == keys["client_key"]
    assert server.sender_key.hex() == client.recipient_key.hex() == keys["server_key"]
    assert client.common_iv.hex() == keys["common_iv"]
    assert client.resume_secret.hex() == keys["resume_RMS"]
    export = keys["export"]
    assert client.export(of(export, "label"), of(export, "context"), export["length"]).hex() == export["value"]
    for record in keys["sealed"]:
        client.next_number, server.next_number = record["client_seq"], record["server_seq"]
        aad = b"\xff" + of(record, "aad")
        sealed, asked = client.seal_request(aad, of(record, "request_plaintext"))
        assert sealed.hex() == record["request_object"]
        plaintext, exchange = server.open_request(aad, sealed)
        assert plaintext.hex() == record["request_plaintext"]
        answer = server.seal_response(b"\xff", of(record, "response_plaintext"), exchange)
        assert answer.hex() == record["response_object"]
        notification = server.seal_response(b"\xff", of(record, "response_plaintext"), exchange)
        assert notification.hex() == record["notification_object"]
        for sealed, number in (answer, None), (notification, record["server_seq"]):
            assert client.open_response(b"\xff", sealed, asked) == (of(record, "response_plaintext"), number)


def test_retry():
    case = VECTORS["retry"]
    message, epoch = of(case, "message"), case["epoch (8 bytes, big-endian)"]
    cookie = schedule.cookie(of(case, "cookie_key"), epoch, of(case, "peer"), message)
    assert (bytes((wire.RETRY,)) + cookie).hex() == case["RETRY"]
    assert wire.read_retried(of(case, "RETRIED")) == (cookie, message)


@pytest.mark.parametrize("name", VECTORS["malformed"])
def test_malformed(name):
    read = {"M1": wire.read_m1, "M2": wire.read_m2}[name.split()[0]]
    with pytest.raises(Malformed):
        read(bytes.fromhex(VECTORS["malformed"][name]))


def test_exchanges_are_opened_once():
    case = VECTORS["express"]
    client, server = (Session(of(case, "OUT"), b"\x09", b"", is_client) for is_client in (True, False))
    sealed, asked = client.seal_request(b"", b"\x01")
    _, exchange = server.open_request(b"", sealed)
    with pytest.raises(ValueError, match="before"):
        server.open_request(b"", sealed)
    answer = server.seal_response(b"", b"\x45", exchange)
    client.open_response(b"", answer, asked)
    with pytest.raises(ValueError, match="newer"):
        client.open_response(b"", answer, asked)
    with pytest.raises(ValueError, match="verify"):
        client.open_response(b"\xff", server.seal_response(b"", b"\x45", exchange), asked)
    assert isinstance(asked, Exchange)
