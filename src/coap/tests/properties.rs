//! Anything at all, and whole messages against sealed objects.

use super::*;
use proptest::prelude::*;

/// Options of a request that can be sealed, in order.
fn options() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let known = [
        URI_HOST,
        4,
        OBSERVE,
        URI_PORT,
        URI_PATH,
        CONTENT_FORMAT,
        14,
        URI_QUERY,
        17,
        23,
        BLOCK1,
        39,
        60,
        258,
        292,
    ];
    let number = prop_oneof![3 => prop::sample::select(known.to_vec()), 1 => 1_u16..2000, 1 => any::<u16>()];
    let option = (number, prop::collection::vec(any::<u8>(), 0..20));
    prop::collection::vec(option, 0..12).prop_map(|mut options| {
        options.retain(|(number, _)| ![OSCORE, PROXY_URI, HOP_LIMIT, 0].contains(number));
        options.sort_by_key(|(number, _)| *number);
        options.dedup_by(|a, b| a.0 == OBSERVE && b.0 == OBSERVE);
        options.iter_mut().filter(|(number, _)| *number == OBSERVE).for_each(|(_, value)| value.truncate(3));
        options
    })
}

proptest! {
    /// What goes in comes out, in both carriers and directions, and never needs more room than is said.
    #[test]
    fn round_trip(options in options(), code in 1_u8..8, payload in prop::collection::vec(any::<u8>(), 0..80)) {
        let borrowed: Vec<(u16, &[u8])> = options.iter().map(|(number, value)| (*number, &value[..])).collect();
        let request = message(0x44, code, &borrowed, &payload);
        for carrier in BOTH {
            let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
            let mut buffer = Buffer::new(&request);
            let protected = ours.protect_request(carrier, &mut buffer.bytes, buffer.len);
            let (len, mut exchange) = protected.unwrap();
            buffer.len = len;
            let (received, to_answer) = unprotect_request(&mut theirs, &buffer.message()).unwrap();
            prop_assert_eq!(&received, &request);

            let inside: Vec<(u16, &[u8])> =
                borrowed.iter().copied().filter(|(number, _)| ![3, 6, 7, 11, 15, 39].contains(number)).collect();
            let response = message(0x64, 0x45, &inside, &payload);
            let answer = protect_response(&mut theirs, &to_answer, &response);
            prop_assert_eq!(unprotect_response(&mut ours, &mut exchange, &answer).unwrap(), response);
        }
    }

    /// In the payload carrier the object is the object functions': one opens what the other made.
    #[test]
    fn agrees_with_objects(options in options(), code in 1_u8..8, payload in prop::collection::vec(any::<u8>(), 0..80)) {
        let borrowed: Vec<(u16, &[u8])> = options.iter().map(|(number, value)| (*number, &value[..])).collect();
        let request = message(0x44, code, &borrowed, &payload);
        let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
        let (sent, _) = protect_request(&mut ours, Carrier::Payload, &request);
        let frame = message::Frame::read(&sent).unwrap();
        let (mut aad, mut inner) = (List::<512>::new(), List::<512>::new());
        for (number, value) in &borrowed {
            match *number {
                URI_PATH | URI_QUERY => aad.put(*number, value).unwrap(),
                URI_HOST | URI_PORT | PROXY_SCHEME => {}
                _ => inner.put(*number, value).unwrap(),
            }
        }
        let mut plain = std::vec![code];
        plain.extend_from_slice(inner.as_slice());
        if !payload.is_empty() {
            plain.push(0xff);
            plain.extend_from_slice(&payload);
        }
        let how = session::Carrier::Payload(aad.as_slice());
        let mut out = std::vec![0; sent.len()];
        let (len, _) = theirs.open_request(how, frame.payload(&sent), &mut out).unwrap();
        prop_assert_eq!(&out[..len], &plain[..]);

        let mut object = std::vec![0; plain.len() + crate::limits::REQUEST_OVERHEAD];
        let (len, _) = ours.seal_request(how, &plain, &mut object).unwrap();
        let made = [&sent[..frame.payload_at()], &object[..len]].concat();
        prop_assert_eq!(unprotect_request(&mut theirs, &made).unwrap().0, request);
    }

    /// Nothing that is changed, cut or made up is taken for the peer's, and nothing panics.
    #[test]
    fn hostile(at in any::<prop::sample::Index>(), flip in 1_u8..=255, cut in any::<prop::sample::Index>(), junk in prop::collection::vec(any::<u8>(), 0..64)) {
        for carrier in BOTH {
            let (mut ours, mut theirs) = pair(SALT, &[], &[1]);
            let request = message(0x44, message::GET, &[(OBSERVE, &[]), (URI_PATH, b"index")], b"body");
            let (sent, _) = protect_request(&mut ours, carrier, &request);
            let mut forged = sent.clone();
            let at = at.index(forged.len());
            forged[at] ^= flip;
            if let Ok((received, _)) = unprotect_request(&mut theirs, &forged) {
                // Type, token, message id and what is outside and not authenticated: at most Observe is lost.
                prop_assert_eq!(received.last(), request.last());
                prop_assert_eq!(received[1], request[1]);
            }
            prop_assert!(unprotect_request(&mut theirs, &sent[..cut.index(sent.len())]).is_err());
            let mut exchange = Exchange::default();
            prop_assert!(unprotect_request(&mut theirs, &junk).is_err());
            prop_assert!(unprotect_response(&mut ours, &mut exchange, &junk).is_err());
            let mut room = junk.clone();
            let _ = refuse(Error::Malformed, &mut room, junk.len());
            let _ = ours.protect_request(carrier, &mut room, junk.len());
        }
    }
}
