//! The systemd unit and the Dockerfile, without a service manager and a container engine.

use super::site::LONG;
use lscoap_testkit::process::run;
use std::fs;
use std::process::Command;

const UNIT: &str = include_str!("../../lscoap-gateway.service");
const DOCKERFILE: &str = include_str!("../../Dockerfile");

/// Words of the unit's lines of that name, the last empty one forgetting those before.
fn unit(name: &str) -> Vec<&'static str> {
    let lines = UNIT.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    lines.collect()
}

#[test]
fn the_unit_is_valid_and_holds_little() {
    for (name, value) in [
        ("Type", "notify"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
        ("DynamicUser", "yes"),
        ("LimitCORE", "0"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("RestartPreventExitStatus", "2"),
    ] {
        assert_eq!(unit(name), [value], "{name}");
    }
    assert!(unit("WatchdogSec")[0].parse::<u32>().unwrap() >= 10, "a worker may take 5 s for a turn");
    assert!(
        unit("ExecStart")[0].ends_with("/lscoap-gateway run --config ${CREDENTIALS_DIRECTORY}/gateway.toml")
    );
    let key = lscoap_gateway::config::Config::default().key;
    for name in ["gateway.toml", key.to_str().unwrap()] {
        assert!(unit("LoadCredential").contains(&&*format!("{name}:/etc/lscoap/{name}")), "{name}");
    }
    let drain: u32 = lscoap_gateway::config::Config::default().drain_s.into();
    assert!(unit("TimeoutStopSec")[0].parse::<u32>().unwrap() > drain, "systemd waits for the drain");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lscoap-gateway.service");
    let here = UNIT.replace("/usr/local/bin/lscoap-gateway", env!("CARGO_BIN_EXE_lscoap-gateway"));
    assert_ne!(here, UNIT);
    fs::write(&path, here).unwrap();
    let Ok(finished) = run(Command::new("systemd-analyze").arg("verify").arg(&path), LONG) else {
        eprintln!("not run: there is no systemd-analyze");
        return;
    };
    assert!(finished.code == Some(0) && !finished.stderr.contains("lscoap-gateway.service"), "{finished:?}");
    let security = ["security", "--offline=true", "--threshold=20"];
    let finished = run(Command::new("systemd-analyze").args(security).arg(&path), LONG).unwrap();
    assert_eq!(finished.code, Some(0), "exposed more than 2.0 of 10: {finished:?}");
}

/// The Dockerfile's instructions, each in one line, without comments.
fn instructions() -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut goes_on = false;
    for line in DOCKERFILE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = if goes_on { line } else { rest };
        if !goes_on {
            found.push((name, String::new()));
        }
        goes_on = text.ends_with('\\');
        let whole = &mut found.last_mut().unwrap().1;
        whole.push_str(text.trim_end_matches('\\').trim());
        whole.push(' ');
    }
    found
}

#[test]
fn the_image_is_small_and_nobody_s() {
    let all = instructions();
    let known = [
        "FROM",
        "ARG",
        "RUN",
        "WORKDIR",
        "COPY",
        "USER",
        "EXPOSE",
        "VOLUME",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    ];
    assert!(all.iter().all(|(name, _)| known.contains(name)), "{all:?}");
    let of = |wanted: &str| -> Vec<&str> {
        all.iter().filter(|(name, _)| *name == wanted).map(|(_, text)| text.trim()).collect()
    };
    assert_eq!(of("FROM"), ["debian:12-slim AS build", "debian:12-slim"]);
    let last = all.iter().rposition(|(name, _)| *name == "FROM").unwrap();
    let image = &all[last..];
    let at = |wanted: &str| image.iter().position(|(name, _)| *name == wanted).unwrap();
    assert!(
        of("COPY").iter().skip(1).all(|copy| copy.starts_with("--from=build /")),
        "no source in the image"
    );
    let user = of("USER")[0];
    assert!(
        user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)),
        "a number, so that it is known not to be root"
    );
    assert!(image[at("USER")..].iter().all(|(name, _)| *name != "RUN"));
    for install in of("RUN").iter().filter(|run| run.contains("apt-get install")) {
        assert!(
            install.contains("--no-install-recommends") && install.contains("rm -rf /var/lib/apt/lists/*")
        );
    }
    let config = lscoap_gateway::config::Config::default();
    let health = of("HEALTHCHECK")[0];
    assert!(health.contains(&format!("http://{}/healthz", config.http.address.0.unwrap())), "{health}");
    assert_eq!(of("EXPOSE"), [format!("{}/udp", config.listen[0].port())]);
    assert_eq!(of("ENTRYPOINT"), ["[\"/usr/local/bin/lscoap-gateway\"]"]);
    assert_eq!(of("CMD"), ["[\"run\", \"--config\", \"/etc/lscoap/gateway.toml\"]"]);
    assert_eq!(of("STOPSIGNAL"), ["SIGTERM"]);
}
