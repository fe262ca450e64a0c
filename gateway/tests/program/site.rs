//! A gateway's files, in a directory that vanishes with them.

use lscoap_testkit::identities::Enrolment;
use lscoap_testkit::process::{Finished, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// However busy the machine is.
pub const LONG: Duration = Duration::from_secs(60);

/// Files of a gateway that serves one device.
pub struct Site {
    pub enrolment: Enrolment,
}

impl Site {
    pub fn new() -> Self {
        let site = Self { enrolment: Enrolment::make("sensor-1").unwrap() };
        // Whoever the program becomes has to get at the list.
        fs::set_permissions(site.dir(), PermissionsExt::from_mode(0o755)).unwrap();
        site
    }

    pub fn dir(&self) -> &Path {
        self.enrolment.dir()
    }

    /// A configuration in a file: the key, the list, one worker, free ports and no store; then what is given.
    pub fn config(&self, top: &str, tables: &str) -> PathBuf {
        let path = self.dir().join("gateway.toml");
        let head = format!(
            "listen = [\"127.0.0.1:0\"]\nworkers = 1\nkey = {:?}\n{top}\n",
            self.enrolment.server_key()
        );
        let mut text = head + tables;
        for (table, keys) in [
            ("devices", format!("source = {:?}\npoll_s = 0\n", self.enrolment.devices())),
            ("store", "url = \"none\"\n".to_owned()),
            ("http", "address = \"127.0.0.1:0\"\n".to_owned()),
        ] {
            if !text.contains(&format!("[{table}]")) {
                text.push_str(&format!("\n[{table}]\n{keys}"));
            }
        }
        fs::write(&path, text).unwrap();
        path
    }

    /// The program, which is root's here, perhaps.
    pub fn command(&self, arguments: &[&str], config: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lscoap-gateway"));
        command.args(arguments).arg("--config").arg(config);
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str], config: &Path) -> Finished {
        run(&mut self.command(arguments, config), LONG).unwrap()
    }
}
