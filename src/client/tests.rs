//! The client against the vectors: byte for byte, and what it does with everything else.

mod resume;

use super::*;
use crate::crypto::by_value::{decompress, diffie_hellman, lift_x, public_key};
use crate::error::Alert;
use crate::testing::{Element, NoRandom, Numbers, Stuck};
use crate::vectors::{self, Vectors};
use std::vec::Vec;

fn client(v: &Vectors, profile: Profile) -> Client {
    client_with(Key::Secret(&vectors::all().get("identity").array("sk_C")), v, profile)
}

fn client_with(identity: Key<'_>, v: &Vectors, profile: Profile) -> Client {
    let id = vectors::all().get("identity");
    let (device_id, cid) = (id.bytes("device_id"), v.bytes("cid_C"));
    Client::new(&ClientConfig {
        device_id: &device_id,
        identity,
        server_key: &id.array("pk_S"),
        cid: &cid,
        profile,
    })
    .unwrap()
}

/// The first message, made with the vector's ephemeral key.
fn begin(client: &mut Client, v: &Vectors) -> Message {
    let secret: [u8; 32] = v.array("e_C");
    let mut out = Message::new();
    client.begin(&secret, &public_key(&secret).unwrap().x, &mut out).unwrap();
    out
}

fn step(client: &mut Client, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
    step_on(&mut Numbers::from_seed(0), client, input)
}

fn step_on(
    platform: &mut impl Platform,
    client: &mut Client,
    input: &[u8],
) -> Result<(Status, Vec<u8>), Error> {
    let mut out = Message::new();
    let input = (!input.is_empty()).then_some(input);
    let result = client.step(platform, input, &mut out).map(|status| (status, out.to_vec()));
    assert!(result.is_ok() || out.is_empty(), "output of a step that failed");
    result
}

fn check_session(mut client: Client, v: &Vectors) {
    let session = client.finish().unwrap();
    let mut exported = [0; 20];
    session.export_key(b"demo", b"ctx", &mut exported).unwrap();
    assert_eq!(exported, v.get("session").get("export").array("value"));
    assert_eq!(session.device_id(), Ok(&b"sensor-7"[..]));
    assert_eq!(client.finish().err(), Some(Error::State));
}

#[test]
fn signed_byte_for_byte() {
    for name in vectors::SIGNED {
        let v = vectors::all().get(name);
        let mut client = client(&v, Profile::Signed);
        assert_eq!(begin(&mut client, &v).as_slice(), v.bytes("M1"));
        assert_eq!(step(&mut client, &[]), Ok((Status::Send, v.bytes("M1"))));
        assert_eq!(client.finish().err(), Some(Error::State));
        assert_eq!(step(&mut client, &v.bytes("M2")), Ok((Status::Send, v.bytes("M3"))));
        assert_eq!(client.handshake.ephemeral, [0; 32], "the ephemeral secret outlives its use");
        assert_eq!(step(&mut client, &[]), Ok((Status::Send, v.bytes("M3"))));
        assert_eq!(step(&mut client, &v.bytes("M2")), Err(Error::Unexpected));
        assert_eq!(step(&mut client, &v.bytes("M4")), Ok((Status::Ready, Vec::new())));
        assert_eq!(step(&mut client, &[]), Err(Error::State));
        assert_eq!(step(&mut client, &v.bytes("M4")), Err(Error::Unexpected));
        check_session(client, &v);
    }
}

#[test]
fn express_byte_for_byte() {
    for name in vectors::EXPRESS {
        let v = vectors::all().get(name);
        let mut client = client(&v, Profile::Express);
        assert_eq!(begin(&mut client, &v).as_slice(), v.bytes("X1"));
        assert_eq!(step(&mut client, &[]), Ok((Status::Send, v.bytes("X1"))));
        assert_eq!(step(&mut client, &v.bytes("X2")), Ok((Status::Ready, Vec::new())));
        assert_eq!(client.handshake.ephemeral, [0; 32], "the ephemeral secret outlives its use");
        check_session(client, &v);
    }
}

