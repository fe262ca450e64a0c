//! Lists of devices in memory.

use super::file::{Added, Device, Devices, parse_string};
use lscoap::enrolment::{format_device, public_key};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;

/// The device of an id with one of 254 keys.
fn device(id: &[u8], key: u8) -> Device {
    let key = public_key(&[key; 32]).unwrap();
    parse_string(format_device(id, &key).unwrap().as_bytes()).unwrap()
}

/// The string of [`device`].
fn string(id: &[u8], key: u8) -> Vec<u8> {
    format_device(id, &public_key(&[key; 32]).unwrap()).unwrap().as_bytes().to_vec()
}

#[test]
fn lines_that_are_no_devices_stay() {
    let text = [b"# first \xff\n\n  ".to_vec(), string(b"a", 1), b"\t\r\n   # last".to_vec()].concat();
    let mut devices = Devices::parse(&text).unwrap();
    assert_eq!(devices.iter().collect::<Vec<_>>(), [&device(b"a", 1)]);
    assert_eq!(devices.to_bytes(), [&text[..], b"\n"].concat());
    assert!(devices.remove(b"a"));
    assert_eq!(devices.to_bytes(), b"# first \xff\n\n   # last\n");
}

#[test]
fn a_comment_after_a_string_goes_with_its_line() {
    let line = |key| [b"\t", &string(b"a", key)[..], b" \t# kitchen\r\n"].concat();
    let mut devices = Devices::parse(&line(1)).unwrap();
    assert_eq!(devices.to_bytes(), line(1));
    assert_eq!(devices.add(device(b"a", 2), true), Ok(Added::Replaced));
    assert_eq!(devices.to_bytes(), line(2));
    assert!(devices.remove(b"a"));
    assert_eq!(devices.to_bytes(), b"");
}

#[test]
fn an_empty_file_is_an_empty_list() {
    for text in [&b""[..], b"\n", b"\n\n", b"#\n"] {
        let devices = Devices::parse(text).unwrap();
        assert_eq!(devices.iter().count(), 0);
        assert_eq!(devices.to_bytes(), text);
    }
}

/// The cases that this program and the C server agree on: a character of a text stands for a byte.
#[test]
fn the_table_of_lists() {
    let table = include_str!("../../../tests/device_lists.json");
    let table: serde_json::Value = serde_json::from_str(table).unwrap();
    for case in table.as_array().unwrap() {
        let text: Vec<u8> =
            case["text"].as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect();
        let found = Devices::parse(&text).map_err(|fault| (fault.line, fault.fault.at + 1, fault.fault.what));
        let found = found.and_then(|devices| match devices.repeated() {
            Some((first, second)) => Err((second, 1, format!("the same device id as on line {first}"))),
            None => Ok(devices.iter().map(|device| device.id.clone()).collect::<Vec<_>>()),
        });
        match found {
            Ok(ids) => {
                let wanted = case["devices"].as_array().unwrap_or_else(|| panic!("{case} is accepted"));
                let wanted: Vec<_> = wanted.iter().map(|id| id.as_str().unwrap().as_bytes()).collect();
                assert_eq!(ids, wanted, "{case}");
            }
            Err((line, column, what)) => {
                assert_eq!(serde_json::json!([line, column]), case["fault"], "{what}: {case}");
                assert!(what.contains(case["says"].as_str().unwrap_or_default()), "{what}: {case}");
            }
        }
    }
}

#[test]
fn a_device_is_its_id_and_its_key() {
    let key = public_key(&[1; 32]).unwrap();
    let first = lscoap::enrolment::format_device_v1(b"a", &key).unwrap();
    let mut devices = Devices::parse(first.as_bytes()).unwrap();
    assert_eq!(devices.add(device(b"a", 1), false), Ok(Added::Known));
    assert_eq!(devices.add(device(b"a", 1), true), Ok(Added::Known));
    assert_eq!(devices.to_bytes(), [first.as_bytes(), b"\n"].concat(), "its line stays");
    assert_eq!(devices.iter().next(), Some(&device(b"a", 1)));
    assert_ne!(devices.iter().next(), Some(&device(b"a", 2)));
}

