//! RFC 8613 Appendix C and the sealed objects of the vectors.

#[cfg(feature = "resume")]
mod store;
#[cfg(all(feature = "coap", feature = "resume"))]
mod transfer;

use super::context::{AadPrefix, Context, aad_prefix, nonce};
use super::*;
use crate::limits::SEQUENCE_MAX;
use crate::vectors::{self, Vectors};
use crate::wire::object::PartialIv;
use std::vec::Vec;

type B = Software;

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn cid(bytes: &[u8]) -> Cid {
    Cid::copy_of(bytes, Error::Argument).unwrap()
}

const MASTER_SECRET: &str = "0102030405060708090a0b0c0d0e0f10";
const MASTER_SALT: &str = "9e7ca92223786340";

/// A pair of sessions, as both ends have them, with keys of RFC 8613 Appendix C.
fn rfc8613_pair(salt: &[u8], client: &[u8], server: &[u8]) -> (Session, Session) {
    let secret: [u8; 16] = unhex(MASTER_SECRET);
    let end = |sender: &[u8], recipient: &[u8]| {
        let mut session = Session::<B>::new();
        session.load(&secret, salt, None, &cid(sender), &cid(recipient));
        session
    };
    (end(client, server), end(server, client))
}

/// Appendix C.1 to C.3: keys, common IV and the nonces of both ends for the first record.
#[test]
fn rfc8613_key_derivation() {
    let salt: [u8; 8] = unhex(MASTER_SALT);
    let id_context: [u8; 8] = unhex("37cbf3210017a2d3");
    let cases = [
        (
            &salt[..],
            None,
            &[][..],
            &[1][..],
            "f0910ed7295e6ad4b54fc793154302ff",
            "ffb14e093c94c9cac9471648b4f98710",
            "4622d4dd6d944168eefb54987c",
            "4622d4dd6d944168eefb54987c",
            "4722d4dd6d944169eefb54987c",
        ),
        (
            &[],
            None,
            &[0],
            &[1],
            "321b26943253c7ffb6003b0b64d74041",
            "e57b5635815177cd679ab4bcec9d7dda",
            "be35ae297d2dace910c52e99f9",
            "bf35ae297d2dace910c52e99f9",
            "bf35ae297d2dace810c52e99f9",
        ),
        (
            &salt,
            Some(&id_context[..]),
            &[],
            &[1],
            "af2a1300a5e95788b356336eeecd2b92",
            "e39a0c7c77b43f03b4b39ab9a268699f",
            "2ca58fb85ff1b81c0b7181b85e",
            "2ca58fb85ff1b81c0b7181b85e",
            "2da58fb85ff1b81d0b7181b85e",
        ),
    ];
    let secret: [u8; 16] = unhex(MASTER_SECRET);
    for (salt, id_context, sender, recipient, sender_key, recipient_key, iv, client_nonce, server_nonce) in
        cases
    {
        let (sender, recipient) = (cid(sender), cid(recipient));
        let mut context = Context::EMPTY;
        context.derive::<B>(&secret, salt, id_context, &sender, &recipient);
        assert_eq!(context.sender_key, unhex(sender_key));
        assert_eq!(context.recipient_key, unhex(recipient_key));
        assert_eq!(context.common_iv, unhex(iv));
        assert_eq!(nonce(&context.common_iv, &sender, 0), unhex(client_nonce));
        assert_eq!(nonce(&context.common_iv, &recipient, 0), unhex(server_nonce));
    }
}

/// A CBOR byte string.
fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len();
    let head = match len {
        0..=23 => std::vec![0x40 + len as u8],
        24..=255 => std::vec![0x58, len as u8],
        _ => std::vec![0x59, (len >> 8) as u8, len as u8],
    };
    [head, bytes.to_vec()].concat()
}

/// Section 5.4's Enc_structure, put together from its parts, with additional data and numbers of every length.
#[test]
fn what_is_authenticated() {
    let data: Vec<u8> = (0..=255).chain([0]).map(|byte: u8| byte ^ 0x5a).collect();
    let carriers = (0..=256).map(|len| Carrier::Payload(&data[..len])).chain([Carrier::Oscore]);
    let kids = [cid(b""), cid(b"kid"), cid(&[7; 7])];
    let numbers = [0, 0x1234, SEQUENCE_MAX];
    for (at, carrier) in carriers.enumerate() {
        let (kid, number) = (&kids[at % 3], numbers[at / 3 % 3]);
        let (options, after) = match carrier {
            Carrier::Oscore => (Vec::new(), &[][..]),
            Carrier::Payload(data) => ([&[0xff], data].concat(), data),
        };
        let piv = PartialIv::of(number);
        let (kid_string, piv) = (byte_string(kid), byte_string(piv.as_slice()));
        let array = [&[0x85, 1, 0x81, 10], &kid_string[..], &piv, &byte_string(&options)].concat();
        let expected = [&b"\x83\x68Encrypt0\x40"[..], &byte_string(&array)].concat();
        let mut prefix = AadPrefix::new();
        aad_prefix(kid, number, carrier, &mut prefix).unwrap();
        assert_eq!([prefix.as_slice(), after].concat(), expected, "{}", after.len());
    }
    let long = Carrier::Payload(&data);
    assert_eq!(aad_prefix(&kids[0], 0, long, &mut AadPrefix::new()), Err(Error::Argument));
}

