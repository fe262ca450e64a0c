//! Every request and every answer, both ways.

use crate::crypto::by_value::public_key;
use crate::crypto::{Curve, Point, Prk, Software};
use crate::error::Error;
use crate::group::answer::Answer;
use crate::group::exchange::GroupExchange;
use crate::group::form::{Gid, RequestForm, answer_header, parse_answer};
use crate::group::keys::{
    ModeKeys, answer_key, delegate_secret, group_prk, member_secret, owner_secret, tag_key,
};
use crate::group::object::{Opening, Parties, Proof, Sealing, Signer, proof_len, seal_in_place};
use crate::group::{GROUP_AAD_MAX, GROUP_ANSWER_OVERHEAD, GROUP_REQUEST_OVERHEAD, Mode};
use crate::session::Carrier;
use crate::vectors::{self, Vectors};
use std::vec::Vec;

/// A group in an epoch, as its sender has it.
struct World {
    gos: [u8; 32],
    group: u16,
    epoch: u32,
    slots: u8,
    vs: [u8; 32],
    prk: [u8; 32],
    sender_secret: [u8; 32],
    sender: Point,
    owner: Point,
}

impl World {
    fn new(of: &Vectors, epoch: u32, ms: [u8; 32], vs: [u8; 32], delegate: Option<&[u8]>) -> Self {
        let gos = of.array("gos");
        let group = u16::try_from(of.number("group")).unwrap();
        let mut sender_secret = [0; 32];
        owner_secret::<Software>(&gos, group, &mut sender_secret);
        let owner = public_key(&sender_secret).unwrap();
        if let Some(delegate) = delegate {
            delegate_secret::<Software>(&gos, group, epoch, delegate, &mut sender_secret);
        }
        let mut prk = [0; 32];
        group_prk::<Software>(&ms, &mut prk);
        let slots = u8::try_from(of.number("slots")).unwrap();
        let sender = public_key(&sender_secret).unwrap();
        Self { gos, group, epoch, slots, vs, prk, sender_secret, sender, owner }
    }

    fn of(of: &Vectors) -> Self {
        let epoch = u32::try_from(of.number("epoch")).unwrap();
        Self::new(of, epoch, of.array("ms"), of.array("vs"), None)
    }

    fn keys(&self, mode: Mode) -> ModeKeys {
        let mut keys = ModeKeys::EMPTY;
        let gid = Gid::new(self.group, mode, self.epoch);
        Prk::<Software>::with(&self.prk, |prk| keys.derive(prk, gid));
        keys
    }

