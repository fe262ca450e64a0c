//! Running other programs.

use crate::plan::Cpu;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where things are.
#[derive(Clone)]
pub struct Places {
    /// The top of the repository.
    pub root: PathBuf,
    /// For everything that is built.
    pub build: PathBuf,
    /// Cargo's target directory for the archives.
    pub cargo: PathBuf,
}

/// What a program printed.
pub struct Output {
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

/// Runs a program to a good end.
pub fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        return Ok(Output { out, err });
    }
    Err(format!("{command:?}: {}\n{out}{err}", output.status))
}

/// Runs a program of a processor's cross toolchain on a file and gives its standard output.
pub fn binutil(cpu: &Cpu, name: &str, options: &[&str], file: &Path) -> Result<String, String> {
    let program = format!("{}{name}", cpu.toolchain);
    Ok(run(Command::new(program).args(options).arg(file))?.out)
}

/// The first line of what a program says about itself.
pub fn version(program: impl AsRef<OsStr>) -> Result<String, String> {
    let output = run(Command::new(program).arg("--version"))?;
    Ok(output.out.lines().next().unwrap_or_default().to_owned())
}

/// Creates a directory and those above it.
pub fn create_dir(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}
