//! The benchmark in its quick form writes tables and plots of everything that it was asked to compare.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;
use lscoap_testkit::bench::kinds::Kind;
use lscoap_testkit::process::run;
use lscoap_testkit::programs;

const LONG: Duration = Duration::from_secs(500);

fn bench(programs: &Path, out: &Path, more: &[&str]) -> lscoap_testkit::process::Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.arg("--quick").arg("--programs").arg(programs).arg("--out").arg(out).args(more);
    run(&mut command, LONG).unwrap()
}

#[test]
fn quick_run_writes_tables_and_plots() {
    let temp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = programs::directory(&temp.join("programs-for-bench")).unwrap();
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.is_in(&programs)).collect();
    assert!(kinds.len() >= 3, "plain CoAP and DTLS can always be built");
    let names: Vec<String> =
        kinds.iter().map(|kind| kind.to_possible_value().unwrap().get_name().to_owned()).collect();
    let out = temp.join("bench");
    let finished = bench(&programs, &out, &["--kinds", &names.join(",")]);
    assert_eq!(finished.code, Some(0), "{finished:?}");

    let tables = fs::read_to_string(out.join("benchmarks.md")).unwrap();
    for kind in &kinds {
        // loopback, wire, round trips, loss
        let rows = tables.lines().filter(|line| line.starts_with(&format!("| {} |", kind.name())));
        assert_eq!(rows.count(), 4, "{}\n{tables}", kind.name());
    }
    assert!(!tables.contains(temp.to_str().unwrap()), "no paths of this machine");
    for plot in ["cold-get", "round-trip", "bytes"] {
        assert!(tables.contains(&format!("(img/{plot}.svg)")));
        let svg = fs::read_to_string(out.join(format!("img/{plot}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(kinds.iter().all(|kind| svg.contains(kind.name())));
    }
}

#[test]
fn missing_programs_are_named() {
    let nothing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing-here");
    let finished = bench(&nothing, &nothing, &[]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("plain CoAP: no programs"), "{finished:?}");
    assert!(!nothing.exists());
}
