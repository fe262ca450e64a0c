//! Whole messages to groups and back.

use super::*;
use crate::bytes::Bytes;
use crate::coap::option::{BLOCK2, ECHO, NO_RESPONSE};
use crate::group::tests::world::{Opens, Owner, member};
use crate::group::{
    Address, GROUP_REQUEST_OVERHEAD, GroupConfig, GroupExchange, Member, MemberConfig, Mode, PROOF_MAX, flag,
};

const MODES: [Mode; 2] = [Mode::Signed, Mode::Tagged];
const LIGHT: &[(u16, &[u8])] = &[(URI_PATH, b"light")];

/// A group of both modes with answers, and its first two members.
fn world() -> (Owner, [Member; 2]) {
    let config = GroupConfig {
        number: 7,
        flags: flag::SIGNED | flag::TAGGED | flag::ANSWERS,
        slots: 4,
        address: Address { bytes: Bytes::EMPTY, port: 0 },
    };
    let mut owner = Owner::created(&config, 4);
    let members = [b"lamp-1", b"lamp-2"].map(|id| {
        let mut member = member(MemberConfig::default());
        let ask = member.ask_for(0).unwrap();
        member.answer(0, &owner.answer_ask(id, &ask).unwrap()).unwrap();
        member
    });
    (owner, members)
}

/// Non-confirmable, with a token of four bytes.
const NON: u8 = 0x54;

fn protect(
    owner: &mut Owner,
    mode: Mode,
    carrier: Carrier,
    plain: &[u8],
) -> Result<(Vec<u8>, GroupExchange), Error> {
    let mut bytes = plain.to_vec();
    bytes.resize(plain.len() + PROTECT_OVERHEAD + PROOF_MAX, 0xa5);
    let (len, exchange) = owner.group.protect_request(mode, 0, carrier, &mut bytes, plain.len())?;
    bytes.truncate(len);
    Ok((bytes, exchange))
}

fn unprotect(member: &mut Member, sent: &[u8]) -> Result<(Vec<u8>, Mode, GroupExchange), Error> {
    let mut bytes = sent.to_vec();
    let (len, mode, exchange) = member.unprotect_request(0, &mut bytes, sent.len())?;
    bytes.truncate(len);
    Ok((bytes, mode, exchange))
}

fn protect_answer(member: &mut Member, exchange: &mut GroupExchange, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let mut buffer = Buffer::new(plain);
    buffer.len = member.protect_answer(exchange, &mut buffer.bytes, buffer.len)?;
    Ok(buffer.message())
}

fn unprotect_answer(
    owner: &mut Owner,
    exchange: &mut GroupExchange,
    sent: &[u8],
) -> Result<(Vec<u8>, u8), Error> {
    let mut bytes = sent.to_vec();
    let (len, kid) = owner.group.unprotect_answer(&owner.places, exchange, &mut bytes, sent.len())?;
    bytes.truncate(len);
    Ok((bytes, kid))
}

#[test]
fn there_and_back() {
    for carrier in BOTH {
        for mode in MODES {
            let (mut owner, mut members) = world();
            let request =
                message(NON, message::GET, &[(URI_PATH, b"temp"), (URI_QUERY, b"u=C"), (17, &[])], b"");
            let (sent, mut ours) = protect(&mut owner, mode, carrier, &request).unwrap();
            for (kid, member) in (1..).zip(&mut members) {
                let (got, how, mut theirs) = unprotect(member, &sent).unwrap();
                assert_eq!((got, how), (request.clone(), mode));
                assert!(member.wants_answer(&theirs, 0x45));
                let answer = message(NON, 0x45, &[(CONTENT_FORMAT, &[])], b"21.5");
                let sealed = protect_answer(member, &mut theirs, &answer).unwrap();
                let outer = if carrier == Carrier::Payload { 0x45 } else { 0x44 };
                assert_eq!(sealed[1], outer);
                assert_eq!(protect_answer(member, &mut theirs, &answer), Err(Error::Answered));
                assert_eq!(unprotect_answer(&mut owner, &mut ours, &sealed), Ok((answer, kid)));
                assert_eq!(unprotect_answer(&mut owner, &mut ours, &sealed), Err(Error::Replay));
                assert_eq!(unprotect(member, &sent).err(), Some(Error::Replay));
            }
        }
    }
}

