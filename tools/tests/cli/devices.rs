//! `lscoap devices`.

use crate::support::{Dir, LSCOAP, string, vector};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::process::Stdio;

/// A list with everything that must stay.
fn list() -> String {
    format!("# greenhouse\n\n{}\n   # cellar\n{}\n", string(b"a", 1), string(b"b", 2))
}

/// Runs `lscoap devices ... --file devices.txt`.
fn devices<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["devices"], args, &["--file", "devices.txt"]].concat()
}

#[test]
fn from_nothing_to_an_empty_list() {
    let dir = Dir::new();
    let sensor = vector(&["enrolment", "device"]);
    assert_eq!(dir.run(&devices(&["add", &sensor])).ok(), "added sensor-7\n");
    assert_eq!(dir.read("devices.txt"), format!("{sensor}\n"));
    let listed = format!("sensor-7  {}\n", vector(&["identity", "pk_C"]));
    assert_eq!(dir.run(&devices(&["list"])).ok(), listed);
    assert_eq!(dir.run(&devices(&["remove", "--id", "sensor-7"])).ok(), "removed sensor-7\n");
    assert_eq!(dir.read("devices.txt"), "");
    assert_eq!(dir.run(&devices(&["list"])).ok(), "");
    assert_eq!(dir.names(), ["devices.txt"]);
}

#[test]
fn comments_order_and_mode_stay() {
    let dir = Dir::new();
    dir.write("devices.txt", &list());
    dir.set_mode("devices.txt", 0o640);
    dir.run(&devices(&["add", &string(b"c", 3), &string(b"d", 4)])).ok();
    assert_eq!(dir.read("devices.txt"), format!("{}{}\n{}\n", list(), string(b"c", 3), string(b"d", 4)));
    dir.run(&devices(&["add", "--replace", &string(b"a", 9)])).ok();
    dir.run(&devices(&["remove", "--id-hex", "62"])).ok();
    let wanted = format!(
        "# greenhouse\n\n{}\n   # cellar\n{}\n{}\n",
        string(b"a", 9),
        string(b"c", 3),
        string(b"d", 4)
    );
    assert_eq!(dir.read("devices.txt"), wanted);
    assert_eq!(dir.mode("devices.txt"), 0o640);
    assert_eq!(dir.names(), ["devices.txt"]);
}

#[test]
fn the_owner_stays() {
    let dir = Dir::new();
    dir.write("devices.txt", &list());
    let path = dir.path("devices.txt");
    if chown(&path, Some(12345), Some(54321)).is_err() {
        eprintln!("not run: only root can give files away");
        return;
    }
    dir.run(&devices(&["remove", "--id", "a"])).ok();
    let about = fs::metadata(&path).unwrap();
    assert_eq!((about.uid(), about.gid()), (12345, 54321));
}

#[test]
fn a_link_stays_a_link() {
    let dir = Dir::new();
    dir.write("real.txt", &list());
    symlink("real.txt", dir.path("devices.txt")).unwrap();
    dir.run(&devices(&["remove", "--id", "a"])).ok();
    assert!(fs::symlink_metadata(dir.path("devices.txt")).unwrap().is_symlink());
    assert!(!dir.read("real.txt").contains(&string(b"a", 1)));
}

#[test]
fn a_known_device() {
    let dir = Dir::new();
    dir.write("devices.txt", &list());
    let inode = fs::metadata(dir.path("devices.txt")).unwrap().ino();
    assert_eq!(dir.run(&devices(&["add", &string(b"a", 1)])).ok(), "a is in the list already\n");
    let said = dir.run(&devices(&["add", &string(b"c", 3), &string(b"a", 9)])).failed();
    let at = said.find("devices.txt: ").unwrap();
    assert_eq!(&said[at..], "devices.txt: line 3: a has another key there; --replace gives it the new one\n");
    assert_eq!(dir.read("devices.txt"), list(), "neither was added");
    assert_eq!(fs::metadata(dir.path("devices.txt")).unwrap().ino(), inode, "nothing was written");
    let said = dir.run(&devices(&["add", "--replace", &string(b"a", 9)])).ok();
    assert_eq!(said, "replaced the key of a\n");
}

#[test]
fn the_same_new_device_twice() {
    let dir = Dir::new();
    let said = dir.run(&devices(&["add", &string(b"a", 1), &string(b"a", 1)])).ok();
    assert_eq!(said, "added a\na is in the list already\n");
    dir.run(&devices(&["add", &string(b"c", 1), &string(b"c", 2)])).failed();
    assert_eq!(dir.read("devices.txt"), format!("{}\n", string(b"a", 1)));
}

