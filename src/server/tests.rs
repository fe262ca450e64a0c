//! The server against the vectors, byte for byte. How both sides behave together: `tests/handshake.rs`.

mod edges;
mod lives;
mod resume;
mod table;

use super::handshake::Draws;
use super::slot::Body;
use super::*;
use crate::crypto::by_value::public_key;
use crate::session::Carrier;
use crate::testing::{Devices, Element, NoRandom, Stuck};
use crate::vectors::{self, Vectors};
use std::vec::Vec;
use zeroize::Zeroizing;

struct Fixture {
    server: Server,
    slots: [Slot; 1],
    directory: Devices,
}

/// A server that will draw the vector's ephemeral key and connection id next.
fn fixture(v: &Vectors) -> Fixture {
    let id = vectors::all().get("identity");
    fixture_with(Key::Secret(&id.array("sk_S")), v)
}

fn fixture_with(identity: Key<'_>, v: &Vectors) -> Fixture {
    let id = vectors::all().get("identity");
    let mut server = Server::with_identity(identity).unwrap();
    let cid = v.bytes("cid_S");
    server.set_cids(cid.len(), &[], 1).unwrap();
    server.set_retry_rate(u32::MAX); // no time passes here
    let ephemeral: [u8; 32] = v.array("e_S");
    let number = cid.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    let x = public_key(&ephemeral).unwrap().x;
    server.forced = Some(Draws { ephemeral: Zeroizing::new(ephemeral), x, number });
    let directory = Devices::one(&id.bytes("device_id"), id.array("pk_C"));
    Fixture { server, slots: Default::default(), directory }
}

impl Fixture {
    fn step(&mut self, now_ms: u64, input: &[u8]) -> Result<(Status, Vec<u8>), Error> {
        self.step_on(&mut NoRandom, now_ms, input)
    }

    fn step_on(
        &mut self,
        platform: &mut impl Platform,
        now_ms: u64,
        input: &[u8],
    ) -> Result<(Status, Vec<u8>), Error> {
        let mut env = Env { platform, directory: &mut self.directory, peer: b"peer", source: b"", now_ms };
        let mut out = Message::new();
        let status = self.server.step(&mut self.slots, &mut env, input, &mut out)?;
        Ok((status, out.to_vec()))
    }

    fn open(
        &mut self,
        now_ms: u64,
        carrier: Carrier<'_>,
        object: &[u8],
        out: &mut [u8],
    ) -> Result<Opened, Error> {
        let directory = &mut self.directory;
        let mut env = Env { platform: &mut NoRandom, directory, peer: b"peer", source: b"", now_ms };
        self.server.open_request(&mut self.slots, &mut env, carrier, object, out)
    }

    fn check_session(&mut self, v: &Vectors) {
        let sealed = &v.get("session").list("sealed")[0];
        let (aad, object) = (sealed.bytes("aad"), sealed.bytes("request_object"));
        let mut out = [0; 32];
        let carrier = Carrier::Payload(&aad);
        // Nothing is sent before the first record has opened.
        let session = self.slots[0].session_mut().unwrap();
        assert_eq!(session.seal_request(carrier, b"\x01", &mut out).err(), Some(Error::State));
        assert_eq!(session.open_request(carrier, &object, &mut out).err(), Some(Error::State));
        let opened = self.open(0, carrier, &object, &mut out).unwrap();
        assert_eq!(out[..opened.len], sealed.bytes("request_plaintext"));
        assert_eq!(self.slots[0].phase(), Phase::Confirmed);
    }
}

fn refused(code: u8) -> Result<(Status, Vec<u8>), Error> {
    Ok((Status::Refused, std::vec![0x1f, code]))
}

