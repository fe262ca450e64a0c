//! Help, and command lines that make no sense.

use crate::support::Dir;

const COMMANDS: [&[&str]; 15] = [
    &["keygen"],
    &["enroll"],
    &["devices"],
    &["devices", "add"],
    &["devices", "list"],
    &["devices", "remove"],
    &["group"],
    &["group", "create"],
    &["group", "add"],
    &["group", "remove"],
    &["group", "rekey"],
    &["group", "list"],
    &["group", "send"],
    &["c-header"],
    &["inspect"],
];

#[test]
fn every_command_has_help() {
    let dir = Dir::new();
    let help = dir.run(&["--help"]).ok();
    assert!(help.contains("lscoap enroll device.key --id sensor-7 | lscoap devices add -"));
    for command in COMMANDS {
        let help = dir.run(&[command, &["--help"]].concat()).ok();
        assert!(help.contains(&format!("Usage: lscoap {}", command.join(" "))), "{help}");
        assert!(command.len() == 2 || help.contains("Examples:"), "{help}");
    }
    assert!(dir.run(&["--version"]).ok().starts_with("lscoap 0."));
}

#[test]
fn without_a_command_there_is_help_and_status_2() {
    let ended = Dir::new().run(&[]);
    assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains("Usage: lscoap <COMMAND>"));
}

#[test]
fn senseless_command_lines_give_status_2() {
    let dir = Dir::with_keys();
    let too_long = "x".repeat(33);
    let senseless: &[(&[&str], &str)] = &[
        (&["frobnicate"], "unrecognized subcommand"),
        (&["keygen"], "<FILE>"),
        (&["enroll", "device.key"], "--id <TEXT>"),
        (&["enroll", "--public-key", &format!("02{}", "00".repeat(32))], "--id <TEXT>"),
        (&["keygen", "new.key", "--v1"], "--server"),
        (&["enroll", "--id", "a"], "<KEYFILE>"),
        (&["enroll", "device.key", "--id", "a", "--id-hex", "61"], "cannot be used with"),
        (&["enroll", "--server", "server.key", "--id", "a"], "cannot be used with"),
        (&["enroll", "device.key", "--id", ""], "1 to 32 bytes, this has 0"),
        (&["enroll", "device.key", "--id", &too_long], "1 to 32 bytes, this has 33"),
        (&["enroll", "device.key", "--id-hex", "6g"], "character 2: not a hexadecimal digit"),
        (&["enroll", "device.key", "--id-hex", "616"], "character 4: a digit is missing"),
        (&["enroll", "--public-key", "0200", "--id", "a"], "33 bytes, this has 2"),
        (&["enroll", "device.key", "--public-key", "02", "--id", "a"], ""),
        (&["devices", "add", "--file", "x"], "<STRING>"),
        (&["devices", "list"], "--file"),
        (&["devices", "remove", "--file", "x"], "--id"),
        (&["c-header", "device.key", "--id", "a", "--server", "x"], "--output"),
        (&["c-header", "device.key", "--server", "x", "-o", "y"], "--id"),
        (&["c-header", "device.key", "--id", "a", "-o", "y"], "--server"),
        (
            &["c-header", "k", "--id", "a", "--server", "x", "-o", "y", "--prefix", "7"],
            "a prefix is a letter",
        ),
        (&["inspect"], "<HEX>"),
        (&["inspect", "00", "--kid-len", "8"], "--kid-len"),
    ];
    for (args, complaint) in senseless {
        let said = dir.run(args).usage();
        assert!(said.contains(complaint), "{args:?}: {said}");
        // A device's key must not be printed as a server's string because a message said so.
        assert!(args[0] != "enroll" || args.contains(&"--server") || !said.contains("--server"), "{said}");
    }
    assert_eq!(dir.names(), ["device.key", "server.key"], "nothing was written");
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let dir = Dir::new();
    let script = "{ \"$0\" inspect 1f01; echo $? >status; } | true";
    let ended = dir.command("sh").args(["-c", script, crate::support::LSCOAP]).output().unwrap();
    assert!(ended.stderr.is_empty());
    assert_eq!(dir.read("status"), "0\n");
}

#[test]
fn a_full_standard_output_is_one() {
    let script = "\"$0\" inspect 1f01 >/dev/full";
    let ended = Dir::new().command("sh").args(["-c", script, crate::support::LSCOAP]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8(ended.stderr).unwrap().starts_with("lscoap: standard output: "));
}
