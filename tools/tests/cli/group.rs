//! `lscoap group`: what it asks a server, here a stand-in, and what it says of the answers.

use crate::support::{Dir, Ended};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::thread;

/// Runs `lscoap group ... --file groups.txt` beside a server that says this; gives the line that it was asked, too.
fn with_server(args: &[&str], says: &'static str) -> (Ended, String) {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.path("groups.txt.sock")).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
        stream.write_all(says.as_bytes()).unwrap();
        line
    });
    let run = dir.run(&[&["group"], args, &["--file", "groups.txt"]].concat());
    (run, server.join().unwrap())
}

#[test]
fn what_a_server_is_asked() {
    let create = ["create", "--address", "239.192.0.1"];
    let address = "address=efc00001 port=5683";
    for (args, line) in [
        (&create[..], format!("create signed,answers slots=0 {address}\n")),
        (
            &[&create[..], &["--modes", "signed,tagged", "--slots", "8", "--timed", "--no-answers"]].concat(),
            format!("create signed,tagged,timed slots=8 {address}\n"),
        ),
        (
            &[&create[..], &["--copy", "127.0.0.1:7"]].concat(),
            format!("create signed,answers slots=0 {address} address=7f000001 port=7\n"),
        ),
        (
            &["create", "--address", "ff35:30:fd00::9", "--port", "5"],
            "create signed,answers slots=0 address=ff350030fd0000000000000000000009 port=5\n".to_owned(),
        ),
        (&["add", "--id", "lamp-1"], "add 0 6c616d702d31\n".to_owned()),
        (&["remove", "--group", "7", "--id-hex", "00ff"], "remove 7 00ff\n".to_owned()),
        (&["rekey", "--group", "7"], "rekey 7\n".to_owned()),
        (&["list"], "list\n".to_owned()),
        (
            &["send", "--mode", "tagged", "--wait", "0.5", "PUT", "/light", "on"],
            "send 0 tagged wait=500 method=PUT path=2f6c69676874 payload=6f6e\n".to_owned(),
        ),
    ] {
        let (run, asked) = with_server(args, "a\nb\nok\n");
        assert_eq!((run.ok(), asked), ("a\nb\n".to_owned(), line), "{args:?}");
    }
}

#[test]
fn what_a_server_refuses() {
    let (run, _) = with_server(&["list"], "so far\nerror: there is no group\n");
    assert_eq!((&run.err[..], &run.out[..]), ("lscoap: there is no group\n", "so far\n"));
    // It goes away in the middle.
    let (run, _) = with_server(&["list"], "so far\n");
    assert_eq!((&run.err[..], run.status), ("lscoap: the server has hung up\n", Some(1)));
}

#[test]
fn no_server() {
    let dir = Dir::new();
    let said = dir.run(&["group", "list", "--file", "groups.txt"]).failed();
    assert!(
        said.contains("groups.txt: no secure_server --group and no lscoap-gateway answers for it"),
        "{said}"
    );
}
