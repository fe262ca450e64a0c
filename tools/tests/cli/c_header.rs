//! `lscoap c-header`: the header is compiled and what it holds is compared.

use crate::support::{Dir, Ended, vector};

/// Compiles a program that prints the header's arrays, and runs it.
fn arrays(dir: &Dir, compiler: &str, flags: &[&str], prefix: &str) -> Vec<String> {
    let source = format!(
        "#include \"identity.h\"\n#include \"identity.h\"\n#include <stddef.h>\n#include <stdio.h>\n\
         static void show(const uint8_t *bytes, size_t len) {{\n\
         size_t i;\nfor (i = 0; i < len; i++) printf(\"%02x\", bytes[i]);\nputchar('\\n');\n}}\n\
         int main(void) {{\n\
         show({prefix}identity, sizeof {prefix}identity);\n\
         show({prefix}device_id, sizeof {prefix}device_id);\n\
         show({prefix}server_key, sizeof {prefix}server_key);\nreturn 0;\n}}\n"
    );
    dir.write("show.c", &source);
    let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "show.c", "-o", "show"];
    Ended::of(dir.command(compiler).args(flags).args(warnings).output().unwrap()).ok();
    let program = dir.path("show");
    let out = Ended::of(dir.command(program.to_str().unwrap()).output().unwrap()).ok();
    out.lines().map(str::to_owned).collect()
}

/// What the arrays must hold.
fn identity(id: &str) -> [String; 3] {
    [vector(&["identity", "sk_C"]), id.to_owned(), vector(&["identity", "pk_S"])]
}

#[test]
fn the_header_is_c99_and_holds_the_identity() {
    let dir = Dir::with_keys();
    let server = vector(&["enrolment", "server"]);
    let args = ["c-header", "device.key", "--id", "sensor-7", "--server", &server, "-o", "identity.h"];
    assert_eq!(dir.run(&args).ok(), "");
    assert_eq!(dir.mode("identity.h"), 0o600);
    let wanted = identity(&vector(&["identity", "device_id"]));
    assert_eq!(arrays(&dir, "cc", &["-std=c99"], "lscoap_"), wanted);
    assert_eq!(arrays(&dir, "cc", &["-std=c99", "-O2"], "lscoap_"), wanted);
    assert_eq!(arrays(&dir, "c++", &["-std=c++11", "-x", "c++"], "lscoap_"), wanted);
    let text = dir.read("identity.h");
    for who in ["device with check", "server with check"] {
        assert!(text.contains(&vector(&["enrolment", who])), "{text}");
    }
    assert!(text.lines().all(|line| line.len() <= 120));
}

#[test]
fn prefix_and_server_key_file_and_longest_id() {
    let dir = Dir::with_keys();
    let id = "2a".repeat(31) + "2f"; // ends in "*/", the end of a comment
    let mut args = vec!["c-header", "device.key", "--id-hex", &id, "--server-key", "server.key"];
    args.extend(["--output", "identity.h", "--prefix", "node7_"]);
    dir.run(&args).ok();
    assert_eq!(arrays(&dir, "cc", &["-std=c99"], "node7_"), identity(&id));
    assert!(dir.read("identity.h").contains("#ifndef NODE7_IDENTITY_H\n"));
    let server_secret = vector(&["identity", "sk_S"]);
    let bytes: Vec<_> = dir.read("identity.h").split("0x").skip(1).map(|byte| byte[..2].to_owned()).collect();
    assert!(!bytes.concat().contains(&server_secret), "the server's secret stays where it is");
}

#[test]
fn nothing_is_overwritten_without_force() {
    let dir = Dir::with_keys();
    dir.write("identity.h", "old\n");
    dir.set_mode("identity.h", 0o644);
    let args = ["c-header", "device.key", "--id", "a", "--server-key", "server.key", "-o", "identity.h"];
    assert!(dir.run(&args).failed().starts_with("identity.h: exists already"));
    let force = [&args[..], &["--force"]].concat();
    dir.run_on_full_disk(&force).failed();
    assert_eq!(dir.read("identity.h"), "old\n");
    assert_eq!(dir.names(), ["device.key", "identity.h", "server.key"]);
    dir.run(&force).ok();
    assert_eq!(dir.mode("identity.h"), 0o600);
}

#[test]
fn a_bad_server_string_is_marked() {
    let dir = Dir::with_keys();
    let server = vector(&["enrolment", "server"]).replace("ALFL", "AL1L");
    let args = ["c-header", "device.key", "--id", "a", "--server", &server, "-o", "identity.h"];
    let said = dir.run(&args).failed();
    let mark = format!("  {server}\n         ^\n");
    assert_eq!(said, format!("--server: character 8: not a BASE32 character (A-Z, 2-7)\n{mark}"));
    assert_eq!(dir.names(), ["device.key", "server.key"]);
}

#[test]
fn one_key_for_both_sides_is_a_mistake() {
    let dir = Dir::with_keys();
    let args = ["c-header", "device.key", "--id", "a", "--server-key", "device.key", "-o", "identity.h"];
    assert!(dir.run(&args).failed().contains("the same key"));
    assert_eq!(dir.names(), ["device.key", "server.key"]);
}