/// Appendix C.4, C.7 and C.8: a request and both kinds of response in RFC 8613's own carrier.
#[test]
fn rfc8613_messages() {
    let salt: [u8; 8] = unhex(MASTER_SALT);
    let (mut client, mut server) = rfc8613_pair(&salt, &[], &[1]);
    client.next = 20;
    let mut buf = [0; 64];
    let (len, mut exchange) =
        client.seal_request(Carrier::Oscore, &unhex::<5>("01b3747631"), &mut buf).unwrap();
    // The OSCORE option is 09 14, without a kid since the client's id is empty.
    assert_eq!(buf[..len], unhex::<15>("0914612f1092f1776f1c1668b3825e"));
    let object = buf[..len].to_vec();
    let (len, theirs) = server.open_request(Carrier::Oscore, &object, &mut buf).unwrap();
    assert_eq!(buf[..len], unhex::<5>("01b3747631"));

    let plaintext: [u8; 14] = unhex("45ff48656c6c6f20576f726c6421");
    let len = server.seal_response(&theirs, Carrier::Oscore, &plaintext, &mut buf).unwrap();
    let c_7: [u8; 23] = unhex("00dbaad1e9a7e7b2a813d3c31524378303cdafae119106");
    assert_eq!(buf[..len], c_7);
    let len = server.seal_notification(&theirs, Carrier::Oscore, &plaintext, &mut buf).unwrap();
    let c_8: [u8; 24] = unhex("01004d4c13669384b67354b2b6175ff4b8658c666a6cf88e");
    assert_eq!(buf[..len], c_8);
    for object in [&c_7[..], &c_8] {
        let len = client.open_response(&mut exchange, Carrier::Oscore, object, &mut buf).unwrap();
        assert_eq!(buf[..len], plaintext);
    }
}

/// Both ends of the session of a vector.
fn pair(v: &Vectors, cid_s: &str) -> (Session, Session) {
    let (out, cid_s) = (v.array("OUT"), v.bytes(cid_s));
    let cid_c = if cid_s == [0x0a] { Cid::EMPTY } else { cid(&v.bytes("cid_C")) };
    let device_id = DeviceId::copy_of(b"sensor-7", Error::Argument).unwrap();
    let end = |role| {
        let outcome = Outcome { role, out: &out, cid_c: &cid_c, cid_s: &cid(&cid_s), device_id: &device_id };
        let mut session = Session::<B>::new();
        session.establish((), &outcome);
        session
    };
    let (client, mut server) = (end(Role::Client), end(Role::Server));
    server.confirm();
    (client, server)
}

#[test]
fn session_vectors() {
    let names = vectors::SIGNED.iter().chain(&vectors::EXPRESS).map(|name| (*name, "cid_S"));
    for (name, cid_s) in names.chain([("resume", "new_cid_S")]) {
        let v = vectors::all().get(name);
        let (client, server) = pair(&v, cid_s);
        let s = v.get("session");
        let out: [u8; 32] = v.array("OUT");
        let mut secret = [0; 16];
        expand::<B>(&out, &[b"oscore secret"], &mut secret);
        assert_eq!(secret, s.array("oscore_secret"));
        let mut salt = [0; 8];
        expand::<B>(&out, &[b"oscore salt"], &mut salt);
        assert_eq!(salt, s.array("oscore_salt"));
        assert_eq!(client.context.sender_key, s.array("client_key"));
        assert_eq!(client.context.recipient_key, s.array("server_key"));
        assert_eq!(client.context.common_iv, s.array("common_iv"));
        assert_eq!(server.context.sender_key, client.context.recipient_key);
        let mut rms = [0; 32];
        expand::<B>(&out, &[b"resume"], &mut rms);
        assert_eq!(rms, s.array("resume_RMS"));

        let e = s.get("export");
        let mut exported = std::vec![0; usize::try_from(e.number("length")).unwrap()];
        server.export_key(&e.bytes("label"), &e.bytes("context"), &mut exported).unwrap();
        assert_eq!(exported, e.bytes("value"));
        sealed_vectors(&s, client, server);
    }
}

