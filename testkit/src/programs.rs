//! Where the C programs are.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::process::tool;

/// Names the directory that holds the programs: `bin` of a CMake build directory.
pub const VARIABLE: &str = "LSCOAP_PROGRAMS";

/// The directory that [`VARIABLE`] names. When it names none, the programs are built in `build` first, from the top
/// of the repository.
pub fn directory(build: &Path) -> io::Result<PathBuf> {
    if let Some(directory) = env::var_os(VARIABLE) {
        return Ok(directory.into());
    }
    // Tests of one program are threads, and builds in one directory disturb each other.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    tool(
        "cmake",
        [
            "-DCMAKE_BUILD_TYPE=Release".as_ref(),
            "-S".as_ref(),
            source.as_os_str(),
            "-B".as_ref(),
            build.as_os_str(),
        ],
    )?;
    tool("cmake", ["--build".as_ref(), build.as_os_str()])?;
    Ok(build.join("bin"))
}
