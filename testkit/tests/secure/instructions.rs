//! What sealing adds to a request at the server, in instructions that valgrind counts: whoever adds a pass over the message,
//! or a byte-wise copy, is told.

use std::net::SocketAddr;
use std::process::Command;

use lscoap_testkit::process::{Server, run};

use super::site::*;

/// The same command under callgrind.
fn counted(command: &Command) -> Command {
    let mut counted = Command::new("valgrind");
    counted.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(command.get_program());
    counted.args(command.get_args()).arg("--fixed-index");
    if let Some(directory) = command.get_current_dir() {
        counted.current_dir(directory);
    }
    counted
}

/// How many instructions a server takes for each request, beyond what start and handshake take.
fn for_each_request(server: &Command, client: &dyn Fn(SocketAddr, &str) -> Command) -> u64 {
    let executed = |requests: u64| {
        let mut server = Server::start(&mut counted(server)).unwrap();
        let asked = run(&mut client(server.addr, &requests.to_string()), LONG).unwrap();
        assert_eq!(asked.stdout.matches("2.05\n").count() as u64, requests, "{asked:?}");
        server.program.terminate().unwrap();
        let told = server.program.stderr();
        let count = told.lines().find_map(|line| line.split("Collected : ").nth(1));
        count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or_else(|| panic!("{told}"))
    };
    (executed(220) - executed(20)) / 200
}

#[test]
#[cfg(target_arch = "x86_64")] // with instructions for AES
fn a_sealed_request_takes_few_more() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("NOT TESTED: instructions of a request, without valgrind");
        return;
    }
    let mut server = program("plain_server");
    server.args(["-p", "0"]);
    let plain = for_each_request(&server, &|to, requests| {
        let mut client = program("plain_client");
        client.args(["-u", &format!("coap://{to}"), "-n", requests, "GET", "/index"]);
        client
    });
    let site = Site::start(&[]);
    let mut server = Site::server_command(&site.enrolment);
    server.arg("--quiet");
    let sealed =
        for_each_request(&server, &|to, requests| site.client(to, &["-n", requests, "GET", "/index"]));
    println!("{plain} instructions for a plain request, {sealed} for a sealed one");
    assert!(plain > 5000 && sealed > plain, "{plain} and {sealed}");
    // 29,000 where blocks of AES went through a trait object each and memory was moved by bytes.
    assert!(sealed - plain < 14_000, "{plain} and {sealed}");
}