#[test]
fn bad_strings_are_marked() {
    let dir = Dir::new();
    let good = vector(&["enrolment", "device"]);
    let checked = vector(&["enrolment", "device with check"]);
    let server = vector(&["enrolment", "server"]);
    let checked_server = vector(&["enrolment", "server with check"]);
    let check = "the check does not fit: a character of the string is wrong";
    let base32 = "not a BASE32 character (A-Z, 2-7)";
    let cases = [
        (String::new(), 0, "wrong prefix"),
        ("LSC3:".to_owned() + &good[5..], 3, "wrong prefix"),
        (good.to_lowercase(), 0, "wrong prefix: it must be in upper case"),
        (server, 2, "wrong prefix: this is the string of a server"),
        (checked_server, 2, "wrong prefix: this is the string of a server"),
        (checked.to_lowercase(), 0, "wrong prefix: it must be in upper case"),
        (checked[..72].to_owned(), 72, "a ':' and what follows it are missing"),
        (checked.replace("ONSW", "ONSX"), 73, check),
        (checked.replace(":22XW", ":22XX"), 73, check),
        (checked.replace(":22XW", ":22XWW"), 77, "wrong length"),
        (good.replace("443", "441"), 11, base32),
        (good.replace("ONSW", "ONSé"), 8, base32),
        (format!(" {good}"), 0, "wrong prefix"),
        (format!("{good}="), good.len(), base32),
        (good.replace("TO:", "TO"), good.len() - 1, "a ':' and what follows it are missing"),
        (good.replace("ONSW443POIWTO", ""), 5, "wrong length"),
        (good.replace("ONSW443POIWTO", &"A".repeat(60)), 57, "wrong length"),
        (good.replace("POIWTO", "POIWTP"), 17, "spare bits of the last character are not zero"),
        (good[..good.len() - 1].to_owned(), good.len() - 1, "wrong length"),
        (good.replace(":AJBQ", ":AVBQ"), 19, "the key is not a point of P-256"),
    ];
    for (text, at, what) in cases {
        let said = dir.run(&devices(&["add", &text])).failed();
        let (first, shown) = said.split_once('\n').unwrap();
        assert_eq!(first, format!("character {}: {what}", at + 1));
        let mark = shown.lines().nth(1).unwrap();
        assert_eq!(mark.len(), 2 + at + 1, "{said}");
    }
    assert!(dir.names().is_empty(), "no list is made of bad strings");
    let said = dir.run(&devices(&["add", &good, "x"])).failed();
    assert!(said.starts_with("character 1: wrong prefix\n"));
    assert!(dir.names().is_empty(), "nor of the good one beside a bad one");
}

#[test]
fn bad_lists_are_left_alone_and_marked() {
    let dir = Dir::new();
    let bad = format!("{}  LSC1:A1:\n", list());
    dir.write("devices.txt", &bad);
    let add = string(b"c", 3);
    for args in [&["add", add.as_str()][..], &["list"], &["remove", "--id", "a"]] {
        let said = dir.run(&devices(args)).failed();
        let wanted = "devices.txt: line 6, character 9: not a BASE32 character (A-Z, 2-7)\n    \
                      LSC1:A1:\n          ^\n";
        assert_eq!(said, wanted);
    }
    assert_eq!(dir.read("devices.txt"), bad);
}

#[test]
fn a_device_named_twice_can_only_be_removed() {
    let dir = Dir::new();
    dir.write("devices.txt", &format!("{}{}\n", list(), string(b"a", 3)));
    for args in [&["add", &string(b"c", 3)][..], &["list"]] {
        assert!(
            dir.run(&devices(args))
                .failed()
                .ends_with("devices.txt: line 6: the same device id as on line 3\n")
        );
    }
    dir.run(&devices(&["remove", "--id", "a"])).ok();
    assert_eq!(dir.run(&devices(&["list"])).ok().lines().count(), 1);
}

#[test]
fn ids_are_listed_so_that_they_do_no_harm() {
    let dir = Dir::new();
    dir.run(&devices(&["add", &string(b"\x1b[2J \\", 1), &string(&[0xff; 2], 2)])).ok();
    let out = dir.run(&devices(&["list"])).ok();
    let ids: Vec<_> = out.lines().map(|line| line.split_once("  ").unwrap().0.to_owned()).collect();
    assert_eq!(ids, ["\\x1b[2J\\x20\\\\", "\\xff\\xff"]);
    let out = dir.run(&devices(&["list", "--hex"])).ok();
    assert!(out.starts_with("1b5b324a205c  ") && out.contains("\nffff          "), "{out}");
    assert_eq!(dir.run(&devices(&["remove", "--id-hex", "ffff"])).ok(), "removed \\xff\\xff\n");
}

#[test]
fn strings_from_standard_input() {
    let dir = Dir::new();
    let input = format!("# two devices\n{}\r\n\n{}", string(b"a", 1), string(b"b", 2));
    let out = dir.run_with_input(&devices(&["add", "-"]), input.as_bytes()).ok();
    assert_eq!(out, "added a\nadded b\n");
    assert_eq!(dir.read("devices.txt"), format!("{}\n{}\n", string(b"a", 1), string(b"b", 2)));
    let said = dir.run_with_input(&devices(&["add", "-"]), b"\nLSC1:A").failed();
    assert_eq!(
        said,
        "standard input: line 2, character 7: a ':' and what follows it are missing\n  LSC1:A\n        ^\n"
    );
}

