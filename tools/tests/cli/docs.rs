//! The commands of docs/enrolment.md, run in order.

use crate::support::{Dir, Ended, LSCOAP};
use std::path::Path;

/// What the document shows: each command with what it prints.
fn shown() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/enrolment.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```console\n").skip(1).map(|rest| rest.split_once("```\n").unwrap().0);
    let runs = blocks
        .flat_map(|block| format!("\n{block}").split("\n$ ").skip(1).map(str::to_owned).collect::<Vec<_>>());
    runs.map(|run| {
        run.split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap_or((run, String::new()))
    })
    .collect()
}

#[test]
fn the_commands_of_the_document_do_what_it_shows() {
    let dir = Dir::new();
    let programs = Path::new(LSCOAP).parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    // New keys are other keys: what was printed stands for what the document has.
    let mut new: Vec<(String, String)> = Vec::new();
    let shown = shown();
    assert!(shown.len() >= 9);
    for (command, wanted) in shown {
        let renewed =
            |text: &str| new.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new));
        let (command, wanted) = (renewed(&command), renewed(&wanted));
        let out = dir.command("sh").env("PATH", &path).args(["-c", &command]).output().unwrap();
        let out = Ended::of(out).ok();
        let (out, wanted) = (out.trim_end(), wanted.trim_end());
        if command.contains("keygen") || command.contains("--svg") {
            assert_eq!(out.len(), wanted.len(), "{command}");
            new.push((wanted.to_owned(), out.to_owned()));
        } else {
            assert_eq!(out, wanted, "{command}");
        }
    }
    assert_eq!(dir.names().len(), 6);
    // The document's own keys are real ones, and fit one another.
    let old = |start: &str| new.iter().find(|(old, _)| old.starts_with(start)).unwrap().0.clone();
    assert!(lscoap::enrolment::parse_server(&old("LSS2:")).is_ok());
    let device = lscoap::enrolment::parse_device(&old("LSC2:")).unwrap();
    let key: String = device.public_key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(new.iter().any(|(old, _)| *old == key));
}