/// An element does as its secret does, byte for byte. While it is broken nothing changes.
#[test]
fn an_identity_in_an_element() {
    let id = vectors::all().get("identity");
    let (secret, public_key) = (id.array("sk_C"), id.array("pk_C"));
    for (names, profile, [first, answer, next], uses) in [
        (vectors::SIGNED, Profile::Signed, ["M1", "M2", "M3"], (1, 0)),
        (vectors::EXPRESS, Profile::Express, ["X1", "X2", ""], (0, 1)),
    ] {
        for name in names {
            let v = vectors::all().get(name);
            let mut element = Element::new(secret);
            let mut client = client_with(Key::Element(&public_key), &v, profile);
            assert_eq!(client.public_key(), &public_key);
            assert_eq!(begin(&mut client, &v).as_slice(), v.bytes(first));

            let handshake = |client: &Client| {
                let Handshake { ephemeral, th, key, cid_s, sent, cookie, retries } = &client.handshake;
                let retried = (*cookie, *retries);
                (*ephemeral, *th, *key, cid_s.to_vec(), sent.to_vec(), retried, client.state)
            };
            let before = handshake(&client);
            element.is_broken = true;
            for _ in 0..2 {
                assert_eq!(step_on(&mut element, &mut client, &v.bytes(answer)), Err(Error::Hardware));
            }
            // A platform without an element.
            assert_eq!(
                step_on(&mut Numbers::from_seed(0), &mut client, &v.bytes(answer)),
                Err(Error::Hardware)
            );
            assert_eq!(handshake(&client), before);
            assert_eq!(step(&mut client, &[]), Ok((Status::Send, v.bytes(first))));

            (element.is_broken, element.signatures, element.agreements) = (false, 0, 0);
            let expected = match profile {
                Profile::Signed => (Status::Send, v.bytes(next)),
                Profile::Express => (Status::Ready, Vec::new()),
            };
            assert_eq!(step_on(&mut element, &mut client, &v.bytes(answer)), Ok(expected));
            assert_eq!((element.signatures, element.agreements), uses);
            if profile == Profile::Signed {
                assert_eq!(step(&mut client, &v.bytes("M4")), Ok((Status::Ready, Vec::new())));
            }
            check_session(client, &v);
        }
    }
}

/// Each message on the way is sent with every bit flipped once and with every length: nothing changes, and
/// the genuine message still works.
#[test]
fn a_bad_message_changes_nothing() {
    for (name, profile, messages) in [
        ("signed with client cid", Profile::Signed, &["M2", "M4"][..]),
        ("express with client cid", Profile::Express, &["X2"]),
    ] {
        let v = vectors::all().get(name);
        let mut client = client(&v, profile);
        begin(&mut client, &v);
        for key in messages {
            let good = v.bytes(key);
            // M2 is not authenticated by itself: a changed one that is still well formed is committed to.
            if *key != "M2" {
                for bit in 0..good.len() * 8 {
                    let mut bad = good.clone();
                    bad[bit / 8] ^= 1 << (bit % 8);
                    assert!(step(&mut client, &bad).is_err(), "{key} bit {bit}");
                }
            }
            for len in 1..good.len() {
                assert!(step(&mut client, &good[..len]).is_err(), "{key} length {len}");
            }
            assert!(step(&mut client, &[&good[..], &[0]].concat()).is_err());
            for (code, alert) in [(1, Alert::UnknownDevice), (5, Alert::UnknownSession)] {
                assert_eq!(step(&mut client, &[0x1f, code]), Err(Error::Alert(alert)));
            }
            assert_eq!(step(&mut client, &[0x1f, 6]), Err(Error::Malformed));
            for other in ["M1", "M2", "M3", "M4"] {
                if other != *key {
                    assert_eq!(step(&mut client, &v_signed().bytes(other)), Err(Error::Unexpected));
                }
            }
            assert!(step(&mut client, &good).is_ok());
        }
        check_session(client, &v);
    }
}

fn v_signed() -> Vectors {
    vectors::all().get("signed")
}

#[test]
fn ids_that_the_client_refuses() {
    let v = vectors::all().get("signed with client cid");
    let mut client = client(&v, Profile::Signed);
    begin(&mut client, &v);
    // The server's id must not be the client's own.
    let m2 = v.bytes("M2");
    let same = [&[0x12, 0x60, 0xaa, 0xbb, 0xcc][..], &m2[4..]].concat();
    assert_eq!(step(&mut client, &same), Err(Error::Malformed));
    // Nor an x-coordinate that is not on the curve, or not reduced.
    let mut off = m2.clone();
    off[4..].fill(0);
    off[35] = 2;
    assert_eq!(step(&mut client, &off), Err(Error::Malformed));
    off[4..].fill(0xff);
    assert_eq!(step(&mut client, &off), Err(Error::Malformed));
    assert!(step(&mut client, &m2).is_ok());
}

/// The same for X2, where the id is sealed: only a server that breaks the rule can send it.
#[test]
fn a_sealed_id_that_the_client_refuses() {
    use crate::schedule::express;
    let (v, id) = (vectors::all().get("express with client cid"), vectors::all().get("identity"));
    let mut client = client(&v, Profile::Express);
    let x1 = begin(&mut client, &v);
    let client_ephemeral = lift_x(x1[1..33].try_into().unwrap()).unwrap();
    let e_s: [u8; 32] = v.array("e_S");
    let x_s = public_key(&e_s).unwrap().x;
    let (mut prk_1, mut prk_2) = ([0; 32], [0; 32]);
    let dh_server = diffie_hellman(&id.array("sk_S"), &client_ephemeral).unwrap();
    express::prk_1::<Software>(&v.array("TH_1"), &dh_server, &mut prk_1);
    let th_2 = express::th_2::<Software>(&v.array("TH_1"), &x1[33..], &id.array("pk_C"), &x_s);
    let dh_ephemeral = diffie_hellman(&e_s, &client_ephemeral).unwrap();
    let dh_static = diffie_hellman(&e_s, &decompress(&id.array("pk_C")).unwrap()).unwrap();
    express::prk_2::<Software>(&prk_1, &th_2, &dh_ephemeral, &dh_static, &mut prk_2);
    let x2 = |cid: u8| {
        let mut x2 = Message::from_slice(&[&[0x16][..], &x_s, &[cid]].concat()).unwrap();
        let mut k_2 = crate::schedule::OnceKey::EMPTY;
        express::k_2::<Software>(&prk_2, &mut k_2);
        k_2.seal_tail::<Software>((), &mut x2, 1, 33).unwrap();
        x2.to_vec()
    };
    assert_eq!(v.bytes("cid_C"), [1]);
    assert_eq!(step(&mut client, &x2(1)), Err(Error::Malformed));
    assert_eq!(x2(0x21), v.bytes("X2"));
    assert_eq!(step(&mut client, &x2(0x21)), Ok((Status::Ready, Vec::new())));
}

