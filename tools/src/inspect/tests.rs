//! The fields against the library's own parser.

use super::*;
use lscoap::wire::object::{parse_request, parse_response};
use lscoap::wire::{Parsed, parse};
use proptest::collection::vec;
use proptest::prelude::*;

/// The messages and objects of the protocol's examples.
fn examples() -> Vec<Vec<u8>> {
    /// Every text of digits in a value, under a name that is a message's or an object's.
    fn collect(value: &serde_json::Value, name: &str, out: &mut Vec<Vec<u8>>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| collect(value, name, out)),
            serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, name, out)),
            serde_json::Value::String(text) => {
                let names = ["M1", "M2", "M3", "M4", "X1", "X2", "R1", "R2", "RETRY", "RETRIED"];
                if names.contains(&name) || name.ends_with("_object") {
                    out.push(hex::decode(text).unwrap());
                }
            }
            _ => {}
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors.json");
    let mut out = Vec::new();
    collect(&serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(), "", &mut out);
    assert!(out.len() > 50);
    out
}

/// Whether the library takes the header, and whether there is room for a tag.
fn well_formed_object(bytes: &[u8], kid_len: usize) -> bool {
    let header = match bytes.first() {
        Some(flags) if flags & 8 != 0 => parse_request(bytes, kid_len).map(|header| header.len),
        _ => parse_response(bytes).map(|header| header.len),
    };
    header.is_ok_and(|header| bytes.len() >= header + 8)
}

/// The report agrees with the library, covers every byte once and prints.
fn check(bytes: &[u8], kid_len: usize) {
    let report = inspect(bytes, Some(kid_len));
    let covered: Vec<u8> = report.fields.iter().flat_map(|field| field.bytes).copied().collect();
    assert_eq!(covered, bytes);
    let mut at = 0;
    for field in &report.fields {
        assert_eq!(field.at, at);
        at += field.bytes.len();
    }
    assert!(report.table().is_ascii());
    if matches!(bytes.first(), Some(0..=0x0f)) {
        assert_eq!(report.fault.is_none(), well_formed_object(bytes, kid_len), "{:?}", report.fault);
    } else {
        let curve = report.fault.as_ref().is_some_and(|fault| fault.contains(") is not "));
        assert_eq!(report.fault.is_none() || curve, parse(bytes).is_ok(), "{:?}", report.fault);
    }
    let _ = inspect(bytes, None).table();
}

#[test]
fn the_fields_are_the_librarys() {
    for message in examples().iter().filter(|bytes| bytes[0] > 0x0f) {
        let report = inspect(message, None);
        assert_eq!(report.fault, None);
        let field =
            |name| report.fields.iter().rfind(|field| field.name == name).map_or(&[][..], |f| f.bytes);
        let joined = |name| [field(name), field("tag")].concat();
        match parse(message).unwrap() {
            Parsed::M1 { cid_c, device_id, x } => {
                assert_eq!((field("cid_C"), field("device id"), field("X(E_C)")), (cid_c, device_id, &x[..]));
            }
            Parsed::M2 { cid_s, x } => assert_eq!((field("cid_S"), field("X(E_S)")), (cid_s, &x[..])),
            Parsed::M3 { cid_s, c3, .. } => assert_eq!((field("cid_S"), joined("C3")), (cid_s, c3.to_vec())),
            Parsed::M4 { c4 } => assert_eq!(joined("C4"), c4),
            Parsed::X1 { x, c1 } => assert_eq!((field("X(E_C)"), joined("C1")), (&x[..], c1.to_vec())),
            Parsed::X2 { x, c2 } => assert_eq!((field("X(E_S)"), joined("C2")), (&x[..], c2.to_vec())),
            Parsed::R1 { cid_s, n_c, t1, .. } => {
                assert_eq!((field("cid_S"), field("N_C"), field("T1")), (cid_s, &n_c[..], &t1[..]));
            }
            Parsed::R2 { n_s, c_r } => assert_eq!((field("N_S"), joined("C_R")), (&n_s[..], c_r.to_vec())),
            Parsed::Retry { cookie } => assert_eq!(field("cookie"), cookie),
            Parsed::Retried { cookie, inner } => {
                assert_eq!(field("cookie"), cookie);
                assert!(inner.ends_with(field("X(E_C)")));
            }
            Parsed::Alert(_) => unreachable!("not among the examples"),
        }
    }
}

#[test]
fn every_alert_has_a_name() {
    for code in 0..=255 {
        check(&[0x1f, code], 0);
        assert_eq!(inspect(&[0x1f, code], None).fault.is_none(), (1..=5).contains(&code));
    }
}

#[test]
fn cut_and_lengthened_examples() {
    for example in examples() {
        for len in 0..example.len() {
            check(&example[..len], 1);
        }
        check(&[&example[..], &[0]].concat(), 1);
    }
}

proptest! {
    #[test]
    fn anything(bytes in vec(any::<u8>(), 0..200), kid_len in 0_usize..8) {
        check(&bytes, kid_len);
    }

    #[test]
    fn anything_with_a_known_first_byte(
        first in prop_oneof![0_u8..16, 0x10_u8..0x20],
        l in any::<u8>(),
        rest in vec(any::<u8>(), 0..100),
        kid_len in 0_usize..8,
    ) {
        check(&[&[first, l], &rest[..]].concat(), kid_len);
    }

    #[test]
    fn examples_with_a_changed_byte(
        example in proptest::sample::select(examples()),
        place in any::<proptest::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut bytes = example;
        let place = place.index(bytes.len());
        bytes[place] = value;
        check(&bytes, 1);
    }

    #[test]
    fn any_text_as_digits(text in any::<String>()) {
        if let Err(fault) = hex::decode(&text) {
            let _ = fault.in_text(&text);
        }
    }
}