#[test]
fn a_string_of_either_version_is_the_same_device() {
    let dir = Dir::new();
    let (first, second) = (vector(&["enrolment", "device"]), vector(&["enrolment", "device with check"]));
    for (one, other) in [(&first, &second), (&second, &first)] {
        dir.write("devices.txt", "");
        assert_eq!(dir.run(&devices(&["add", one])).ok(), "added sensor-7\n");
        assert_eq!(dir.run(&devices(&["add", other])).ok(), "sensor-7 is in the list already\n");
        assert_eq!(dir.read("devices.txt"), format!("{one}\n"));
    }
}

#[test]
fn a_lock_that_somebody_keeps_is_not_waited_for_for_ever() {
    let dir = Dir::new();
    dir.write("devices.txt", &list());
    let lock = fs::File::open(dir.path(".")).unwrap();
    lock.lock().unwrap();
    let adder = dir.command(LSCOAP).args(devices(&["add", &string(b"c", 3)])).stderr(Stdio::piped()).spawn();
    let said = dir.run(&devices(&["remove", "--id", "a"])).failed();
    assert_eq!(said, ".: another process has kept its lock for 10 seconds; nothing was changed\n");
    assert!(!adder.unwrap().wait().unwrap().success());
    assert_eq!(dir.read("devices.txt"), list());
    drop(lock);
    dir.run(&devices(&["remove", "--id", "a"])).ok();
}

#[test]
fn what_is_not_there_cannot_be_removed_or_listed() {
    let dir = Dir::new();
    assert!(dir.run(&devices(&["list"])).failed().starts_with("devices.txt: "));
    assert!(dir.run(&devices(&["remove", "--id", "a"])).failed().starts_with("devices.txt: "));
    dir.write("devices.txt", &list());
    assert!(dir.run(&devices(&["remove", "--id", "z"])).failed().ends_with(": no device z in the list\n"));
    fs::create_dir(dir.path("dir.txt")).unwrap();
    let said = dir.run(&["devices", "add", &string(b"a", 1), "--file", "dir.txt"]).failed();
    assert!(said.contains("is not a regular file"), "{said}");
}

#[test]
fn a_failing_write_leaves_the_old_list() {
    let dir = Dir::new();
    dir.run_on_full_disk(&devices(&["add", &string(b"a", 1)])).failed();
    assert!(dir.names().is_empty());
    dir.write("devices.txt", &list());
    for args in [&["add", &string(b"c", 3)][..], &["remove", "--id", "a"]] {
        let said = dir.run_on_full_disk(&devices(args)).failed();
        assert!(said.ends_with("; nothing was changed\n"), "{said}");
        assert_eq!(dir.read("devices.txt"), list());
        assert_eq!(dir.names(), ["devices.txt"]);
    }
}

#[test]
fn many_at_once_lose_nothing_and_readers_see_whole_lists() {
    let dir = Dir::new();
    dir.write("devices.txt", "# begun\n");
    let mut children: Vec<_> = (1_u8..=24)
        .map(|n| {
            let mut command = dir.command(LSCOAP);
            command.args(devices(&["add", &string(&[b'a' + n], n)]));
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        let text = dir.read("devices.txt");
        assert!(text.starts_with("# begun\n") && text.ends_with('\n'));
        assert!(text.lines().skip(1).all(|line| lscoap::enrolment::parse_device(line).is_ok()), "{text}");
    }
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(dir.run(&devices(&["list"])).ok().lines().count(), 24);
    assert_eq!(dir.names(), ["devices.txt"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_added_is_listed_until_it_is_removed(
        added in proptest::collection::hash_map(vec(any::<u8>(), 1..=32), 1_u8..255, 1..6),
        kept in any::<u8>(),
    ) {
        let dir = Dir::new();
        let strings: Vec<_> = added.iter().map(|(id, secret)| string(id, *secret)).collect();
        let strings: Vec<_> = strings.iter().map(String::as_str).collect();
        dir.run(&devices(&[&["add"][..], &strings].concat())).ok();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut wanted: HashMap<_, _> = added
            .iter()
            .map(|(id, secret)| (hex(id), hex(&lscoap::enrolment::public_key(&[*secret; 32]).unwrap())))
            .collect();
        for (place, id) in added.keys().enumerate() {
            if kept >> place & 1 == 0 {
                dir.run(&devices(&["remove", "--id-hex", &hex(id)])).ok();
                wanted.remove(&hex(id));
            }
        }
        let listed = dir.run(&devices(&["list", "--hex"])).ok();
        let listed: HashMap<_, _> = listed
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(id, key)| (id.to_owned(), key.trim_start().to_owned()))
            .collect();
        prop_assert_eq!(listed, wanted);
    }
}