    fn parties(&self) -> Parties<'_> {
        Parties { sender: &self.sender, owner: &self.owner }
    }

    fn seal(
        &self,
        mode: Mode,
        number: u64,
        carrier: Carrier<'_>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let sealing = Sealing::new(self.group, self.epoch, mode, self.slots, number)?;
        let mut rest = plaintext.to_vec();
        rest.resize(plaintext.len() + sealing.tail_len(), 0);
        let signer = match mode {
            Mode::Signed => Signer::Secret(&self.sender_secret),
            Mode::Tagged => Signer::Tags(&self.vs),
        };
        seal_in_place::<Software>(
            (),
            &self.keys(mode),
            self.parties(),
            &sealing,
            carrier,
            &signer,
            &mut rest,
        )?;
        Ok([sealing.header(), &rest[..]].concat())
    }

    /// As the member with this kid.
    fn open(&self, kid: u8, carrier: Carrier<'_>, object: &[u8]) -> Result<Vec<u8>, (&'static str, Error)> {
        let form = RequestForm::parse(object).map_err(|error| ("form", error))?;
        let mut opening = Opening::EMPTY;
        opening.read(&form, self.slots, &object[form.len..]).map_err(|error| ("length", error))?;
        let mode = form.gid.mode().unwrap();
        let keys = self.keys(mode);
        let mut key = [0; 16];
        Prk::<Software>::with(&self.vs, |vs| tag_key(vs, kid, &mut key));
        let proof = match mode {
            Mode::Signed => Proof::Signature,
            Mode::Tagged => Proof::Tag { kid, key: &key },
        };
        let mut data = object[form.len..][..opening.data_len()].to_vec();
        let mut digest = [0; 32];
        let opened = opening.decrypt::<Software>((), &keys, self.parties(), carrier, &mut data, &mut digest);
        if let Err(error) = opened {
            assert!(data.iter().all(|byte| *byte == 0));
            return Err(("group tag", error));
        }
        let checked = opening.check_sender::<Software>(&keys, &self.sender, &proof, &digest, &mut data);
        if let Err(error) = checked {
            assert!(data.iter().all(|byte| *byte == 0));
            return Err(("sender", error));
        }
        Ok(data)
    }

    fn exchange(&self, mode: Mode, number: u64, carrier: Carrier<'_>, plaintext: &[u8]) -> GroupExchange {
        let mut exchange = GroupExchange::default();
        let form = RequestForm::of(Gid::new(self.group, mode, self.epoch), number);
        exchange.begin(&self.owner, self.epoch, &form, carrier, plaintext).unwrap();
        exchange
    }

    /// Seals or opens an answer: `object` is whole, with the plaintext in its place or without.
    fn answer(
        &self,
        device_id: &[u8],
        kid: u8,
        exchange: &GroupExchange,
        work: impl FnOnce(&Answer<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mode = exchange.check(&self.owner, self.group, self.epoch)?;
        let mut secret = [0; 32];
        member_secret::<Software>(&self.gos, self.group, self.epoch, device_id, &mut secret);
        let member = public_key(&secret).unwrap();
        let (mut base, mut ss, mut key) = (<Software as Curve>::Base::default(), [0; 32], [0; 16]);
        Software::prepare(&self.owner, &mut base).unwrap();
        Software::diffie_hellman(&secret, &base, &mut ss).unwrap();
        let gid = Gid::new(self.group, mode, self.epoch);
        Prk::<Software>::with(&self.prk, |prk| {
            answer_key(prk, gid, kid, &member, &self.sender, &ss, &mut key).unwrap();
        });
        let (owner, iv) = (&self.owner, &self.keys(mode).iv);
        work(&Answer { exchange, mode, kid, member: &member, owner, key: &key, iv })
    }

    fn seal_answer(&self, device_id: &[u8], kid: u8, exchange: &GroupExchange, plaintext: &[u8]) -> Vec<u8> {
        let mut rest = plaintext.to_vec();
        rest.resize(plaintext.len() + 8, 0);
        self.answer(device_id, kid, exchange, |answer| answer.seal::<Software>((), &mut rest)).unwrap();
        [&answer_header(kid)[..], &rest].concat()
    }

    fn open_answer(
        &self,
        device_id: &[u8],
        exchange: &GroupExchange,
        object: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let kid = parse_answer(object)?;
        let (data, tag) = object[2..].split_last_chunk().ok_or(Error::Malformed)?;
        let mut data = data.to_vec();
        let opened =
            self.answer(device_id, kid, exchange, |answer| answer.open::<Software>((), &mut data, tag));
        assert!(opened.is_ok() || data.iter().all(|byte| *byte == 0));
        opened.map(|()| data)
    }
}

/// The groups of the vectors with their requests.
fn worlds() -> Vec<(World, Vec<Vectors>)> {
    let all = vectors::group();
    let create = all.get("create");
    let (rekey, numbers, delegate) = (all.get("rekey"), all.get("numbers"), all.get("delegate"));
    let lost = delegate.get("lost");
    let device = delegate.bytes("delegate");
    let mut worlds = std::vec![
        (World::of(&create), all.list("requests")),
        (World::of(&create), std::vec![rekey.get("notice")]),
        (World::new(&create, 2, rekey.array("ms"), rekey.array("vs"), None), rekey.list("requests")),
        (World::of(&numbers), numbers.list("requests")),
        (
            World::new(&delegate, 1, delegate.array("ms"), delegate.array("vs"), Some(&device)),
            delegate.list("requests"),
        ),
        (World::new(&delegate, 2, lost.array("ms"), lost.array("vs"), Some(&device)), lost.list("requests")),
    ];
    worlds.extend(all.list("slots").into_iter().map(|slots| (World::of(&slots), std::vec![slots])));
    worlds
}