/// docs/group.md: what a whole `PUT /light "on"` takes, with a number of one byte here.
#[test]
fn outside() {
    let (mut owner, [mut member, _]) = world();
    let short = message(0x52, 3, LIGHT, b"on");
    for (mode, carrier, code, len) in
        [(Mode::Signed, Carrier::Oscore, 2, 98 - 2), (Mode::Tagged, Carrier::Oscore, 2, 50 - 2)]
    {
        let (sent, _) = protect(&mut owner, mode, carrier, &short).unwrap();
        assert_eq!((sent[1], sent.len()), (code, len));
        let frame = message::Frame::read(&sent).unwrap();
        let mut reader = Reader::new(frame.options);
        let option = reader.next(&sent).unwrap().unwrap();
        assert_eq!((option.number, option.len), (OSCORE, 6));
        assert_eq!(reader.next(&sent), Ok(None), "nothing else");
        assert_eq!(unprotect(&mut member, &sent).unwrap().0, short);
    }
    for (method, code) in [(1, 5), (5, 5), (2, 2), (3, 2), (4, 2)] {
        let request = message(NON, method, LIGHT, b"x");
        let (sent, _) = protect(&mut owner, Mode::Tagged, Carrier::Payload, &request).unwrap();
        assert_eq!(sent[1], code);
        assert_eq!(unprotect(&mut member, &sent).unwrap().0, request);
    }
}

/// Whether PUT is answered is for the request to say, inside; what stands outside is ignored.
#[test]
fn answers_that_are_wanted() {
    let (mut owner, [mut member, _]) = world();
    for carrier in BOTH {
        let put = message(NON, 3, LIGHT, b"on");
        let (mut sent, _) = protect(&mut owner, Mode::Tagged, carrier, &put).unwrap();
        let (_, _, exchange) = unprotect(&mut member, &sent).unwrap();
        assert!(![0x44, 0x45, 0x84, 0xa0].iter().any(|code| member.wants_answer(&exchange, *code)));

        (sent, _) = protect(&mut owner, Mode::Tagged, carrier, &put).unwrap();
        let frame = message::Frame::read(&sent).unwrap();
        let mut options = List::<200>::new();
        let mut reader = Reader::new(frame.options);
        while let Some(found) = reader.next(&sent).unwrap() {
            options.put(found.number, &sent[found.at..found.at + found.len]).unwrap();
        }
        options.put(NO_RESPONSE, &[]).unwrap();
        let forged = [&sent[..frame.options], options.as_slice(), &sent[frame.options_end..]].concat();
        let (got, _, exchange) = unprotect(&mut member, &forged).unwrap();
        assert_eq!(got, put);
        assert!(!member.wants_answer(&exchange, 0x44));

        let wanted = message(NON, 3, &[(URI_PATH, b"light"), (NO_RESPONSE, &[])], b"on");
        let (sent, mut ours) = protect(&mut owner, Mode::Tagged, carrier, &wanted).unwrap();
        let (got, _, mut theirs) = unprotect(&mut member, &sent).unwrap();
        assert_eq!(got, wanted);
        assert!(member.wants_answer(&theirs, 0x44));
        let answer = message(NON, 0x44, &[], b"");
        let sealed = protect_answer(&mut member, &mut theirs, &answer).unwrap();
        assert_eq!(unprotect_answer(&mut owner, &mut ours, &sealed), Ok((answer, 1)));
    }
}

#[test]
fn what_a_group_does_not_have_is_not_sealed() {
    let (mut owner, [mut member, _]) = world();
    for carrier in BOTH {
        for option in [OBSERVE, BLOCK1, BLOCK2, ECHO, URI_HOST, URI_PORT, PROXY_SCHEME, PROXY_URI, OSCORE] {
            let request = message(NON, 1, &[(option, &[])], b"");
            let sealed = protect(&mut owner, Mode::Tagged, carrier, &request);
            assert_eq!(sealed.err(), Some(Error::Argument), "{option}");
        }
        let longest = [0x61; 61];
        for (path, fits) in [(&longest[..], true), (&[0x61; 63], carrier == Carrier::Oscore)] {
            let request = message(NON, 1, &[(URI_PATH, path)], b"");
            assert_eq!(protect(&mut owner, Mode::Tagged, carrier, &request).is_ok(), fits);
        }
        // Confirmable, a token of one byte, a response, nothing at all.
        for request in
            [&message(0x44, 1, LIGHT, b"")[..], b"\x51\x01\x12\x34\x01", &message(NON, 0x45, &[], b""), b""]
        {
            assert_eq!(protect(&mut owner, Mode::Tagged, carrier, request).err(), Some(Error::Argument));
        }
        let (sent, _) = protect(&mut owner, Mode::Tagged, carrier, &message(NON, 1, LIGHT, b"")).unwrap();
        let (_, _, mut exchange) = unprotect(&mut member, &sent).unwrap();
        for answer in [
            message(NON, 0x45, &[(OBSERVE, &[])], b""),
            message(NON, 0x45, &[(ECHO, b"x")], b""),
            message(NON, 1, &[], b""),
        ] {
            assert_eq!(protect_answer(&mut member, &mut exchange, &answer), Err(Error::Argument));
        }
        // The first block of what is larger.
        assert!(
            protect_answer(&mut member, &mut exchange, &message(NON, 0x45, &[(BLOCK2, &[0x0e])], b"x"))
                .is_ok()
        );
    }
}