fn sealed_vectors(s: &Vectors, mut client: Session, mut server: Session) {
    let mut buf = [0; 128];
    for o in s.list("sealed") {
        client.next = o.number("client_seq");
        let (aad, request) = (o.bytes("aad"), o.bytes("request_plaintext"));
        let carrier = Carrier::Payload(&aad);
        let (len, mut ours) = client.seal_request(carrier, &request, &mut buf).unwrap();
        assert_eq!(buf[..len], o.bytes("request_object"));
        let (len, theirs) = server.open_request(carrier, &o.bytes("request_object"), &mut buf).unwrap();
        assert_eq!(buf[..len], request);

        let empty = Carrier::Payload(&[]);
        let response = o.bytes("response_plaintext");
        let len = server.seal_response(&theirs, empty, &response, &mut buf).unwrap();
        assert_eq!(buf[..len], o.bytes("response_object"));
        server.next = o.number("server_seq");
        let len = server.seal_notification(&theirs, empty, &response, &mut buf).unwrap();
        assert_eq!(buf[..len], o.bytes("notification_object"));
        for object in ["response_object", "notification_object"] {
            let len = client.open_response(&mut ours, empty, &o.bytes(object), &mut buf).unwrap();
            assert_eq!(buf[..len], response);
        }
    }
}

fn ends() -> (Session, Session) {
    pair(&vectors::all().get("signed with client cid"), "cid_S")
}

const AAD: Carrier<'_> = Carrier::Payload(b"\xb5index");
const NO_AAD: Carrier<'_> = Carrier::Payload(b"");

#[test]
fn sequence_numbers_end() {
    let (mut client, mut server) = ends();
    client.next = SEQUENCE_MAX - 1;
    let mut buf = [0; 64];
    let mut exchanges = Vec::new();
    for last in [0xfe, 0xff] {
        let (len, _) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
        assert_eq!(buf[..6], [0x0d, 0xff, 0xff, 0xff, 0xff, last]);
        let object = buf[..len].to_vec();
        exchanges.push(server.open_request(AAD, &object, &mut buf).unwrap().1);
    }
    assert_eq!(client.seal_request(AAD, b"\x01", &mut buf).err(), Some(Error::Exhausted));
    server.next = SEQUENCE_MAX;
    server.seal_notification(&exchanges[0], NO_AAD, b"\x45", &mut buf).unwrap();
    let exhausted = server.seal_notification(&exchanges[0], NO_AAD, b"\x45", &mut buf);
    assert_eq!(exhausted.err(), Some(Error::Exhausted));
    // The answer under the request's own nonce uses no number.
    server.seal_response(&exchanges[1], NO_AAD, b"\x45", &mut buf).unwrap();
}

#[test]
fn one_answer_without_a_number() {
    let (mut client, mut server) = ends();
    let mut buf = [0; 64];
    let (len, _) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
    let first = buf[..len].to_vec();
    let (_, exchange) = server.open_request(AAD, &first, &mut buf).unwrap();
    let copy = exchange.clone();
    server.seal_response(&exchange, NO_AAD, b"\x45", &mut buf).unwrap();
    for again in [&exchange, &copy] {
        for carrier in [NO_AAD, Carrier::Oscore] {
            assert_eq!(server.seal_response(again, carrier, b"\x45", &mut buf), Err(Error::Answered));
        }
    }
    // Only as the first: the client takes none after one with a number.
    let (len, _) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
    let object = buf[..len].to_vec();
    let (_, exchange) = server.open_request(AAD, &object, &mut buf).unwrap();
    server.seal_notification(&exchange, NO_AAD, b"\x45", &mut buf).unwrap();
    assert_eq!(server.seal_response(&exchange, NO_AAD, b"\x45", &mut buf), Err(Error::Answered));
    // A request that the window has forgotten is answered under a number.
    let mut late = None;
    for _ in 0..65 {
        let (len, ours) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
        let object = buf[..len].to_vec();
        let (_, theirs) = server.open_request(AAD, &object, &mut buf).unwrap();
        late.get_or_insert((ours, theirs));
    }
    let (mut ours, theirs) = late.unwrap();
    let len = server.seal_response(&theirs, NO_AAD, b"\x45", &mut buf).unwrap();
    assert_eq!(buf[0], 1);
    let object = buf[..len].to_vec();
    assert_eq!(client.open_response(&mut ours, NO_AAD, &object, &mut buf), Ok(1));
}

