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

/// An empty place for what one test builds, but for cargo's part of it: building all that again takes a minute.
pub fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for stale in ["CMakeCache.txt", "CMakeFiles", "consumer", "firmware"] {
        let path = dir.join(stale);
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Runs a command to a good end and gives its standard output.
pub fn run(command: &mut Command) -> String {
    // cargo test points this at the libraries of its own compiler.
    let output =
        command.env_remove("LD_LIBRARY_PATH").output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out
}

/// Configures and builds a directory with CMake.
pub fn cmake(source: &Path, build: &Path, options: &[String]) {
    run(Command::new("cmake").arg("-S").arg(source).arg("-B").arg(build).args(options));
    build_again(build);
}

/// Builds what has been configured.
pub fn build_again(build: &Path) {
    run(Command::new("cmake").arg("--build").arg(build));
}
