//! Running other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// The directory of a consumer in `consumer/`.
pub fn consumer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("consumer").join(name)
}

/// An empty place for what one test builds.
pub fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Runs a command to a good end and gives its standard output. Archives are built in the target directory of these
/// tests, where others want them too.
pub fn run(command: &mut Command) -> String {
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is in it");
    // cargo test points the latter at the libraries of its own compiler.
    command.env("CARGO_TARGET_DIR", target_dir).env_remove("LD_LIBRARY_PATH");
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out
}

/// Configures and builds a directory with CMake.
pub fn cmake(source: &Path, build: &Path, options: &[String]) -> String {
    run(Command::new("cmake").arg("-S").arg(source).arg("-B").arg(build).args(options));
    build_again(build)
}

/// Builds what has been configured, and gives what was said.
pub fn build_again(build: &Path) -> String {
    run(Command::new("cmake").arg("--build").arg(build))
}