#[test]
fn answers_rise() {
    let (mut client, mut server) = ends();
    let mut buf = [0; 64];
    let (len, mut ours) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
    let object = buf[..len].to_vec();
    let (_, theirs) = server.open_request(AAD, &object, &mut buf).unwrap();
    let plain = {
        let len = server.seal_response(&theirs, NO_AAD, b"\x45", &mut buf).unwrap();
        buf[..len].to_vec()
    };
    let numbered: Vec<_> = (0..3)
        .map(|_| {
            let len = server.seal_notification(&theirs, NO_AAD, b"\x45", &mut buf).unwrap();
            buf[..len].to_vec()
        })
        .collect();
    assert_eq!(client.open_response(&mut ours, NO_AAD, &numbered[1], &mut buf), Ok(1));
    for old in [&numbered[1], &numbered[0], &plain] {
        assert_eq!(client.open_response(&mut ours, NO_AAD, old, &mut buf), Err(Error::Replay));
    }
    assert_eq!(client.open_response(&mut ours, NO_AAD, &numbered[2], &mut buf), Ok(1));
    // Not as an answer to another request.
    let (_, mut other) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
    for object in [&plain, &numbered[2]] {
        let opened = client.open_response(&mut other, NO_AAD, object, &mut buf);
        assert_eq!(opened, Err(Error::Authentication));
    }
}

#[test]
fn carriers_do_not_mix() {
    for (seal, open) in [
        (NO_AAD, Carrier::Oscore),
        (Carrier::Oscore, NO_AAD),
        (AAD, NO_AAD),
        (NO_AAD, AAD),
        (AAD, Carrier::Oscore),
    ] {
        let (mut client, mut server) = ends();
        let mut buf = [0; 64];
        let (len, _) = client.seal_request(seal, b"\x01", &mut buf).unwrap();
        let object = buf[..len].to_vec();
        assert_eq!(server.open_request(open, &object, &mut buf).err(), Some(Error::Authentication));
        assert_eq!(server.open_request(seal, &object, &mut buf).unwrap().0, 1);
    }
}

#[test]
fn every_flipped_bit_and_truncation_is_refused() {
    let (mut client, mut server) = ends();
    client.next = 300;
    let mut buf = [0; 64];
    let (len, _) = client.seal_request(AAD, b"\x02\xffhello", &mut buf).unwrap();
    let object = buf[..len].to_vec();
    for bit in 0..object.len() * 8 {
        let mut bad = object.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut out = [0xaa; 64];
        assert!(server.open_request(AAD, &bad, &mut out).is_err());
        assert!(out.iter().all(|byte| *byte == 0xaa || *byte == 0), "plaintext of a bad record");
    }
    for len in 0..object.len() {
        assert!(server.open_request(AAD, &object[..len], &mut buf).is_err());
    }
    assert!(server.open_request(AAD, &[&object[..], &[0]].concat(), &mut buf).is_err());
    assert_eq!(server.open_request(AAD, &object, &mut buf).unwrap().0, 7);
    assert_eq!(server.open_request(AAD, &object, &mut buf).err(), Some(Error::Replay));
}

#[test]
fn shortest_form_only() {
    let (mut client, mut server) = ends();
    client.next = 5;
    let mut buf = [0; 64];
    let (len, _) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
    let mut long = std::vec![0x0a, 0x00];
    long.extend_from_slice(&buf[1..len]);
    assert_eq!(server.open_request(AAD, &long, &mut [0; 64]).err(), Some(Error::Malformed));
}