#[test]
fn an_empty_message_is_malformed() {
    let v = vectors::all().get("signed");
    let mut client = client(&v, Profile::Signed);
    begin(&mut client, &v);
    assert_eq!(
        client.step(&mut Numbers::from_seed(0), Some(&[]), &mut Message::new()),
        Err(Error::Malformed)
    );
}

#[test]
fn configurations_that_are_refused() {
    let id = vectors::all().get("identity");
    let (sk, pk) = (id.array("sk_C"), id.array("pk_S"));
    let good = ClientConfig::new(b"sensor-7", &sk, &pk, Profile::Signed);
    let err = |config: ClientConfig<'_>| Client::<Software>::new(&config).err();
    assert_eq!(err(good), None);
    assert_eq!(err(ClientConfig { device_id: b"", ..good }), Some(Error::Argument));
    assert_eq!(err(ClientConfig { device_id: &[0; 33], ..good }), Some(Error::Argument));
    assert_eq!(err(ClientConfig { cid: &[0; 8], ..good }), Some(Error::Argument));
    assert_eq!(err(ClientConfig { identity: Key::Secret(&[0; 32]), ..good }), Some(Error::Key));
    assert_eq!(err(ClientConfig { identity: Key::Secret(&[0xff; 32]), ..good }), Some(Error::Key));
    for bad in [[0; 33], [2; 33], [4; 33]] {
        let on_curve = decompress(&bad).is_ok();
        let expected = (!on_curve).then_some(Error::Key);
        assert_eq!(err(ClientConfig { server_key: &bad, ..good }), expected);
        assert_eq!(err(ClientConfig { identity: Key::Element(&bad), ..good }), expected);
    }
}

#[test]
fn random_values_are_hedged() {
    let id = vectors::all().get("identity");
    let pk_s = id.array("pk_S");
    let first = |identity: Key<'_>, source: u64| {
        let config =
            ClientConfig { device_id: b"d", identity, server_key: &pk_s, cid: &[], profile: Profile::Signed };
        let mut client = Client::<Software>::new(&config).unwrap();
        let mut out = Message::new();
        client.step(&mut Numbers::from_seed(source), None, &mut out).unwrap();
        let one = out.to_vec();
        client.restart().unwrap();
        client.step(&mut Numbers::from_seed(source), None, &mut out).unwrap();
        (one, out.to_vec())
    };
    let (sk_c, pk_c) = (id.array("sk_C"), id.array("pk_C"));
    for (own, anothers) in
        [(Key::Secret(&sk_c), Key::Secret(&id.array("sk_S"))), (Key::Element(&pk_c), Key::Element(&pk_s))]
    {
        let (one, two) = first(own, 0);
        assert_ne!(one, two, "a source that repeats within one object repeats no key");
        assert_ne!(one, first(anothers, 0).0, "nor between two devices");
        assert_ne!(one, first(own, 1).0);
    }

    // What never repeats on the platform counts too.
    let boot = |count| {
        let mut client = client(&vectors::all().get("signed"), Profile::Signed);
        let mut out = Message::new();
        client.step(&mut Stuck { byte: 1, boots: count }, None, &mut out).unwrap();
        out
    };
    assert_ne!(boot(1), boot(2));
    assert_eq!(boot(1), boot(1));

    let mut client = client(&vectors::all().get("signed"), Profile::Signed);
    let mut out = Message::new();
    assert_eq!(client.step(&mut NoRandom, None, &mut out), Err(Error::Random));
    assert_eq!(client.step(&mut Numbers::from_seed(0), None, &mut out), Ok(Status::Send));
}

#[test]
fn a_wiped_client_is_none() {
    let v = vectors::all().get("signed");
    let mut client = client(&v, Profile::Signed);
    begin(&mut client, &v);
    client.wipe();
    assert_eq!(client.identity.hedge(), &[0; 32]);
    assert_eq!(client.handshake.ephemeral, [0; 32]);
    assert_eq!(step(&mut client, &[]), Err(Error::Uninitialised));
    assert_eq!(client.finish().err(), Some(Error::Uninitialised));
    assert_eq!(client.restart(), Err(Error::Uninitialised));
}
