//! From a C program that is a device to a C program that knows nothing of lscoap, and back: what is longer than a datagram, in both
//! carriers, in all three forms of identity.

use super::serving::start;
use super::site::{LONG, Site};
use lscoap_testkit::process::{Server, free_udp_port, run};
use lscoap_testkit::programs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

fn program(name: &str) -> PathBuf {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    programs::directory(&build).unwrap().join(name)
}

/// What a device gets for a request: its standard output.
fn ask(site: &Site, server: &Server, carrier: &str, request: &[&str]) -> String {
    let mut device = Command::new(program("secure_client"));
    device
        .arg("-k")
        .arg(site.enrolment.device_key())
        .args(["-i", "sensor-1", "-s", &site.enrolment.server.server_string()])
        .args(["-u", &format!("coap://{}", server.addr), "--carrier", carrier, "--timeout", "60"])
        .args(request);
    let finished = run(&mut device, LONG).unwrap();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

#[test]
fn long_bodies_go_there_and_back_in_both_carriers() {
    let body: String = (0..900).map(|number| format!("{number:05},")).collect();
    for form in ["option", "path", "query"] {
        let port = free_udp_port(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        let _backend =
            Server::start(Command::new(program("libcoap_backend")).args([form, &port.to_string()])).unwrap();
        let site = Site::new();
        let tables = format!("[backend]\nuri = \"coap://127.0.0.1:{port}\"\nidentity = \"{form}\"\n");
        let server = start(&site, &[], "", &tables);
        for carrier in ["payload", "oscore"] {
            let body = format!("{carrier},{body}");
            ask(&site, &server, carrier, &["PUT", "/readings", &body]);
            let given = ask(&site, &server, carrier, &["GET", "/readings"]);
            assert!(given.contains(&body), "{form}, {carrier}: {given}");
        }
    }
}