#[test]
fn bad_use() {
    let (mut client, mut server) = ends();
    let (mut other, _) = pair(&vectors::all().get("signed"), "cid_S");
    let mut buf = [0; 512];
    let (len, mut ours) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
    let object = buf[..len].to_vec();
    assert_eq!(server.open_request(AAD, &object, &mut []).err(), Some(Error::Capacity));
    let (_, theirs) = server.open_request(AAD, &object, &mut buf).unwrap();
    for short in 0..10 {
        let sealed = server.seal_response(&theirs, NO_AAD, b"\x45", &mut buf[..short]);
        assert_eq!(sealed, if short < 10 { Err(Error::Capacity) } else { Ok(10) });
    }
    // An exchange of the other direction, of another session, of none.
    assert_eq!(client.seal_response(&ours, NO_AAD, b"\x45", &mut buf), Err(Error::State));
    assert_eq!(other.seal_response(&theirs, NO_AAD, b"\x45", &mut buf), Err(Error::State));
    assert_eq!(other.open_response(&mut ours, NO_AAD, b"\0", &mut buf), Err(Error::State));
    let none = Exchange::default();
    assert_eq!(server.seal_response(&none, NO_AAD, b"\x45", &mut buf), Err(Error::Uninitialised));
    // Too much additional data uses no number, and leaves no plaintext behind.
    let aad = [0; 257];
    let next = client.next;
    assert!(client.seal_request(Carrier::Payload(&aad), b"secret", &mut buf).is_err());
    assert!(!buf.windows(6).any(|window| window == b"secret"));
    assert_eq!(client.seal_request(Carrier::Payload(&aad), b"\x01", &mut buf).err(), Some(Error::Argument));
    assert_eq!(client.next, next);
    assert!(client.seal_request(Carrier::Payload(&aad[1..]), b"\x01", &mut buf).is_ok());
    assert_eq!(client.export_key(b"l", b"c", &mut [0; 256]), Err(Error::Argument));
    assert_eq!(client.export_key(&[0; 256], b"c", &mut [0; 1]), Err(Error::Argument));
    assert_eq!(client.export_key(&[0; 255], b"c", &mut [0; 255]), Ok(()));
    assert_eq!(client.export_key(b"l", b"c", &mut []), Err(Error::Argument));
    // A session without keys.
    client.wipe();
    assert_eq!(client.seal_request(AAD, b"\x01", &mut buf).err(), Some(Error::Uninitialised));
    assert_eq!(client.open_request(AAD, &object, &mut buf).err(), Some(Error::Uninitialised));
    assert_eq!(client.open_response(&mut ours, AAD, &object, &mut buf), Err(Error::Uninitialised));
    assert_eq!(client.fingerprint(), Err(Error::Uninitialised));
    assert_eq!(client.export_key(b"l", b"c", &mut [0; 1]), Err(Error::Uninitialised));
}

#[test]
fn either_end_may_ask() {
    let (mut client, mut server) = ends();
    let mut buf = [0; 64];
    let (len, mut ours) = server.seal_request(AAD, b"\x01", &mut buf).unwrap();
    assert_eq!(&buf[2..5], b"\xaa\xbb\xcc"); // the client's connection id
    let object = buf[..len].to_vec();
    let (_, theirs) = client.open_request(AAD, &object, &mut buf).unwrap();
    let len = client.seal_response(&theirs, NO_AAD, b"\x45", &mut buf).unwrap();
    let object = buf[..len].to_vec();
    assert_eq!(server.open_response(&mut ours, NO_AAD, &object, &mut buf), Ok(1));
}

proptest::proptest! {
    /// What is sealed opens, in any order within the window, once.
    #[test]
    fn seal_then_open(
        plaintexts in proptest::collection::vec(proptest::collection::vec(0_u8.., 0..300), 1..40),
        aad in proptest::collection::vec(0_u8.., 0..256),
        start in 0..SEQUENCE_MAX - 64,
        order in proptest::arbitrary::any::<u64>(),
    ) {
        let (mut client, mut server) = ends();
        client.next = start;
        let carrier = Carrier::Payload(&aad);
        let mut sealed: Vec<_> = plaintexts.iter().map(|plaintext| {
            let mut buf = [0; 400];
            let (len, exchange) = client.seal_request(carrier, plaintext, &mut buf).unwrap();
            (plaintext, buf[..len].to_vec(), exchange)
        }).collect();
        let turn = usize::try_from(order).unwrap() % sealed.len();
        sealed.rotate_left(turn);
        for (plaintext, object, mut ours) in sealed {
            let mut buf = [0; 400];
            let (len, theirs) = server.open_request(carrier, &object, &mut buf).unwrap();
            proptest::prop_assert_eq!(&buf[..len], &plaintext[..]);
            proptest::prop_assert_eq!(server.open_request(carrier, &object, &mut buf).err(), Some(Error::Replay));
            let len = server.seal_response(&theirs, NO_AAD, plaintext, &mut buf).unwrap();
            let answer = buf[..len].to_vec();
            let len = client.open_response(&mut ours, NO_AAD, &answer, &mut buf).unwrap();
            proptest::prop_assert_eq!(&buf[..len], &plaintext[..]);
        }
    }

    #[test]
    fn garbage_does_not_open(object in proptest::collection::vec(0_u8.., 0..80)) {
        let (mut client, mut server) = ends();
        let mut buf = [0; 128];
        proptest::prop_assert!(server.open_request(AAD, &object, &mut buf).is_err());
        let (_, mut exchange) = client.seal_request(AAD, b"\x01", &mut buf).unwrap();
        proptest::prop_assert!(client.open_response(&mut exchange, NO_AAD, &object, &mut buf).is_err());
    }
}
