//! Every message of the vectors, the malformed ones, and everything near them.

use super::*;
use crate::crypto::by_value::{lift_x, public_key};
use crate::error::{Alert, Error};
use crate::vectors;
use std::vec::Vec;

/// All good messages of the vectors.
fn messages() -> Vec<Vec<u8>> {
    let all = vectors::all();
    let mut found = Vec::new();
    for (name, keys) in [
        ("signed", &["M1", "M2", "M3", "M4"][..]),
        ("signed with client cid", &["M1", "M2", "M3", "M4"]),
        ("express", &["X1", "X2"]),
        ("express with client cid", &["X1", "X2"]),
        ("resume", &["R1", "R2"]),
        ("retry", &["RETRY", "RETRIED"]),
    ] {
        found.extend(keys.iter().map(|key| all.get(name).bytes(key)));
    }
    found.extend((1..=5).map(|code| std::vec![0x1f, code]));
    for message_type in Type::ALL {
        assert!(
            found.iter().any(|message| Type::of(message) == Some(*message_type)),
            "no vector of {message_type:?}"
        );
    }
    found
}

#[test]
fn fields() {
    let v = vectors::all().get("signed with client cid");
    let x = |secret| public_key(&v.array(secret)).unwrap().x;
    let (cid_s, cid_c) = (&v.bytes("cid_S")[..], &v.bytes("cid_C")[..]);
    let m1 = v.bytes("M1");
    assert_eq!(parse(&m1), Ok(Parsed::M1 { cid_c, device_id: b"sensor-7", x: &x("e_C") }));
    let m2 = v.bytes("M2");
    assert_eq!(parse(&m2), Ok(Parsed::M2 { cid_s, x: &x("e_S") }));
    let m3 = v.bytes("M3");
    assert_eq!(parse(&m3), Ok(Parsed::M3 { aad: &m3[..4], cid_s, c3: m3[4..].try_into().unwrap() }));
    let m4 = v.bytes("M4");
    assert_eq!(parse(&m4), Ok(Parsed::M4 { c4: m4[1..].try_into().unwrap() }));

    let v = vectors::all().get("resume");
    let (r1, r2) = (v.bytes("R1"), v.bytes("R2"));
    let n_c = &v.array("N_C");
    let t1 = r1[11..].try_into().unwrap();
    assert_eq!(parse(&r1), Ok(Parsed::R1 { aad: &r1[..11], cid_s: &v.bytes("cid_S"), n_c, t1 }));
    assert_eq!(parse(&r2), Ok(Parsed::R2 { n_s: &v.array("N_S"), c_r: &r2[9..] }));

    let v = vectors::all().get("retry");
    let (retry, retried) = (v.bytes("RETRY"), v.bytes("RETRIED"));
    let cookie = retry[1..].try_into().unwrap();
    assert_eq!(parse(&retry), Ok(Parsed::Retry { cookie }));
    assert_eq!(parse(&retried), Ok(Parsed::Retried { cookie, inner: &v.bytes("message") }));
    assert_eq!(parse(&[0x1f, 4]), Ok(Parsed::Alert(Alert::Busy)));
}

