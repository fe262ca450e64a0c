//! The server's benchmark in its quick form measures every row, with every session and request answered. What the
//! figures are is not looked at.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lscoap_testkit::gateway;
use lscoap_testkit::process::run;
use lscoap_testkit::programs;
use lscoap_testkit::speed::curves::WHAT;
use lscoap_testkit::speed::memory;
use lscoap_testkit::speed::peers;
use lscoap_testkit::speed::proxied::Backend;
use lscoap_testkit::speed::rows::{Host, Row};

const LONG: Duration = Duration::from_secs(500);

#[test]
fn quick_run_measures_everything() {
    let temp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = programs::directory(&temp.join("programs-for-bench-server")).unwrap();
    let out = temp.join("bench-server");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench_server"));
    command.arg("--quick").arg("--programs").arg(&programs).arg("--out").arg(&out);
    let finished = run(&mut command, LONG).unwrap();
    assert_eq!(finished.code, Some(0), "{finished:?}");

    let report = fs::read_to_string(out.join("server-speed.md")).unwrap();
    let sections: Vec<&str> = report.split("\n## ").collect();
    let rows = |section: &str, name: &str| {
        let row = format!("| {name} |");
        let section = sections.iter().find(|text| text.starts_with(section)).unwrap();
        section.lines().filter(|line| line.starts_with(&row)).count()
    };
    // What is not built cannot be measured; make test builds it.
    let has_gateway = programs.join(gateway::NAME).exists();
    let there = |row: &Row| has_gateway || row.host == Host::Libcoap;
    for row in Row::ALL.into_iter().filter(there) {
        let of_that_name = Row::ALL.iter().filter(|other| other.name() == row.name()).count();
        assert_eq!(rows("One core", row.name()), of_that_name, "{}", row.name());
    }
    for row in peers::ROWS.into_iter().filter(there) {
        assert_eq!(rows("Many peers", row.name()), 1, "{}", row.name());
    }
    assert_eq!(rows("A server behind the gateway", Backend::Libcoap.name()), usize::from(has_gateway));
    for row in memory::ROWS.into_iter().filter(there) {
        assert_eq!(rows("Memory", row.name()), 1, "{}", row.name());
    }
    for slots in ["10", "100", "1,000"] {
        assert_eq!(rows("The table", slots), 1);
    }
    for what in WHAT {
        assert_eq!(rows("P-256", what), 1);
    }
    for way in ["signed", "signed, with retry cookies", "express", "resume"] {
        assert_eq!(rows("A rejoin storm", way), 1);
    }
    assert!(report.contains("asked for a retry cookie: 0."), "the server had room");
    assert!(!has_gateway || !report.contains("| not measured |"), "{report}");
    assert!(!report.contains("NaN") && !report.contains("| inf"), "{report}");
    assert!(!report.contains(temp.to_str().unwrap()), "no paths of this machine");
}