#[test]
fn what_is_refused() {
    let (mut owner, [mut member, _]) = world();
    let request = message(NON, 1, LIGHT, b"");
    for carrier in BOTH {
        let (sent, mut ours) = protect(&mut owner, Mode::Tagged, carrier, &request).unwrap();
        let mut confirmable = sent.clone();
        confirmable[0] &= !0x10;
        assert_eq!(unprotect(&mut member, &confirmable).err(), Some(Error::Malformed));
        // An option outside that nobody protects.
        for (option, refused) in [(URI_HOST, true), (PROXY_URI, true), (PROXY_SCHEME, true)] {
            let frame = message::Frame::read(&sent).unwrap();
            let mut found = std::vec![(option, b"x".to_vec())];
            let mut reader = Reader::new(frame.options);
            while let Some(option) = reader.next(&sent).unwrap() {
                found.push((option.number, sent[option.at..option.at + option.len].to_vec()));
            }
            found.sort_by_key(|(number, _)| *number);
            let found: Vec<(u16, &[u8])> =
                found.iter().map(|(number, value)| (*number, &value[..])).collect();
            let forged = message(NON, sent[1], &found, frame.payload(&sent));
            let result = unprotect(&mut member, &forged);
            assert_eq!(result.err() == Some(Error::BadOption), refused, "{option}");
        }
        // Nothing has changed.
        let (_, _, mut theirs) = unprotect(&mut member, &sent).unwrap();
        let answer = message(NON, 0x45, &[], b"21.5");
        let sealed = protect_answer(&mut member, &mut theirs, &answer).unwrap();
        // In the clear, in the other carrier, a request, changed.
        assert_eq!(unprotect_answer(&mut owner, &mut ours, &answer), Err(Error::Unexpected));
        assert_eq!(unprotect_answer(&mut owner, &mut ours, &sent), Err(Error::Unexpected));
        let mut damaged = sealed.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(unprotect_answer(&mut owner, &mut ours, &damaged), Err(Error::Authentication));
        let mut none = GroupExchange::default();
        assert_eq!(unprotect_answer(&mut owner, &mut none, &sealed), Err(Error::State));
        assert_eq!(unprotect_answer(&mut owner, &mut ours, &sealed), Ok((answer, 1)));
    }
    // A kid in the option, where the sender's is empty; requests in sessions and in the clear.
    let (sent, _) = protect(&mut owner, Mode::Tagged, Carrier::Oscore, &request).unwrap();
    let frame = message::Frame::read(&sent).unwrap();
    let option = frame.find(&sent, OSCORE).unwrap().unwrap();
    let value = [&sent[option.at..option.at + option.len], &[1]].concat();
    let forged = message(NON, 2, &[(OSCORE, &value)], frame.payload(&sent));
    assert_eq!(unprotect(&mut member, &forged).err(), Some(Error::UnknownSession));
    for value in [&[9, 0, 1][..], &[], &[0x19, 0, 1, 7, 1]] {
        let of_session = message(NON, 2, &[(OSCORE, value)], frame.payload(&sent));
        assert_eq!(unprotect(&mut member, &of_session).err(), Some(Error::Unexpected));
    }
    assert_eq!(unprotect(&mut member, &request).err(), Some(Error::Unexpected));
    for len in 0..sent.len() {
        assert!(unprotect(&mut member, &sent[..len]).is_err());
    }
    assert!(unprotect(&mut member, &sent).is_ok());
}

/// What the sender could say and may not.
#[test]
fn bad_options_inside() {
    for number in [OBSERVE, BLOCK1, BLOCK2, ECHO, PROXY_URI, URI_HOST] {
        let (mut owner, [mut member, _]) = world();
        let mut options = List::<16>::new();
        options.put(number, b"x").unwrap();
        let plain = [&[1], options.as_slice()].concat();
        let mut object = std::vec![0; plain.len() + GROUP_REQUEST_OVERHEAD];
        let how = crate::session::Carrier::Oscore;
        let (len, _) = owner.group.seal_request(Mode::Tagged, 0, how, &plain, &mut object).unwrap();
        let sent = message(NON, 2, &[(OSCORE, &object[..6])], &object[6..len]);
        assert_eq!(unprotect(&mut member, &sent).err(), Some(Error::BadOption), "{number}");
        assert_eq!(unprotect(&mut member, &sent).err(), Some(Error::Replay), "it counts as received");
    }
}

#[test]
fn room() {
    let (mut owner, _) = world();
    for (mode, carrier, plain) in [
        (Mode::Signed, Carrier::Oscore, message(NON, 3, LIGHT, b"on")),
        (
            Mode::Tagged,
            Carrier::Payload,
            message(NON, 3, &[(URI_PATH, b"a"), (URI_QUERY, b"b"), (2000, b"c")], b"on"),
        ),
    ] {
        let enough = protect(&mut owner, mode, carrier, &plain).unwrap().0.len();
        for room in plain.len()..enough {
            let mut bytes = plain.clone();
            bytes.resize(room, 0);
            let result = owner.group.protect_request(mode, 0, carrier, &mut bytes, plain.len());
            assert_eq!(result.err(), Some(Error::Capacity));
        }
    }
}
