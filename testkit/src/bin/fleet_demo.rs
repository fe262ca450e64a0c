//! `fleet_demo`: what `make fleet-demo` runs. See the library's module `nodes`.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use lscoap_testkit::nodes::demo;
use lscoap_testkit::process::tool;

/// Kills each of three gateways in turn, and shows that their devices go on; needs root
#[derive(Parser)]
#[command(name = "fleet_demo", version)]
struct Options {
    /// Directory of the programs: bin of a CMake build directory, with lscoap-gateway
    #[arg(long)]
    programs: PathBuf,
    /// Says that this process is in namespaces of its own already
    #[arg(long, hide = true)]
    inside: bool,
}

/// Begins again in namespaces of its own: whatever is made there, processes too, ends with it, however it ends.
fn move_inside() -> io::Result<ExitCode> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--inside")
        .env("TMPDIR", "/run");
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(options: &Options) -> io::Result<ExitCode> {
    if !rustix::process::geteuid().is_root() {
        return Err(io::Error::other("network namespaces need root"));
    }
    if !options.inside {
        return move_inside();
    }
    // Names of network namespaces, and files.
    tool("mount", ["-t", "tmpfs", "-o", "mode=1777", "fleet", "/run"])?;
    demo::run(&options.programs)?;
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fleet_demo: {error}");
            ExitCode::FAILURE
        }
    }
}
