//! Enrolment strings: the vectors, and every way of getting one wrong.

use super::*;
use crate::vectors;
use std::string::String;

/// The strings of each version, and what they say.
fn vector() -> ([String; 2], [String; 2], Device) {
    let (e, i) = (vectors::all().get("enrolment"), vectors::all().get("identity"));
    let id = DeviceId::copy_of(&i.bytes("device_id"), Error::Argument).unwrap();
    let both = |who: &str| [e.text(who), e.text(&std::format!("{who} with check"))];
    (both("device"), both("server"), Device { id, public_key: i.array("pk_C") })
}

#[test]
fn vectors_both_ways() {
    let (devices, servers, expected) = vector();
    assert_eq!(format_device_v1(&expected.id, &expected.public_key).unwrap(), *devices[0]);
    assert_eq!(format_device(&expected.id, &expected.public_key).unwrap(), *devices[1]);
    let pk_s = vectors::all().get("identity").array("pk_S");
    assert_eq!(format_server_v1(&pk_s).unwrap(), *servers[0]);
    assert_eq!(format_server(&pk_s).unwrap(), *servers[1]);
    for (device, server) in devices.iter().zip(&servers) {
        let parsed = parse_device(device).unwrap();
        assert_eq!((&*parsed.id, parsed.public_key), (&*expected.id, expected.public_key));
        assert_eq!(parse_server(server), Ok(pk_s));
    }
    assert_eq!(public_key(&vectors::all().get("identity").array("sk_S")), Ok(pk_s));
}

fn fault_of(text: &str) -> Option<(usize, What)> {
    parse_device(text).err().map(|fault| (fault.at, fault.what))
}

#[test]
fn faults_are_found_where_they_are() {
    let at = fault_of;
    let ([first, checked], [_, server], _) = vector();
    assert_eq!(at(""), Some((0, What::Prefix)));
    assert_eq!(at("LSC3:"), Some((3, What::Prefix)));
    assert_eq!(at("LSC2"), Some((4, What::Prefix)));
    assert_eq!(at(&server), Some((2, What::Prefix)));
    for device in [&first, &checked] {
        let key_at = "LSC1:ONSW443POIWTO:".len();
        assert_eq!(at(&device.to_lowercase()), Some((0, What::Prefix)));
        assert_eq!(at(&device[..key_at - 1]), Some((18, What::Separator)));
        assert_eq!(at(&device.replacen("ONSW", "ON0W", 1)), Some((7, What::Character)));
        assert_eq!(at(&device.replacen("ONSW", "ONsW", 1)), Some((7, What::Character)));
        assert_eq!(at(&device.replacen("ONSW443POIWTO", "", 1)), Some((5, What::Length)));
        // 33 bytes of id: the 53rd character is where the 33rd byte would be complete.
        assert_eq!(at(&device.replacen("ONSW443POIWTO", &"A".repeat(53), 1)), Some((5 + 52, What::Length)));
        assert_eq!(at(&std::format!("{device}A")).unwrap().1, What::Length);
        assert_eq!(at(&device[..device.len() - 1]), Some((device.len() - 1, What::Length)));
        for more in ["=", " ", ":", "\n"] {
            let fault = at(&std::format!("{device}{more}"));
            let what = if device == &first { What::Character } else { What::Length };
            assert_eq!(fault, Some((device.len(), what)), "{more}");
        }
    }
    // 33 bytes are 264 bits in 53 characters: one spare bit.
    let last = first.len() - 1;
    assert_eq!(at(&std::format!("{}3", &first[..last])), Some((last, What::SpareBits)));
}

