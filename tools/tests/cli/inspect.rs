//! `lscoap inspect`. That every field is the library's own is a unit test.

use crate::support::{Dir, vector, vectors};

#[test]
fn a_message_field_by_field() {
    let m1 = vector(&["signed with client cid", "M1"]);
    let out = Dir::new().run(&["inspect", &m1]).ok();
    assert_eq!(
        out,
        "M1, 45 bytes: a device opens a signed handshake\n\
         \n\
         offset  length  field      value\n     \
         0       1  type       11  (version 1, M1)\n     \
         1       1  L          67  (cid_C has length 3, device id 8)\n     \
         2       3  cid_C      aabbcc\n     \
         5       8  device id  73656e736f722d37  (sensor-7)\n    \
         13      32  X(E_C)     cadba974510584bae0fe67d212b3fe752a3276088233c7a8c7c7111afe1481af  (on the curve)\n"
    );
}

#[test]
fn every_message_of_the_examples() {
    let dir = Dir::new();
    let messages = [
        ("signed", "M1", 4),
        ("signed", "M2", 4),
        ("signed", "M3", 5),
        ("signed", "M4", 3),
        ("express", "X1", 4),
        ("express with client cid", "X2", 4),
        ("resume", "R1", 5),
        ("resume", "R2", 4),
        ("retry", "RETRY", 2),
        ("retry", "RETRIED", 6),
    ];
    for (profile, name, fields) in messages {
        let out = dir.run(&["inspect", &vector(&[profile, name])]).ok();
        assert!(out.starts_with(name), "{out}");
        let rows = out.lines().skip(3).filter(|line| !line.starts_with("          "));
        assert_eq!(rows.count(), fields, "{out}");
    }
}

#[test]
fn sealed_objects() {
    let dir = Dir::new();
    let sealed = &vectors()["signed with client cid"]["session"]["sealed"][2];
    let object = |name: &str| sealed[name].as_str().unwrap().to_owned();
    let request = object("request_object");
    let out = dir.run(&["inspect", "--kid-len", "2", &request]).ok();
    for row in [
        "     0       1  flags       0a  (Partial IV of length 2, a kid)\n",
        "     1       2  Partial IV  012c  (sequence number 300)\n",
        "     3       2  kid         0102\n",
        "     5       6  ciphertext  d48163e35a27\n",
        "    11       8  tag         59b4f45ac42c8a3e\n",
    ] {
        assert!(out.contains(row), "{out}");
    }
    let out = dir.run(&["inspect", &request]).ok();
    assert!(out.contains("  kid, ciphertext  0102d48163e35a27  (--kid-len tells the two apart)\n"), "{out}");
    let out = dir.run(&["inspect", &object("response_object")]).ok();
    assert!(out.starts_with("sealed response, 24 bytes: it uses the number of its request\n"), "{out}");
    let out = dir.run(&["inspect", &object("notification_object")]).ok();
    assert!(out.contains("0131  (sequence number 305)\n"), "{out}");
}

#[test]
fn the_malformed_examples_and_why() {
    let dir = Dir::new();
    let reasons = [
        ("M1 one byte short", "at offset 10: X(E_C) takes 32 bytes, 31 are left"),
        ("M1 one byte long", "at offset 42: one byte too many"),
        ("M1 version 2", "at offset 0: version 2, where only 1 is known"),
        ("M1 x not on the curve", "at offset 10: X(E_C) is not on the curve"),
        ("M1 x not reduced", "at offset 10: X(E_C) is not below the field's prime"),
        ("M2 reserved bit", "at offset 1: the low five bits of L must be zero"),
        ("M2 no cid", "at offset 1: cid_S must not be empty"),
    ];
    assert_eq!(vectors()["malformed"].as_object().unwrap().len(), reasons.len());
    for (name, reason) in reasons {
        let ended = dir.run(&["inspect", &vector(&["malformed", name])]);
        assert_eq!((ended.status, ended.err), (Some(1), format!("lscoap: malformed: {reason}\n")));
        assert!(ended.out.contains("\noffset  length  field"), "what could be read is shown");
    }
    for (hex, reason) in [
        ("", "there are no bytes"),
        ("1b", "at offset 0: there is no message of type 11"),
        ("1f06", "at offset 1: there is no alert 6"),
        ("0801000000000000000000", "at offset 0: a request must have a Partial IV"),
        ("0e01", "at offset 0: a Partial IV has at most 5 bytes, not 6"),
        ("0a0005010000000000000000", "at offset 1: the Partial IV is not in its shortest form"),
        ("0205", "at offset 1: Partial IV takes 2 bytes, 1 are left"),
        ("0001", "at offset 1: at least 8 bytes must follow, not 1"),
        ("1a000000000000000000000000000000001f01", "at offset 17: an M1, X1 or R1 must follow"),
    ] {
        let ended = dir.run(&["inspect", hex]);
        assert_eq!((ended.status, ended.err), (Some(1), format!("lscoap: malformed: {reason}\n")));
    }
}

#[test]
fn digits_come_in_many_ways() {
    let dir = Dir::new();
    let wanted = dir.run(&["inspect", "1f01"]).ok();
    assert!(wanted.contains("(unknown device)"));
    for args in [&["1F:01"][..], &["1f 01"], &["1f", "01"], &["1", "f0", "1"], &[" 1f01\n"]] {
        assert_eq!(dir.run(&[&["inspect"], args].concat()).ok(), wanted);
    }
    assert_eq!(dir.run_with_input(&["inspect", "-"], b"1f\n01\n").ok(), wanted);
}

#[test]
fn what_is_no_digit_is_marked() {
    let dir = Dir::new();
    assert_eq!(
        dir.run(&["inspect", "1f 0x"]).failed(),
        "character 5: not a hexadecimal digit\n  1f 0x\n      ^\n"
    );
    assert_eq!(
        dir.run(&["inspect", "1f0"]).failed(),
        "character 4: a digit is missing: their number is odd\n  1f0\n     ^\n"
    );
    let said = dir.run(&["inspect", "\u{1b}[2J"]).failed();
    assert_eq!(said, "character 1: not a hexadecimal digit\n  \\x1b[2J\n  ^\n");
    assert!(dir.run_with_input(&["inspect", "-"], &[0xff, 0xfe]).failed().starts_with("standard input: "));
    assert!(dir.run_with_input(&["inspect", "-"], &vec![b'0'; 2 << 20]).failed().contains("too long"));
}

#[test]
fn an_id_cannot_drive_the_terminal() {
    let message = format!("1103{}{}", "1b5b324a", &vector(&["signed", "M1"])[20..]);
    let out = Dir::new().run(&["inspect", &message]).ok();
    assert!(out.contains("1b5b324a  (\\x1b[2J)"), "{out}");
}
