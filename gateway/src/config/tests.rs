use super::*;
use serde_json::{Map, Value};
use std::os::unix::fs::PermissionsExt;

const EXAMPLE: &str = include_str!("../../lscoap-gateway.toml");
const SCHEMA: &str = include_str!("../../lscoap-gateway.schema.json");

/// What is said of a text that is refused.
fn fault(text: &str) -> String {
    Config::parse(text).expect_err(text).to_string()
}

#[test]
fn the_example_is_what_holds_if_nothing_is_said() {
    assert_eq!(Config::parse(EXAMPLE).unwrap(), Config::default());
    assert_eq!(Config::parse("").unwrap(), Config::default());
    let all = EXAMPLE.replace("\n#user", "\nuser").replace("\n#group", "\ngroup");
    let all =
        Config::parse(&all.replace("\n#[groups]", "\n[groups]").replace("\n#control", "\ncontrol")).unwrap();
    assert_eq!((all.user, all.group), (Some(Name("lscoap".into())), Some(Name("lscoap".into()))));
    assert_eq!(all.groups, Some(Groups { control: "/run/lscoap-gateway/groups".into() }));
}

#[test]
fn the_example_and_the_document_name_every_key() {
    let document = include_str!("../../../docs/gateway.md");
    let config = Config { groups: Some(Groups { control: "x".into() }), ..Config::default() };
    let config = serde_json::to_value(config).unwrap();
    for (table, value) in config.as_object().unwrap() {
        let keys: Vec<_> = value.as_object().map_or(vec![table], |inner| inner.keys().collect());
        for key in keys {
            let is_there = |line: &str| line.trim_start_matches('#').starts_with(&format!("{key} = "));
            assert!(EXAMPLE.lines().any(is_there), "{table}.{key}");
            let name = if key == table { key.clone() } else { format!("{table}.{key}") };
            assert!(document.contains(&format!("`{name}`")), "{name} is not in docs/gateway.md");
        }
    }
}

/// A table of the schema beside the same of the defaults: keys, defaults and ranges.
fn compare(path: &[&str], schema: &Map<String, Value>, defaults: &Map<String, Value>) {
    assert_eq!(schema["additionalProperties"], false, "{path:?}");
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), defaults.keys().collect::<Vec<_>>(), "{path:?}");
    for (key, property) in properties {
        let at = [path, &[key.as_str()]].concat();
        assert!(property["description"].is_string(), "{at:?}");
        let default = &defaults[key];
        if let (Some(table), true) = (default.as_object(), property["type"] == "object") {
            compare(&at, property.as_object().unwrap(), table);
            continue;
        }
        if !default.is_null() && at != ["groups", "control"] {
            assert_eq!(&property["default"], default, "{at:?}");
        }
        let with = |value: &Value| {
            let (table, key) = at.split_at(at.len() - 1);
            let table = table.first().map_or(String::new(), |table| format!("[{table}]\n"));
            Config::parse(&format!("{table}{} = {value}", key[0]))
        };
        for bound in ["minimum", "maximum"] {
            if let Some(limit) = property[bound].as_i64() {
                let beyond = if bound == "minimum" { limit - 1 } else { limit + 1 };
                let good =
                    if at == ["backend", "option"] { if limit == 2 { 2 } else { 65_534 } } else { limit };
                assert!(with(&good.into()).is_ok(), "{at:?} {limit}");
                assert!(with(&beyond.into()).is_err(), "{at:?} {beyond}");
            } else {
                assert_ne!(property["type"], "integer", "{at:?} has no {bound}");
            }
        }
        for value in property["enum"].as_array().into_iter().flatten() {
            assert!(with(value).is_ok(), "{at:?} {value}");
        }
    }
}

#[test]
fn the_schema_says_what_the_types_say() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let config = Config { groups: Some(Groups { control: "x".into() }), ..Config::default() };
    let defaults = serde_json::to_value(config).unwrap();
    compare(&[], schema.as_object().unwrap(), defaults.as_object().unwrap());
}

