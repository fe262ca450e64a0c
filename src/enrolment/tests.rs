//! Enrolment strings: the vectors, and every way of getting one wrong.

use super::*;
use crate::vectors;
use std::string::String;

fn vector() -> (String, String, Device) {
    let (e, i) = (vectors::all().get("enrolment"), vectors::all().get("identity"));
    let id = DeviceId::copy_of(&i.bytes("device_id"), Error::Argument).unwrap();
    (e.text("device"), e.text("server"), Device { id, public_key: i.array("pk_C") })
}

#[test]
fn vectors_both_ways() {
    let (device, server, expected) = vector();
    assert_eq!(format_device(&expected.id, &expected.public_key).unwrap(), *device);
    let parsed = parse_device(&device).unwrap();
    assert_eq!((&*parsed.id, parsed.public_key), (&*expected.id, expected.public_key));
    let pk_s = vectors::all().get("identity").array("pk_S");
    assert_eq!(format_server(&pk_s).unwrap(), *server);
    assert_eq!(parse_server(&server), Ok(pk_s));
    assert_eq!(public_key(&vectors::all().get("identity").array("sk_S")), Ok(pk_s));
}

#[test]
fn faults_are_found_where_they_are() {
    let (device, server, _) = vector();
    let at = |text: &str| parse_device(text).err().map(|fault| (fault.at, fault.what));
    let key_at = "LSC1:ONSW443POIWTO:".len();
    assert_eq!(at(""), Some((0, What::Prefix)));
    assert_eq!(at("LSC2:"), Some((3, What::Prefix)));
    assert_eq!(at(&server), Some((2, What::Prefix)));
    assert_eq!(at(&device.to_lowercase()), Some((0, What::Prefix)));
    assert_eq!(at("LSC1:ONSW443POIWTO"), Some((18, What::Separator)));
    assert_eq!(at(&device.replacen("ONSW", "ON0W", 1)), Some((7, What::Character)));
    assert_eq!(at(&device.replacen("ONSW", "ONsW", 1)), Some((7, What::Character)));
    assert_eq!(at(&device.replacen("ONSW443POIWTO", "", 1)), Some((5, What::Length)));
    // 33 bytes of id: the 53rd character is where the 33rd byte would be complete.
    assert_eq!(at(&device.replacen("ONSW443POIWTO", &"A".repeat(53), 1)), Some((5 + 52, What::Length)));
    assert_eq!(at(&std::format!("{device}A")).unwrap().1, What::Length);
    assert_eq!(at(&device[..device.len() - 1]).unwrap().1, What::Length);
    assert_eq!(at(&std::format!("{device}=")).unwrap().1, What::Character);
    assert_eq!(at(&std::format!("{device} ")).unwrap().1, What::Character);
    assert_eq!(at(&std::format!("{device}:")).unwrap().1, What::Character);
    // 33 bytes are 264 bits in 53 characters: one spare bit.
    let last = device.len() - 1;
    assert_eq!(at(&std::format!("{}3", &device[..last])), Some((last, What::SpareBits)));
    // A key that is not a point: 02 and an x that is not on the curve.
    let mut out = DeviceString::new();
    let mut not_on_curve = [0; 33];
    (not_on_curve[0], not_on_curve[32]) = (2, 2);
    encode(&not_on_curve, &mut out).unwrap();
    assert_eq!(at(&std::format!("{}{out}", &device[..key_at])), Some((key_at, What::Key)));
    assert_eq!(parse_server(&std::format!("LSS1:{out}")), Err(Fault { at: 5, what: What::Key }));
    assert_eq!(format_server(&not_on_curve), Err(Error::Key));
}

#[test]
fn ids_of_every_length() {
    let key = vector().2.public_key;
    assert_eq!(format_device(&[], &key), Err(Error::Argument));
    assert_eq!(format_device(&[0; 33], &key), Err(Error::Argument));
    for len in 1..=32 {
        let id = std::vec![0xff; len];
        let text = format_device(&id, &key).unwrap();
        assert_eq!(&*parse_device(&text).unwrap().id, &id[..]);
    }
    assert_eq!(format_device(&[0; 32], &key).unwrap().len(), DEVICE_STRING_MAX);
}

proptest::proptest! {
    /// A string that is accepted is the one string of what it says.
    #[test]
    fn one_string_each(text in "LSC1:[A-Z2-7]{0,54}:[A-Z2-7]{51,54}|LS[CS]1:[A-Z2-7:]{0,110}|.{0,60}") {
        if let Ok(device) = parse_device(&text) {
            let again = format_device(&device.id, &device.public_key).unwrap();
            proptest::prop_assert_eq!(again.as_str(), text.as_str());
        }
        let _ = parse_server(&text);
    }

    #[test]
    fn edits_are_noticed(place in 0_usize..72, character in "[A-Z2-7]") {
        let (device, _, expected) = vector();
        let mut edited = device.clone();
        let place = place % device.len();
        edited.replace_range(place..=place, &character);
        if let Ok(parsed) = parse_device(&edited) {
            let same = *parsed.id == *expected.id && parsed.public_key == expected.public_key;
            proptest::prop_assert_eq!(same, edited == device);
        }
    }
}
