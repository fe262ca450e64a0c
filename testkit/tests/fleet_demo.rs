//! `make fleet-demo`, which fails by itself where a device does not go on by one resumption. It needs root.

use std::process::Command;
use std::time::Duration;

use lscoap_testkit::process::run;
use lscoap_testkit::{gateway, programs};
use std::path::Path;

#[test]
fn devices_go_on_when_their_nodes_are_killed() {
    let programs =
        programs::directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs-for-fleet-demo")).unwrap();
    if !rustix::process::geteuid().is_root() || !programs.join(gateway::NAME).exists() {
        println!("*** NOT TESTED: three gateways behind a balancer. It needs root, and `make gateway`.");
        return;
    }
    let mut demo = Command::new(env!("CARGO_BIN_EXE_fleet_demo"));
    let finished = run(demo.arg("--programs").arg(programs), Duration::from_secs(500)).unwrap();
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    assert!(finished.stdout.contains("fleet-demo: all as expected"));
}