/// The first bytes of section 3, and no other; each has its own name.
#[test]
fn types() {
    let known: Vec<u8> = (0..=0xff).filter(|first| Type::of(&[*first]).is_some()).collect();
    assert_eq!(known, (0x11..=0x1a).chain([0x1f]).collect::<Vec<_>>());
    assert_eq!(known, Type::ALL.iter().map(|known| known.first_byte()).collect::<Vec<_>>());
    assert_eq!(Type::of(&[]), None);
    let names = Type::ALL.iter().map(|known| known.name().to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(names, ["M1", "M2", "M3", "M4", "X1", "X2", "R1", "R2", "RETRY", "RETRIED", "ALERT"]);
    assert_eq!((name(&[]), name(&[0x10]), name(&[0x0f])), (None, None, Some(c"sealed object")));
}

#[test]
fn sizes_of_section_3() {
    let all = vectors::all();
    let len = |name: &str, key: &str| all.get(name).bytes(key).len();
    let signed = ["M1", "M2", "M3", "M4"].map(|key| len("signed", key));
    assert_eq!(signed, [42, 35, 75, 73]);
    assert_eq!(["X1", "X2"].map(|key| len("express", key)), [50, 42]);
    assert_eq!(["R1", "R2"].map(|key| len("resume", key)), [19, 18]);
}

#[test]
fn malformed_vectors() {
    for (name, bytes) in vectors::all().get("malformed").entries() {
        let parsed = parse(&bytes);
        if name.contains("x not") {
            // The form is right; the point is looked at where it is used.
            let Ok(Parsed::M1 { x, .. }) = parsed else { panic!("{name}") };
            assert_eq!(lift_x(x).err(), Some(Error::Key), "{name}");
        } else {
            assert_eq!(parsed, Err(Error::Malformed), "{name}");
        }
    }
}

#[test]
fn any_other_length_is_malformed() {
    for message in messages() {
        assert!(parse(&message).is_ok());
        // X1, X2 and R2 have a range of lengths; their tags decide.
        let variable = matches!(Type::of(&message), Some(Type::X1 | Type::X2 | Type::R2));
        for len in 0..message.len() {
            assert!(variable && len > 16 || parse(&message[..len]) == Err(Error::Malformed));
        }
        let longer = [&message[..], &[0]].concat();
        assert!(variable || parse(&longer) == Err(Error::Malformed));
        for first in (0..=0xff).filter(|first| Type::of(&[*first]).is_none()) {
            let mut other = message.clone();
            other[0] = first;
            assert_eq!(parse(&other), Err(Error::Malformed));
        }
    }
    let x1 = |len: usize| parse(&[&[0x15][..], &std::vec![0; len]].concat()).is_ok();
    assert_eq!((0..100).filter(|len| x1(*len)).collect::<Vec<_>>(), (42..=80).collect::<Vec<_>>());
    let x2 = |len: usize| parse(&[&[0x16][..], &std::vec![0; len]].concat()).is_ok();
    assert_eq!((0..100).filter(|len| x2(*len)).collect::<Vec<_>>(), (41..=47).collect::<Vec<_>>());
    let r2 = |len: usize| parse(&[&[0x18][..], &std::vec![0; len]].concat()).is_ok();
    assert_eq!((0..100).filter(|len| r2(*len)).collect::<Vec<_>>(), (17..=23).collect::<Vec<_>>());
}

#[test]
fn only_opening_messages_are_retried() {
    for message in messages() {
        let retried = [&[Type::Retried.first_byte()][..], &[0; 16], &message].concat();
        let opens = matches!(Type::of(&message), Some(Type::M1 | Type::X1 | Type::R1));
        assert_eq!(parse(&retried).is_ok(), opens);
    }
}

/// The plaintext of C1 is exactly as long as it says.
#[test]
fn client_names() {
    let names = [0x27, 0xaa, 1, 2, 3, 4, 5, 6, 7, 8];
    let parsed = ClientNames { cid_c: &[0xaa], device_id: &[1, 2, 3, 4, 5, 6, 7, 8] };
    assert_eq!(parse_client_names(&names), Ok(parsed));
    for len in 0..names.len() {
        assert_eq!(parse_client_names(&names[..len]), Err(Error::Malformed));
    }
    assert_eq!(parse_client_names(&[&names[..], &[0]].concat()), Err(Error::Malformed));
}

#[test]
fn alerts() {
    for code in 0..=0xff {
        assert_eq!(parse(&[0x1f, code]).is_ok(), (1..=5).contains(&code));
    }
}

#[test]
fn partial_iv_forms() {
    for (sequence, bytes) in [
        (0, &[0][..]),
        (1, &[1]),
        (0xff, &[0xff]),
        (0x100, &[1, 0]),
        (0xff_ffff, &[0xff; 3]),
        (crate::limits::SEQUENCE_MAX, &[0xff; 5]),
    ] {
        let piv = object::PartialIv::new(sequence).unwrap();
        assert_eq!(piv.as_slice(), bytes);
        let header = object::request_header(sequence, &id(&[7]));
        let parsed = object::parse_request(&header, 1).unwrap();
        assert_eq!((parsed.sequence, parsed.kid, parsed.len), (sequence, &[7][..], header.len()));
        let header = object::response_header(Some(sequence));
        assert_eq!(object::parse_response(&header).unwrap().sequence, Some(sequence));
    }
    assert!(object::PartialIv::new(crate::limits::SEQUENCE_MAX + 1).is_err());
    for bad in
        [&[][..], &[0x08], &[0x09], &[0x0e, 1, 1, 1, 1, 1, 1], &[0x19, 1, 7], &[0x29, 1, 7], &[0x09, 1]]
    {
        assert_eq!(object::parse_request(bad, 1), Err(Error::Malformed));
    }
    for bad in [&[][..], &[1], &[6, 1, 1, 1, 1, 1, 1], &[8], &[0x10], &[2, 0, 1]] {
        assert_eq!(object::parse_response(bad), Err(Error::Malformed));
    }
}

/// OSCORE options: the longest, and the forms of RFC 8613 section 6.1 that are none.
#[cfg(feature = "coap")]
#[test]
fn option_forms() {
    let header = object::request_header(crate::limits::SEQUENCE_MAX, &id(&[7; CID_MAX]));
    let value = object::with_context(&header, &[9; 8]).unwrap();
    assert_eq!(value.as_slice(), [&[0x1d][..], &[0xff; 5], &[8], &[9; 8], &[7; 7]].concat());
    let fields = object::OptionFields {
        sequence: Some(crate::limits::SEQUENCE_MAX),
        context: Some(&[9; 8]),
        kid: Some(&[7; 7]),
    };
    assert_eq!(object::parse_option(&value), Ok(fields));
    assert_eq!(object::with_context(&header, &[9; 9]), Err(Error::Capacity));

    let fields = |sequence, context, kid| Ok(object::OptionFields { sequence, context, kid });
    assert_eq!(object::parse_option(&[]), fields(None, None, None));
    assert_eq!(object::parse_option(&[1, 5]), fields(Some(5), None, None));
    assert_eq!(object::parse_option(&[8]), fields(None, None, Some(&[])));
    assert_eq!(object::parse_option(&[0x19, 5, 1, 3, 4]), fields(Some(5), Some(&[3]), Some(&[4])));
    assert_eq!(object::parse_option(&[0x10, 0]), fields(None, Some(&[]), None));
    for bad in [
        &[0][..],
        &[0x20],
        &[0x29, 5],
        &[0x41, 5],
        &[0x81, 5],
        &[1],
        &[2, 5],
        &[2, 0, 5],
        &[6, 1, 2, 3, 4, 5, 6],
        &[7, 1, 2, 3, 4, 5, 6, 7],
        &[0x0e, 1, 2, 3, 4, 5, 6],
        &[1, 5, 4],
        &[0x11, 5],
        &[0x11, 5, 2, 3],
        &[0x11, 5, 1, 3, 4],
    ] {
        assert_eq!(object::parse_option(bad), Err(Error::Malformed), "{bad:x?}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(0_u8.., 0..120)) {
        let _ = parse(&bytes);
        let _ = parse_client_names(&bytes);
        let _ = object::parse_request(&bytes, bytes.len() % 8);
        let _ = object::parse_response(&bytes);
        let _ = name(&bytes);
    }

    /// What is written parses to what was meant.
    #[test]
    fn emit_then_parse(
        cid in proptest::collection::vec(0_u8.., 0..8),
        device_id in proptest::collection::vec(0_u8.., 1..33),
        x in proptest::array::uniform32(0_u8..),
    ) {
        let mut m1 = Message::new();
        m1.put_type(Type::M1);
        m1.put_client_names(&cid, &device_id);
        m1.put(&x);
        proptest::prop_assert_eq!(
            parse(&m1),
            Ok(Parsed::M1 { cid_c: &cid, device_id: &device_id, x: &x })
        );
    }
}

/// Of a connection id or a device id.
fn id<const N: usize>(bytes: &[u8]) -> crate::bytes::Bytes<N> {
    crate::bytes::Bytes::copy_of(bytes, Error::Argument).unwrap()
}

#[test]
fn ids_too_long_are_none() {
    assert_eq!(Cid::copy_of(&[0; CID_MAX + 1], Error::Argument).err(), Some(Error::Argument));
    assert_eq!(DeviceId::copy_of(&[0; DEVICE_ID_MAX + 1], Error::Argument).err(), Some(Error::Argument));
    let (cid, device_id): (Cid, DeviceId) = (id(&[1; CID_MAX]), id(&[2; DEVICE_ID_MAX]));
    let mut message = Message::new();
    message.put_client_names(&cid, &device_id);
    assert_eq!(message.as_slice(), [&[0xff][..], &[1; 7], &[2; 32]].concat());
}
