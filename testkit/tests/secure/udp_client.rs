//! README's example: a whole client over a UDP socket, compiled as a user would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lscoap_testkit::process::{run, tool};

use super::site::*;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../c-examples/device/udp_client.c");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn array(name: &str, bytes: &[u8]) -> String {
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    format!("static const unsigned char {name}[] = {{{}}};\n", list.join(","))
}

/// The program with the identity of the site's device.
fn build(site: &Site) -> PathBuf {
    let header = site.enrolment.dir().join("identity.h");
    let names = [
        array("lscoap_device_id", DEVICE.as_bytes()),
        array("lscoap_identity", &site.enrolment.device.private),
        array("lscoap_server_key", &site.enrolment.server.public),
    ];
    fs::write(&header, names.concat()).unwrap();
    let programs = PathBuf::from(program("secure_server").get_program());
    let archive = programs.ancestors().nth(2).unwrap().join("liblscoap.a");
    let built = site.enrolment.dir().join("udp_client");
    let arguments = [
        "-std=c99",
        "-D_DEFAULT_SOURCE",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        &format!("-DDEVICE_HEADER=\"{}\"", header.display()),
        &format!("-I{}", root().join("../include").display()),
        "-o",
        built.to_str().unwrap(),
        SOURCE,
        archive.to_str().unwrap(),
    ];
    tool("cc", arguments).unwrap();
    built
}

/// In either carrier: an answer of one datagram, and one of many blocks.
#[test]
fn it_gets_what_the_server_has() {
    let site = Site::start(&["--tick"]);
    let client = build(&site);
    let hears_oscore = site.hears_oscore(false);
    for carrier in if hears_oscore { &[None, Some("payload")][..] } else { &[Some("payload")] } {
        for count in [3, 500] {
            let path = format!("/index?readings={count}");
            let port = site.addr().port().to_string();
            let mut command = Command::new(&client);
            command.args([&site.addr().ip().to_string(), &port, &path]).args(*carrier);
            let finished = run(&mut command, LONG).unwrap();
            assert_eq!(finished.code, Some(0), "{carrier:?} {finished:?}");
            assert_eq!(readings(&finished.stdout).len(), count, "{carrier:?}");
        }
    }
    if !hears_oscore {
        return;
    }
    // What is not there is 4.04 under seal.
    let mut command = Command::new(&client);
    command.args([&site.addr().ip().to_string(), &site.addr().port().to_string(), "/nowhere"]);
    let finished = run(&mut command, LONG).unwrap();
    assert_eq!((finished.code, &finished.stderr[..]), (Some(1), ""));
}

#[test]
fn the_readme_shows_it() {
    let source = fs::read_to_string(SOURCE).unwrap();
    let readme = fs::read_to_string(root().join("../README.md")).unwrap();
    let shown = source.split_once("/* README: from here */\n").unwrap().1;
    let shown = shown.split_once("/* README: to here */").unwrap().0;
    assert!(readme.contains(&format!("```c\n{}\n```", shown.trim_end())), "README.md shows another client");
}
