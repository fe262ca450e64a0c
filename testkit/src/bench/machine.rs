//! On what the numbers were measured, in general terms.

use std::fs;
use std::thread;

use crate::process::tool;

/// What a reader needs to place the numbers.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Names and values, for a table.
    pub facts: Vec<(&'static str, String)>,
}

/// The first line that a program prints.
fn first_line(name: &str, arguments: &[&str]) -> Option<String> {
    let printed = tool(name, arguments).ok()?;
    Some(String::from_utf8_lossy(&printed).lines().next()?.trim().to_owned())
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = info.lines().find(|line| line.starts_with("model name"))?;
    Some(model.split_once(':')?.1.trim().to_owned())
}

/// The same choice as the CMake file of the programs makes.
fn libcoap() -> Option<String> {
    ["libcoap-3-openssl", "libcoap-3-gnutls", "libcoap-3"].iter().find_map(|module| {
        let version = first_line("pkg-config", &["--modversion", module])?;
        Some(format!("{version} ({module})"))
    })
}

impl Machine {
    /// This one, now.
    pub fn describe() -> Machine {
        let cores = thread::available_parallelism().ok().map(|cores| cores.to_string());
        let facts = [
            ("date (UTC)", first_line("date", &["-u", "+%Y-%m-%d"])),
            ("processor", cpu()),
            ("cores", cores),
            ("system", first_line("uname", &["-sm"])),
            ("libcoap", libcoap()),
            ("OpenSSL", first_line("openssl", &["version"])),
            ("rustc", first_line("rustc", &["--version"])),
        ];
        let unknown = || "unknown".to_owned();
        Machine {
            facts: facts.into_iter().map(|(name, fact)| (name, fact.unwrap_or_else(unknown))).collect(),
        }
    }
}