#[test]
fn signed_byte_for_byte() {
    for name in vectors::SIGNED {
        let v = vectors::all().get(name);
        let mut f = fixture(&v);
        let (m1, m3) = (v.bytes("M1"), v.bytes("M3"));
        assert_eq!(f.step(0, &m1), Ok((Status::Send, v.bytes("M2"))));
        assert_eq!(f.server.made(), None, "a handshake is no session");
        assert_eq!(f.step(0, &m1), Ok((Status::Send, v.bytes("M2"))), "stored, not made again");
        let retried = [&[0x1a][..], &[0; 16], &m1].concat();
        assert_eq!(f.step(0, &retried), Ok((Status::Send, v.bytes("M2"))));
        assert_eq!(f.step(0, &m3), Ok((Status::Send, v.bytes("M4"))));
        assert_eq!(f.server.made(), Some(0));
        assert_eq!(f.step(0, &m3), Ok((Status::Send, v.bytes("M4"))));
        assert_eq!(f.server.made(), None, "repeated, not made");
        assert_eq!(f.step(0, &m1), Ok((Status::Send, v.bytes("M2"))));
        f.check_session(&v);
        assert_eq!(f.step(0, &m3), refused(5), "a confirmed session answers no handshake");
        assert_eq!(f.step(0, &m1), refused(4), "nor an M1, which is a new one then and finds no room");
    }
}

#[test]
fn express_byte_for_byte() {
    for name in vectors::EXPRESS {
        let v = vectors::all().get(name);
        let mut f = fixture(&v);
        for _ in 0..2 {
            assert_eq!(f.step(0, &v.bytes("X1")), Ok((Status::Send, v.bytes("X2"))));
        }
        f.check_session(&v);
    }
}

/// An element does as its secret does, byte for byte. While it is broken nothing changes.
#[test]
fn an_identity_in_an_element() {
    let id = vectors::all().get("identity");
    let public_key = id.array("pk_S");
    let names = vectors::SIGNED.map(|name| (name, true)).into_iter();
    for (name, is_signed) in names.chain(vectors::EXPRESS.map(|name| (name, false))) {
        let v = vectors::all().get(name);
        let mut f = fixture_with(Key::Element(&public_key), &v);
        assert_eq!(f.server.public_key(), &public_key);
        let (query, answer, uses) = if is_signed {
            assert_eq!(f.step(0, &v.bytes("M1")), Ok((Status::Send, v.bytes("M2"))));
            ("M3", "M4", (1, 0))
        } else {
            ("X1", "X2", (0, 1))
        };
        let phase = f.slots[0].phase();
        let mut element = Element::new(id.array("sk_S"));
        element.is_broken = true;
        for _ in 0..2 {
            assert_eq!(f.step_on(&mut element, 0, &v.bytes(query)), Err(Error::Hardware));
        }
        // A platform without an element.
        assert_eq!(f.step(0, &v.bytes(query)), Err(Error::Hardware));
        assert_eq!(f.slots[0].phase(), phase);

        (element.is_broken, element.signatures, element.agreements) = (false, 0, 0);
        for _ in 0..2 {
            assert_eq!(f.step_on(&mut element, 0, &v.bytes(query)), Ok((Status::Send, v.bytes(answer))));
        }
        assert_eq!((element.signatures, element.agreements), uses, "the second answer is the stored one");
        f.check_session(&v);
    }
}

#[test]
fn identities_that_are_refused() {
    let err = |identity: Key<'_>| Server::<Software>::with_identity(identity).err();
    let id = vectors::all().get("identity");
    assert_eq!(err(Key::Element(&id.array("pk_S"))), None);
    let mut off_curve = [0; PUBLIC_KEY_LEN];
    (off_curve[0], off_curve[32]) = (2, 2);
    for bad in [[0; PUBLIC_KEY_LEN], [4; PUBLIC_KEY_LEN], [0xff; PUBLIC_KEY_LEN], off_curve] {
        assert_eq!(err(Key::Element(&bad)), Some(Error::Key));
    }
    for bad in [[0; 32], [0xff; 32]] {
        assert_eq!(err(Key::Secret(&bad)), Some(Error::Key));
        assert_eq!(Server::<Software>::new(&bad).err(), Some(Error::Key));
    }
}

