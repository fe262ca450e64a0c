//! Replays the fuzzing corpus: what once found a new path still ends well.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::targets;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("an entry").path();
        run(&std::fs::read(&path).expect("a file"));
        count += 1;
    }
    assert!(count > 0, "no corpus in {}", folder.display());
}

#[test]
fn client_step() {
    replay("client_step", targets::client_step);
}

#[test]
fn device_receive() {
    replay("device_receive", fuzz::device::device_receive);
}

#[test]
fn server_step() {
    replay("server_step", targets::server_step);
}

#[test]
fn open() {
    replay("open", targets::open);
}

#[test]
fn messages() {
    replay("messages", fuzz::messages::messages);
}

#[test]
fn resume() {
    replay("resume", targets::resume);
}

#[test]
fn stored() {
    replay("stored", targets::stored);
}

#[test]
fn group_objects() {
    replay("group_objects", fuzz::group::group_objects);
}

#[test]
fn group_messages() {
    replay("group_messages", fuzz::group::group_messages);
}

#[test]
fn group_membership() {
    replay("group_membership", fuzz::group::group_membership);
}