#[test]
fn a_fault_has_its_place_in_the_line() {
    let text = [&string(b"a", 1)[..], b"\n# x\n  LSC1:O0\n"].concat();
    let fault = Devices::parse(&text).err().unwrap();
    assert_eq!((fault.line, fault.fault.at, &fault.text[..]), (3, 9, &b"  LSC1:O0"[..]));
}

#[test]
fn faults_say_more_where_they_can() {
    let says = |text: &[u8]| parse_string(text).unwrap_err().what;
    let lower = string(b"a", 1).to_ascii_lowercase();
    assert_eq!(says(&lower), "wrong prefix: it must be in upper case");
    let server = lscoap::enrolment::format_server(&public_key(&[1; 32]).unwrap()).unwrap();
    assert_eq!(says(server.as_bytes()), "wrong prefix: this is the string of a server");
    assert_eq!(says(b"LSC1:\xff"), "not ASCII");
    assert_eq!(parse_string(b"LSC1:\xff").unwrap_err().at, 5);
}

/// What a test does to a list.
#[derive(Clone, Debug)]
enum Step {
    Add(u8, u8, bool),
    Remove(u8),
    Comment(String),
}

/// One step on few ids and keys.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..8, 1_u8..4, any::<bool>()).prop_map(|(id, key, replace)| Step::Add(id, key, replace)),
        (0_u8..8).prop_map(Step::Remove),
        "[ -~]{0,20}".prop_map(Step::Comment),
    ]
}

/// An id that depends on `n` in length and in bytes.
fn id(n: u8) -> Vec<u8> {
    vec![n ^ 0x41; usize::from(n) * 4 + 1]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_list_is_a_map_that_keeps_its_comments(steps in vec(step(), 0..24)) {
        let mut text = Vec::new();
        let mut keys = HashMap::new();
        let mut comments = Vec::new();
        for step in steps {
            let mut devices = Devices::parse(&text).unwrap();
            match step {
                Step::Add(n, key, replace) => {
                    let known = keys.get(&n).copied();
                    let done = devices.add(device(&id(n), key), replace);
                    match known {
                        None => assert_eq!(done, Ok(Added::New)),
                        Some(same) if same == key => assert_eq!(done, Ok(Added::Known)),
                        Some(_) if replace => assert_eq!(done, Ok(Added::Replaced)),
                        Some(_) => assert!(done.is_err()),
                    }
                    assert_eq!(devices.changed(), matches!(done, Ok(Added::New | Added::Replaced)));
                    if done.is_ok() {
                        keys.insert(n, key);
                    }
                }
                Step::Remove(n) => assert_eq!(devices.remove(&id(n)), keys.remove(&n).is_some()),
                Step::Comment(comment) => {
                    let comment = format!("# {comment}");
                    let with = [&text[..], comment.as_bytes(), b"\n"].concat();
                    devices = Devices::parse(&with).unwrap();
                    comments.push(comment);
                }
            }
            text = devices.to_bytes();
            assert_eq!(devices.repeated(), None);
        }
        let devices = Devices::parse(&text).unwrap();
        let found: HashMap<_, _> = devices.iter().map(|device| (device.id.clone(), device.key)).collect();
        let wanted = keys.iter().map(|(n, key)| (id(*n), public_key(&[*key; 32]).unwrap())).collect();
        prop_assert_eq!(found, wanted);
        let text = String::from_utf8(text).unwrap();
        let kept: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
        prop_assert_eq!(kept, comments);
    }

    #[test]
    fn any_bytes_are_a_list_or_a_fault(bytes in vec(any::<u8>(), 0..300)) {
        match Devices::parse(&bytes) {
            Ok(devices) => {
                let text = devices.to_bytes();
                prop_assert!(text == bytes || text == [&bytes[..], b"\n"].concat());
            }
            Err(fault) => prop_assert!(fault.fault.at <= fault.text.len()),
        }
    }

    #[test]
    fn any_text_after_the_prefix_is_a_device_or_a_fault(text in "LSC1:[A-Z2-7:é0]{0,120}") {
        if let Err(fault) = parse_string(text.as_bytes()) {
            prop_assert!(fault.at <= text.len());
        }
    }
}