/// Every bit of M1, X1 and M3, and every length: a refusal, and the genuine message still works.
#[test]
fn a_bad_message_changes_nothing() {
    for name in ["signed with client cid", "express with client cid"] {
        let v = vectors::all().get(name);
        let first = if name.starts_with("signed") { "M1" } else { "X1" };
        let mut f = fixture(&v);
        let good = v.bytes(first);
        for len in 0..good.len() {
            let answer = f.step(0, &good[..len]);
            assert!(answer == refused(3) || first == "X1" && answer == refused(2), "{len} {answer:?}");
        }
        if first == "X1" {
            for bit in 8..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                let answer = f.step(0, &bad);
                assert!(answer == refused(2) || answer == refused(3), "bit {bit} {answer:?}");
            }
            assert_eq!(f.step(0, &good), Ok((Status::Send, v.bytes("X2"))));
            f.check_session(&v);
            continue;
        }
        assert_eq!(f.step(0, &good), Ok((Status::Send, v.bytes("M2"))));
        let good = v.bytes("M3");
        for bit in 8..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                1 => 3,     // the length of the id, or a reserved bit
                2 | 3 => 5, // another id
                _ => 2,
            };
            let answer = f.step(0, &bad);
            assert_eq!(answer, refused(expected), "bit {bit}");
        }
        for len in 0..good.len() {
            assert_eq!(f.step(0, &good[..len]), refused(3));
        }
        let Body::HalfOpen(half_open) = &f.slots[0].body else { panic!("not half open") };
        assert_eq!(half_open.secret, v.array("PRK"), "kept, so that garbage costs one multiplication once");
        assert_eq!(f.step(0, &good), Ok((Status::Send, v.bytes("M4"))));
        f.check_session(&v);
    }
}

/// The server's id differs from the client's own, whatever the random number says.
#[test]
fn an_id_like_the_clients_is_avoided() {
    for (name, first) in [("signed with client cid", "M1"), ("express with client cid", "X1")] {
        let v = vectors::all().get(name);
        let mut f = fixture(&v);
        let cid_c = v.bytes("cid_C");
        f.server.set_cids(cid_c.len(), &[], 1).unwrap();
        let mut draws = f.server.forced.take().unwrap();
        draws.number = cid_c.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        f.server.forced = Some(draws);
        assert_eq!(f.step(0, &v.bytes(first)).unwrap().0, Status::Send);
        assert_eq!(f.slots[0].cid_s.len(), cid_c.len());
        assert_ne!(*f.slots[0].cid_s, *cid_c);
    }
}

/// A good tag around a bad signature: whoever holds the keys of this handshake is not the device.
#[test]
fn a_bad_signature_ends_the_handshake() {
    let v = vectors::all().get("signed");
    let mut f = fixture(&v);
    f.step(0, &v.bytes("M1")).unwrap();
    let m3 = v.bytes("M3");
    let mut k_3 = crate::schedule::OnceKey::EMPTY;
    crate::schedule::signed::k_3::<Software>(&v.array("PRK"), &mut k_3);
    let mut forged = Message::from_slice(&[&m3[..3], &v.bytes("SIG_C")].concat()).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    k_3.seal_tail::<Software>((), &mut forged, 3, 3).unwrap();
    assert_eq!(f.step(0, &forged), refused(2));
    assert_eq!(f.slots[0].phase(), Phase::Free);
    assert_eq!(f.step(0, &m3), refused(5), "the genuine one comes too late");
    assert_eq!(f.directory.ended, [], "a handshake is no session");
}

/// What the server draws depends on the message that it answers.
#[test]
fn draws_are_hedged_with_the_message() {
    let draw = |digest: u8| {
        let mut f = fixture(&vectors::all().get("signed"));
        f.server.forced = None;
        let mut draws = Draws::default();
        f.server.draw(&mut Stuck { byte: 7, boots: 0 }, &[digest; 32], &mut draws).unwrap();
        draws.x
    };
    assert_ne!(draw(1), draw(2));
    assert_eq!(draw(1), draw(1));
}