#[test]
fn faults_say_where_they_are_and_what_would_be_right() {
    let cases = [
        ("listen = []", "1:10: 1 to 16 addresses are expected, such as [\"[::]:5683\"]"),
        (
            "listen = [\"5683\"]",
            "1:10: \"5683\" is not an address and a port, such as \"[::]:5683\" or \"192.0.2.1:5683\"",
        ),
        ("listen = [\"[::]:1\", \"[::]:1\"]", "1:10: [::]:1 is there twice"),
        ("\nworkers = 65", "2:11: 65 is not from 0 to 64"),
        ("workers = -1", "1:11: -1 is not from 0 to 64"),
        ("node = 256", "1:8: invalid value: integer `256`, expected u8"),
        ("user = \"\"", "1:8: \"\" is no name"),
        ("user = 5", "1:8: invalid type: integer `5`, expected a name or a number, as a text"),
        (
            "[backend]\nuri = \"coaps://h\"",
            "2:7: \"coaps://h\": \"coaps\" is not what a back-end is spoken to in; coap://HOST:PORT is expected",
        ),
        ("[backend]\nuri = \"h:5683\"", "2:7: \"h:5683\": not a URI; coap://HOST:PORT is expected"),
        (
            "[backend]\nuri = \"coap://h/x\"",
            "2:7: \"coap://h/x\": a back-end has no path, query or user; coap://HOST:PORT is expected",
        ),
        (
            "[backend]\nuri = \"coap://:1\"",
            "2:7: \"coap://:1\": the host is missing; coap://HOST:PORT is expected",
        ),
        ("[backend]\nuri = \"coap://h:0\"", "2:7: \"coap://h:0\": not a port; coap://HOST:PORT is expected"),
        (
            "[backend]\nuri = \"coap://[::1:5\"",
            "2:7: \"coap://[::1:5\": a bracket is not closed; coap://HOST:PORT is expected",
        ),
        (
            "[backend]\nuri = \"coap://[h]\"",
            "2:7: \"coap://[h]\": not an IPv6 address in the brackets; coap://HOST:PORT is expected",
        ),
        ("[backend]\noption = 65011", "2:10: option 65011 is critical: an even number is expected"),
        (
            "[backend]\noption = 65012",
            "2:10: option 65012 is safe to forward: a number whose second bit is set is expected, such as 65010",
        ),
        ("[backend]\noption = 6", "2:10: option 6 means something else in CoAP: say 65010"),
        ("[backend]\noption = 0", "2:10: 0 is not an option's number: 1 to 65535"),
        (
            "[backend]\nidentity = \"header\"",
            "2:12: unknown variant `header`, expected one of `option`, `path`, `query`",
        ),
        (
            "[backend]\nurl = \"coap://h\"",
            "2:1: unknown field `url`, expected one of `uri`, `trusted_network`, `identity`, `option`, `ports`, `max_outstanding`, `ack_timeout_ms`, `answer_timeout_ms`",
        ),
        (
            "[store]\nurl = \"mysql://h\"",
            "2:7: no store \"mysql\": sqlite:PATH, redis://HOST, redis+unix:///SOCKET, postgresql://HOST/DATABASE or none is expected",
        ),
        (
            "[store]\nurl = \"none\"\n[groups]\ncontrol = \"/x\"",
            "3:1: groups need a store, as no number of theirs may be used twice: give `store.url`",
        ),
        (
            "[devices]\nsource = \"store\"\n[store]\nurl = \"none\"",
            "2:10: there is no store for the list of devices to be in: give `store.url`, or a file",
        ),
        ("[groups]\n", "1:1: missing field `control`"),
        (
            "[http]\naddress = \"0.0.0.0:9683\"",
            "2:11: an address that others reach, and nothing is asked of whoever comes: say 127.0.0.1, or `open_to_others = true`",
        ),
        (
            "[http]\naddress = \"off\"",
            "2:11: \"off\" is not an address and a port, such as \"127.0.0.1:9683\", and not \"none\"",
        ),
        (
            "[log]\nlevel = \"trace\"",
            "2:9: unknown variant `trace`, expected one of `error`, `warn`, `info`, `debug`",
        ),
        ("[log]\nformat = \"xml\"", "2:10: unknown variant `xml`, expected `text` or `json`"),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected, "{text}");
    }
    assert!(fault("node = ").starts_with("1:8: "), "{}", fault("node = "));
}

#[test]
fn files_are_named_in_faults() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gateway.toml");
    assert!(Config::read(&path).unwrap_err().to_string().contains("gateway.toml: No such file"));
    std::fs::write(&path, "[http]\naddress = \"[::]:1\"\n").unwrap();
    let fault = Config::read(&path).unwrap_err().to_string();
    assert!(fault.contains("gateway.toml:2:11: an address that others reach"), "{fault}");
}

