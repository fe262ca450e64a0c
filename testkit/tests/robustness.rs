//! Little of everything that `make robustness` does. Times are not looked at.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lscoap_testkit::gateway;
use lscoap_testkit::process::run;
use lscoap_testkit::programs::directory;

#[test]
fn a_quick_run_writes_the_document() {
    let programs = directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("robustness-programs")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_robustness"));
    command.args(["measure", "--quick", "--programs"]).arg(&programs).arg("--out").arg(out.path());
    // It fails by itself where anything was carried out twice.
    let finished = run(&mut command, Duration::from_secs(600)).unwrap();
    assert_eq!(finished.code, Some(0), "{finished:?}");

    let text = fs::read_to_string(out.path().join("robustness.md")).unwrap();
    for way in ["signed", "express", "resume"] {
        let row = text.lines().find(|line| line.starts_with(&format!("| {way} | 5 %"))).expect(&text);
        // Each lost datagram is sent again; what fails at 5 % loss is one in millions.
        assert!(row.contains("| 50 of 50 | 50 of 50 | nothing |"), "{row}");
    }
    for flood in ["garbage", "M1 with", "X1 with", "R1 ", "RETRIED with", "replays", "alerts"] {
        let rows = text.lines().filter(|line| line.starts_with(&format!("| {flood}"))).count();
        // What is not built cannot be flooded; make test builds it.
        assert_eq!(rows, if programs.join(gateway::NAME).exists() { 3 } else { 2 }, "{flood}: {text}");
    }
    assert!(text.contains("made 2000 sealed GETs at one server, which opened 2000 records"), "{text}");
    assert!(
        text.contains("320 resumptions and 40 full handshakes (the first of each device), 40 sessions"),
        "{text}"
    );
    assert!(!text.contains("valgrind") || text.contains("no error and no leak"), "{text}");

    // The floods alone, over those that are there.
    let again = run(command.arg("--floods"), Duration::from_secs(600)).unwrap();
    assert_eq!(again.code, Some(0), "{again:?}");
    let anew = fs::read_to_string(out.path().join("robustness.md")).unwrap();
    let others = |text: &str| {
        let (before, rest) = text.split_once("\n## Floods\n").unwrap();
        let (floods, after) = rest.split_once("\n## Long runs\n").unwrap();
        (before.to_owned(), floods.lines().count(), after.to_owned())
    };
    assert_eq!(others(&anew), others(&text));
}