/// Who knows the server's public key does not know its hashes, wherever its identity is.
#[test]
fn the_tables_seed_is_drawn() {
    let id = vectors::all().get("identity");
    let (public_key, v) = (id.array("pk_S"), vectors::all().get("signed"));
    let hash = |random: u8| {
        let mut f = fixture_with(Key::Element(&public_key), &v);
        f.server.forced = None;
        f.step_on(&mut Stuck { byte: random, boots: 0 }, 0, &v.bytes("M1")).unwrap();
        f.server.table.source(b"source")
    };
    assert_ne!(hash(1), hash(2));
}

#[test]
fn expired_secrets_go_with_the_next_record() {
    let v = vectors::all().get("signed");
    let mut f = fixture(&v);
    f.step(0, &v.bytes("M1")).unwrap();
    let object = [0x09, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8];
    let opened = f.open(HALF_OPEN_MS, Carrier::Oscore, &object, &mut []);
    assert_eq!(opened.err(), Some(Error::UnknownSession));
    assert_eq!(f.slots[0].phase(), Phase::Free);
}

#[test]
fn a_device_is_forgotten() {
    let v = vectors::all().get("signed");
    let mut f = fixture(&v);
    f.step(0, &v.bytes("M1")).unwrap();
    assert_eq!(f.server.forget(&mut f.slots, &mut f.directory, b"sensor-8"), Ok(0));
    assert_eq!(f.server.forget(&mut f.slots, &mut f.directory, b"sensor-7"), Ok(1));
    assert_eq!(f.server.forget(&mut f.slots, &mut f.directory, b"sensor-7"), Ok(0));
    assert_eq!(f.step(0, &v.bytes("M3")), refused(5));
}

#[test]
fn malformed_vectors_are_refused() {
    for (name, bytes) in vectors::all().get("malformed").entries() {
        let mut f = fixture(&vectors::all().get("signed"));
        assert_eq!(f.step(0, &bytes), refused(3), "{name}");
        assert_eq!(f.slots[0].phase(), Phase::Free);
    }
}

#[test]
fn messages_that_are_not_the_servers() {
    let all = vectors::all();
    let mut f = fixture(&all.get("signed"));
    for (name, key) in
        [("signed", "M2"), ("signed", "M4"), ("express", "X2"), ("resume", "R2"), ("retry", "RETRY")]
    {
        assert_eq!(f.step(0, &all.get(name).bytes(key)), refused(3));
    }
    assert_eq!(f.step(0, &all.get("signed").bytes("M3")), refused(5));
    assert_eq!(f.step(0, &all.get("resume").bytes("R1")), refused(5));
    for alert in [&[0x1f, 1][..], &[0x1f, 9], &[0x1f], &[0x1f, 1, 0]] {
        assert_eq!(f.step(0, alert), Err(Error::Unexpected), "no alert answers an alert");
    }
}

#[test]
fn a_failing_random_source_keeps_nothing() {
    let v = vectors::all().get("signed");
    let mut f = fixture(&v);
    f.server.forced = None;
    assert_eq!(f.step(0, &v.bytes("M1")), Err(Error::Random));
    assert_eq!(f.slots[0].phase(), Phase::Free);
}

/// A directory that gives no point: the device cannot be verified, and nothing panics.
#[test]
fn a_directory_with_a_bad_key() {
    for (name, first, code) in [("signed", "M1", None), ("express", "X1", Some(1))] {
        let v = vectors::all().get(name);
        let mut f = fixture(&v);
        f.directory = Devices::one(b"sensor-7", [0; PUBLIC_KEY_LEN]);
        let answer = f.step(0, &v.bytes(first)).unwrap();
        assert_eq!(answer.0 == Status::Refused, code.is_some());
        if code.is_none() {
            assert_eq!(f.step(0, &v.bytes("M3")), refused(2));
        }
    }
}