#[test]
fn relative_paths_begin_where_the_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gateway.toml");
    let text = "[devices]\nsource = \"list\"\n[store]\nurl = \"sqlite:a/b\"\n[groups]\ncontrol = \"g\"";
    std::fs::write(&path, text).unwrap();
    let config = Config::read(&path).unwrap();
    assert_eq!(config.key, dir.path().join("server.key"));
    assert_eq!(config.devices.source, DevicesSource::File(dir.path().join("list")));
    assert_eq!(config.groups.unwrap().control, dir.path().join("g"));
    assert_eq!(config.store.url.secret(), format!("sqlite:{}", dir.path().join("a/b").display()));
    std::fs::write(&path, "key = \"/k\"\n[devices]\nsource = \"store\"").unwrap();
    let config = Config::read(&path).unwrap();
    assert_eq!((&*config.key, config.devices.source), (Path::new("/k"), DevicesSource::Store));
    assert_eq!(config.store.url.secret(), Config::default().store.url.secret());
}

#[test]
fn a_back_end_is_on_this_machine_or_trusted() {
    let config =
        |uri: &str, more: &str| Config::parse(&format!("[backend]\nuri = \"{uri}\"\n{more}")).unwrap();
    for uri in ["coap://127.0.0.1:7", "coap://[::1]:7", "coap://[::ffff:127.0.0.2]:7", "coap://localhost:7"] {
        assert!(config(uri, "").resolve().is_ok(), "{uri}");
    }
    for uri in ["coap://192.0.2.1", "coap://[2001:db8::1]", "coap://[::ffff:192.0.2.1]:7"] {
        let why = config(uri, "").resolve().unwrap_err();
        assert!(
            why.contains("is not on this machine") && why.contains("`backend.trusted_network = true`"),
            "{why}"
        );
        assert!(config(uri, "trusted_network = true").resolve().is_ok(), "{uri}");
    }
    for uri in ["coap://0.0.0.0:7", "coap://224.0.1.187", "coap://[ff02::fd]"] {
        let why = config(uri, "trusted_network = true").resolve().unwrap_err();
        assert!(why.ends_with("is nobody's address"), "{why}");
    }
    let why = config("coap://no-such-host.invalid", "").resolve().unwrap_err();
    assert!(why.starts_with("backend.uri: no-such-host.invalid: "), "{why}");
}

#[test]
fn a_gateway_is_not_its_own_back_end() {
    for uri in ["coap://127.0.0.1", "coap://[::1]:5683"] {
        let why = Config::parse(&format!("[backend]\nuri = \"{uri}\"")).unwrap().resolve().unwrap_err();
        assert!(why.contains("this gateway itself listens ([::]:5683)"), "{why}");
    }
    let other = "listen = [\"192.0.2.7:5683\"]\n[backend]\nuri = \"coap://127.0.0.1:5683\"";
    assert!(Config::parse(other).unwrap().resolve().is_ok());
}

#[test]
fn keys_are_read_as_the_other_programs_read_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.key");
    let write = |text: &str, mode: u32| {
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        read_key(&path).map(|(key, _)| key[31])
    };
    let good = format!("{:064x}", 7);
    for text in [good.clone(), format!("{good}\n"), format!("{good}\r\n")] {
        assert_eq!(write(&text, 0o600), Ok(7));
    }
    for mode in [0o604, 0o620, 0o602, 0o777] {
        assert!(write(&good, mode).unwrap_err().contains(&format!("open to others (mode {mode:04o})")));
    }
    let not_a_key =
        ["", "07", &format!("{good} "), &format!("{good}00"), &good.replace('7', "g"), &format!("\n{good}")];
    for text in not_a_key {
        assert!(write(text, 0o600).unwrap_err().contains("not a key file"), "{text:?}");
    }
    for text in ["0".repeat(64), "f".repeat(64)] {
        assert!(write(&text, 0o600).unwrap_err().contains("out of range"), "{text:?}");
    }
    assert!(read_key(&dir.path().join("none")).unwrap_err().contains("none: No such file"));
}

#[test]
fn passwords_are_not_shown() {
    let config = Config::parse("[store]\nurl = \"redis://u:hunter2@h\"").unwrap();
    assert!(!format!("{config:?} {}", config.store.url).contains("hunter2"));
    let fault = fault("[store]\nurl = \"redis:://u:hunter2@h\"\nno = 1");
    assert!(!fault.contains("hunter2"), "{fault}");
}
