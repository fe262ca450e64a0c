//! `lscoap keygen`.

use crate::support::Dir;
use std::os::unix::fs::{MetadataExt, chown, symlink};

/// Whether a text is what a key file holds.
fn is_key_file(text: &str) -> bool {
    let digits = text.strip_suffix('\n').unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[test]
fn a_device_key() {
    let dir = Dir::new();
    let public = dir.run(&["keygen", "device.key"]).ok();
    assert!(is_key_file(&dir.read("device.key")));
    assert_eq!(dir.mode("device.key"), 0o600);
    assert_eq!(dir.names(), ["device.key"], "nothing else is left");
    let public = public.trim_end();
    assert!(public.len() == 66 && (public.starts_with("02") || public.starts_with("03")));
    let by_file = dir.run(&["enroll", "device.key", "--id", "a"]).ok();
    assert_eq!(dir.run(&["enroll", "--public-key", public, "--id", "a"]).ok(), by_file);
}

#[test]
fn a_server_key() {
    let dir = Dir::new();
    let string = dir.run(&["keygen", "--server", "server.key"]).ok();
    assert!(lscoap::enrolment::parse_server(string.trim_end()).is_ok());
    assert_eq!(dir.run(&["enroll", "--server", "server.key"]).ok(), string);
}

#[test]
fn keys_differ_and_are_not_printed() {
    let dir = Dir::new();
    let printed = dir.run(&["keygen", "a.key"]).ok() + &dir.run(&["keygen", "--server", "b.key"]).ok();
    let (a, b) = (dir.read("a.key"), dir.read("b.key"));
    assert_ne!(a, b);
    assert!(!printed.contains(a.trim_end()) && !printed.contains(b.trim_end()));
}

#[test]
fn nothing_is_overwritten_without_force() {
    let dir = Dir::new();
    dir.write("device.key", "old\n");
    dir.set_mode("device.key", 0o644);
    let said = dir.run(&["keygen", "device.key"]).failed();
    assert_eq!(said, "device.key: exists already, and is overwritten only with --force\n");
    assert_eq!(dir.read("device.key"), "old\n");
    dir.run(&["keygen", "--force", "device.key"]).ok();
    assert!(is_key_file(&dir.read("device.key")));
    assert_eq!(dir.mode("device.key"), 0o600, "not that of the old file");
    assert_eq!(dir.names(), ["device.key"]);
}

#[test]
fn a_link_is_no_way_to_another_file() {
    let dir = Dir::new();
    dir.write("other", "old\n");
    symlink("other", dir.path("device.key")).unwrap();
    dir.run(&["keygen", "device.key"]).failed();
    let said = dir.run(&["keygen", "--force", "device.key"]).failed();
    assert!(said.contains("is not a regular file"));
    symlink("nowhere", dir.path("dangling.key")).unwrap();
    dir.run(&["keygen", "dangling.key"]).failed();
    assert_eq!(dir.read("other"), "old\n");
}

#[test]
fn a_failing_write_leaves_the_old_key_and_nothing_new() {
    let dir = Dir::new();
    dir.run_on_full_disk(&["keygen", "device.key"]).failed();
    assert!(dir.names().is_empty());
    dir.write("device.key", "old\n");
    dir.run_on_full_disk(&["keygen", "--force", "device.key"]).failed();
    assert_eq!(dir.read("device.key"), "old\n");
    assert_eq!(dir.names(), ["device.key"]);
}

#[test]
fn a_missing_directory_is_named() {
    let said = Dir::new().run(&["keygen", "none/device.key"]).failed();
    assert!(said.starts_with("none/device.key: "), "{said}");
}

#[test]
fn what_is_no_key_file_is_refused_and_not_shown() {
    let dir = Dir::new();
    let good = "1".repeat(64);
    let cases = [
        (String::new(), "64 hexadecimal digits are expected"),
        (format!("{good}1"), "64 hexadecimal digits are expected"),
        (good[1..].to_owned(), "64 hexadecimal digits are expected"),
        (format!("{}x", &good[1..]), "64 hexadecimal digits are expected"),
        (format!("{good}\n{good}\n"), "64 hexadecimal digits are expected"),
        (format!("{good}\n\n"), "64 hexadecimal digits are expected"),
        (format!(" {good}\n"), "64 hexadecimal digits are expected"),
        ("0".repeat(64), "out of range"),
        ("f".repeat(64), "out of range"),
    ];
    for (text, complaint) in cases {
        dir.write("device.key", &text);
        dir.set_mode("device.key", 0o600);
        let said = dir.run(&["enroll", "device.key", "--id", "a"]).failed();
        assert!(said.starts_with("device.key: ") && said.contains(complaint), "{said}");
        assert!(!said.contains("1111") && !said.contains("0000") && !said.contains("ffff"));
    }
    for text in [good.clone(), format!("{good}\n"), format!("{good}\r\n")] {
        dir.write("device.key", &text);
        dir.run(&["enroll", "device.key", "--id", "a"]).ok();
    }
    let said = dir.run(&["enroll", "none.key", "--id", "a"]).failed();
    assert!(said.starts_with("none.key: "), "{said}");
}

#[test]
fn who_may_read_a_key_file() {
    let dir = Dir::with_keys();
    let path = dir.path("device.key");
    let read = || dir.run(&["enroll", "device.key", "--id", "a"]);
    for mode in [0o644, 0o604, 0o602, 0o660, 0o620] {
        dir.set_mode("device.key", mode);
        let said = read().failed();
        assert_eq!(
            said,
            format!("device.key: open to others (mode {mode:04o}): chmod 600, or make a new key\n")
        );
    }
    dir.set_mode("device.key", 0o440);
    let roots = std::fs::metadata(&path).unwrap().uid() == 0;
    if roots {
        read().ok(); // as a container gets its secrets
        chown(&path, Some(12345), None).unwrap();
    }
    let ended = read();
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.err, "lscoap: warning: device.key: not only its owner can use it (mode 0440)\n");
    dir.set_mode("device.key", 0o400);
    std::fs::rename(&path, dir.path("real.key")).unwrap();
    symlink("real.key", &path).unwrap();
    read().ok();
}