fn mode_of(request: &Vectors) -> Mode {
    Mode::from_number(u8::try_from(request.number("mode")).unwrap()).unwrap()
}

/// The additional data of the payload carrier, if it is that.
fn aad_of(request: &Vectors) -> Option<Vec<u8>> {
    let options = if request.has("options") { request.bytes("options") } else { Vec::new() };
    options.split_first().map(|(marker, aad)| {
        assert_eq!(*marker, 0xff);
        aad.to_vec()
    })
}

fn carrier(aad: &Option<Vec<u8>>) -> Carrier<'_> {
    aad.as_deref().map_or(Carrier::Oscore, Carrier::Payload)
}

#[test]
fn requests_are_sealed_and_opened() {
    let mut count = 0;
    for (world, requests) in worlds() {
        for request in requests {
            let (mode, aad) = (mode_of(&request), aad_of(&request));
            let (plaintext, object) = (request.bytes("plaintext"), request.bytes("object"));
            let sealed = world.seal(mode, request.number("number"), carrier(&aad), &plaintext);
            assert_eq!(sealed, Ok(object.clone()));
            let kids = if mode == Mode::Tagged { world.slots } else { 1 };
            for kid in 1..=kids {
                assert_eq!(world.open(kid, carrier(&aad), &object), Ok(plaintext.clone()));
            }
            count += 1;
        }
    }
    assert_eq!(count, 6 + 1 + 2 + 13 + 4 + 1 + 3);
}

/// What each part of a request is protected by.
#[test]
fn no_bit_of_a_request_can_be_changed() {
    let all = vectors::group();
    let world = World::of(&all.get("create"));
    for request in all.list("requests").into_iter().take(4) {
        let (mode, aad, object) = (mode_of(&request), aad_of(&request), request.bytes("object"));
        let proof_at = object.len() - proof_len(mode, world.slots);
        let kid = 2;
        for bit in 0..object.len() * 8 {
            let mut changed = object.clone();
            changed[bit / 8] ^= 0x80 >> (bit % 8);
            let opened = world.open(kid, carrier(&aad), &changed);
            let expected = match bit / 8 {
                0 if matches!(changed[0] ^ 0x38, 1..=5) => "group tag", // the Gid is looked at elsewhere
                0 | 2 => "form",
                // A mode that there is none of.
                5 if matches!(changed[5] >> 6, 0 | 3) => "length",
                at if at < proof_at => "group tag",
                at if mode == Mode::Tagged && (at - proof_at) / 4 != 1 => {
                    assert!(opened.is_ok(), "another's tag");
                    let whose = u8::try_from((at - proof_at) / 4 + 1).unwrap();
                    let refused = Err(("sender", Error::Authentication));
                    assert_eq!(world.open(whose, carrier(&aad), &changed), refused);
                    continue;
                }
                _ => "sender",
            };
            match opened {
                Err(("form" | "length", _)) if bit / 8 == 0 || bit / 8 == 5 => {}
                Err((step, error)) => {
                    assert_eq!(step, expected, "bit {bit}");
                    let malformed = matches!(expected, "form");
                    assert_eq!(error, if malformed { Error::Malformed } else { Error::Authentication });
                }
                Ok(_) => panic!("bit {bit} does not matter"),
            }
        }
    }
}