#[test]
fn a_key_is_a_point() {
    // 02 and an x that is not on the curve.
    let (key_at, mut encoded) = ("LSC1:ONSW443POIWTO:".len(), DeviceString::new());
    let mut not_on_curve = [0; 33];
    (not_on_curve[0], not_on_curve[32]) = (2, 2);
    encode(&not_on_curve, &mut encoded).unwrap();
    for prefix in ["LSC1:ONSW443POIWTO:", "LSC2:ONSW443POIWTO:"] {
        let mut text = DeviceString::new();
        text.push_str(prefix).unwrap();
        text.push_str(&encoded).unwrap();
        if prefix.starts_with("LSC2") {
            text = with_check(text).unwrap();
        }
        assert_eq!(fault_of(&text), Some((key_at, What::Key)));
    }
    assert_eq!(parse_server(&std::format!("LSS1:{encoded}")), Err(Fault { at: 5, what: What::Key }));
    assert_eq!(format_server(&not_on_curve), Err(Error::Key));
    assert_eq!(format_server_v1(&not_on_curve), Err(Error::Key));
}

#[test]
fn the_check_is_there_and_fits() {
    let ([first, device], [_, server], _) = vector();
    let check_at = device.len() - CHECK_CHARACTERS;
    assert_eq!(fault_of(&device[..check_at - 1]), Some((check_at - 1, What::Separator)));
    assert_eq!(fault_of(&device[..check_at]), Some((check_at, What::Length)));
    assert_eq!(fault_of(&device.replacen("22XW", "22xW", 1)), Some((check_at + 2, What::Character)));
    assert_eq!(fault_of(&device.replacen("22XW", "22XX", 1)), Some((check_at, What::Check)));
    // One wrong character of the id, of the key (no point then) and of the prefix.
    assert_eq!(fault_of(&device.replacen("ONSW", "ONSX", 1)), Some((check_at, What::Check)));
    assert_eq!(fault_of(&device.replacen(":AJBQ", ":AVBQ", 1)), Some((check_at, What::Check)));
    assert_eq!(fault_of(&device.replacen("LSC2", "LSC1", 1)).unwrap(), (check_at - 1, What::Character));
    assert_eq!(fault_of(&first.replacen("LSC1", "LSC2", 1)), Some((first.len(), What::Separator)));
    let server_at = server.len() - CHECK_CHARACTERS;
    let fault = Fault { at: server_at, what: What::Check };
    assert_eq!(parse_server(&server.replacen("EDVT", "EDVA", 1)), Err(fault));
    assert_eq!(parse_server(&server.replacen("SS2", "SC2", 1)), Err(Fault { at: 2, what: What::Prefix }));
}

#[test]
fn ids_of_every_length() {
    let key = vector().2.public_key;
    assert_eq!(format_device(&[], &key), Err(Error::Argument));
    assert_eq!(format_device(&[0; 33], &key), Err(Error::Argument));
    for len in 1..=32 {
        let id = std::vec![0xff; len];
        for text in [format_device(&id, &key), format_device_v1(&id, &key)] {
            assert_eq!(&*parse_device(&text.unwrap()).unwrap().id, &id[..]);
        }
    }
    assert_eq!(format_device(&[0; 32], &key).unwrap().len(), DEVICE_STRING_MAX);
}

proptest::proptest! {
    /// A string that is accepted is one of the two strings of what it says.
    #[test]
    fn two_strings_each(text in "LSC1:[A-Z2-7]{0,54}:[A-Z2-7]{51,54}|LS[CS][12]:[A-Z2-7:]{0,110}|.{0,60}") {
        if let Ok(device) = parse_device(&text) {
            let first = format_device_v1(&device.id, &device.public_key).unwrap();
            let second = format_device(&device.id, &device.public_key).unwrap();
            proptest::prop_assert!(text == first.as_str() || text == second.as_str());
        }
        let _ = parse_server(&text);
    }
}

/// Of a string with a check every edit of one character. In version 1 it may be another device's: it is not this one's.
#[test]
fn edits_are_noticed() {
    let ([first, with_check], _, expected) = vector();
    for (device, step) in [(&first, 7), (&with_check, 1)] {
        for place in 0..device.len() {
            for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".chars().step_by(step) {
                let mut edited = device.clone();
                edited.replace_range(place..=place, &std::string::String::from(character));
                if let Ok(parsed) = parse_device(&edited) {
                    let same = *parsed.id == *expected.id && parsed.public_key == expected.public_key;
                    assert_eq!(same, edited == *device);
                    assert!(same || *device == first, "{edited}");
                }
            }
        }
    }
}
