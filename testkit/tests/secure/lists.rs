//! Lists of devices: tests/device_lists.json has cases that the server and the program `lscoap` agree on.

use std::fs;

use lscoap_testkit::process::{Program, run};
use serde_json::Value;

use super::site::*;

#[test]
fn the_server_reads_lists_as_lscoap_does() {
    let site = Site::start(&[]);
    let table: Value = serde_json::from_str(include_str!("../../../tests/device_lists.json")).unwrap();
    for case in table.as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
        fs::write(site.enrolment.devices(), &bytes).unwrap();
        let mut command = Site::server_command(&site.enrolment);
        if let Some(devices) = case["devices"].as_array() {
            let server = Program::start(&mut command).unwrap();
            let told = server.wait_for_line(|line| line.contains(" in /").then(|| line.to_owned()), LONG);
            let told = told.unwrap_or_else(|| panic!("{case} {}", server.stderr()));
            assert!(told.contains(&format!("{} device", devices.len())), "{case} {told}");
        } else {
            let finished = run(&mut command, LONG).unwrap();
            let (line, column) = (&case["fault"][0], &case["fault"][1]);
            let place = format!("devices.txt:{line}:{column}: ");
            assert_eq!(finished.code, Some(1), "{case} {finished:?}");
            assert!(finished.stderr.contains(&place), "{case} {finished:?}");
            let says = case["says"].as_str().unwrap_or_default();
            assert!(finished.stderr.contains(says), "{case} {finished:?}");
        }
    }
}

/// A list that lost its devices by a mistake ends all sessions: that is said.
#[test]
fn an_empty_list_is_warned_of() {
    let site = Site::start(&[]);
    let warning = "names no devices: nobody gets in";
    assert!(!site.server.program.stderr().contains(warning));
    site.reload("# nobody\n");
    assert!(site.server.program.wait_for_error_text(warning, LONG));
    // With lone carriage returns it is refused, and everybody stays.
    let site = Site::start(&[]);
    let old_mac = site.devices().replace('\n', "\r");
    fs::write(site.enrolment.devices(), old_mac).unwrap();
    site.server.program.signal("HUP").unwrap();
    assert!(site.server.program.wait_for_error_text("the devices stay as they were", LONG));
    site.good(site.addr(), &["GET", "/index"]);
}