#[test]
fn answers_are_sealed_and_opened() {
    let all = vectors::group();
    let world = World::of(&all.get("create"));
    let answers = all.list("answers");
    assert_eq!(answers.len(), 18);
    for answer in answers {
        let requests = all.list("requests");
        let request = requests.iter().find(|request| request.text("name") == answer.text("to")).unwrap();
        let aad = aad_of(request);
        let number = request.number("number");
        let exchange = world.exchange(mode_of(request), number, carrier(&aad), &request.bytes("plaintext"));
        let (device, kid) = (answer.bytes("device"), u8::try_from(answer.number("kid")).unwrap());
        let (plaintext, object) = (answer.bytes("plaintext"), answer.bytes("object"));
        assert_eq!(world.seal_answer(&device, kid, &exchange, &plaintext), object);
        assert_eq!(world.open_answer(&device, &exchange, &object), Ok(plaintext.clone()));
        for bit in 0..object.len() * 8 {
            let mut changed = object.clone();
            changed[bit / 8] ^= 0x80 >> (bit % 8);
            let expected = if bit < 8 { Error::Malformed } else { Error::Authentication };
            assert_eq!(world.open_answer(&device, &exchange, &changed), Err(expected), "bit {bit}");
        }
    }
    let rekey = all.get("rekey");
    let world = World::new(&all.get("create"), 2, rekey.array("ms"), rekey.array("vs"), None);
    let exchange = world.exchange(Mode::Tagged, 29, Carrier::Oscore, b"\x01");
    let answer = rekey.get("answer_lamp_001");
    assert_eq!(
        world.seal_answer(b"lamp-001", 1, &exchange, &answer.bytes("plaintext")),
        answer.bytes("object")
    );
}

#[test]
fn sizes() {
    let all = vectors::group();
    let world = World::of(&all.get("create"));
    for request in all.list("requests") {
        let overhead = request.bytes("object").len() - request.bytes("plaintext").len();
        assert_eq!(u64::try_from(overhead).unwrap(), all.get("sizes").number(&request.text("name")));
    }
    assert_eq!(u64::try_from(GROUP_ANSWER_OVERHEAD).unwrap(), all.get("sizes").number("answer"));
    let longest = world.seal(Mode::Signed, crate::limits::SEQUENCE_MAX, Carrier::Oscore, b"\x01");
    assert_eq!(longest.map(|object| object.len()), Ok(1 + GROUP_REQUEST_OVERHEAD));
    let beyond = world.seal(Mode::Signed, crate::limits::SEQUENCE_MAX + 1, Carrier::Oscore, b"\x01");
    assert_eq!(beyond, Err(Error::Exhausted));
    // An exchange keeps the additional data.
    let aad = [0x5a; GROUP_AAD_MAX + 1];
    assert!(world.seal(Mode::Signed, 1, Carrier::Payload(&aad[1..]), b"\x01").is_ok());
    assert_eq!(world.seal(Mode::Signed, 1, Carrier::Payload(&aad), b"\x01"), Err(Error::Argument));
    // There is at least a code.
    assert_eq!(world.seal(Mode::Signed, 1, Carrier::Oscore, b""), Err(Error::Argument));
}

/// An exchange is one group's, in one epoch.
#[test]
fn exchanges_of_others() {
    let all = vectors::group();
    let world = World::of(&all.get("create"));
    let exchange = world.exchange(Mode::Signed, 5, Carrier::Oscore, b"\x01");
    assert_eq!(exchange.check(&world.owner, world.group, 1), Ok(Mode::Signed));
    assert_eq!(exchange.check(&world.owner, world.group, 2), Err(Error::State));
    assert_eq!(exchange.check(&world.owner, world.group + 1, 1), Err(Error::State));
    let other = public_key(&[7; 32]).unwrap();
    assert_eq!(exchange.check(&other, world.group, 1), Err(Error::State));
    let nothing = GroupExchange::default();
    assert_eq!(nothing.check(&world.owner, world.group, 1), Err(Error::Uninitialised));
}
