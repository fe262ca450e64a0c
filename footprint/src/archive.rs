//! Static libraries, by `scripts/build-staticlib.sh`.

use crate::plan::Cpu;
use crate::tools::{self, Places};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the compiler is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// As released: no frame pointers, and the code that panics is a trap.
    Released,
    /// What stable toolchains can be told: the code that panics calls the panic handler.
    Stable,
}

/// What is built.
pub struct Recipe<'a> {
    /// The directory of the crate, from the top of the repository.
    pub directory: &'a str,
    /// For which processor.
    pub cpu: &'a Cpu,
    /// Features, besides those of every static library.
    pub features: Vec<&'a str>,
    /// The optimisation level.
    pub opt_level: &'a str,
    /// What the compiler is told.
    pub flags: Flags,
}

/// The optimisation level for microcontrollers: the default of `CMakeLists.txt`.
pub const OPT_LEVEL: &str = "z";

/// A recipe for lscoap as CMake builds it for microcontrollers.
pub fn lscoap<'a>(cpu: &'a Cpu, features: Vec<&'a str>) -> Recipe<'a> {
    Recipe { directory: ".", cpu, features, opt_level: OPT_LEVEL, flags: Flags::Released }
}

/// An archive, and how it was compiled.
pub struct Archive {
    /// Its place.
    pub path: PathBuf,
    /// The line in which the script tells the compiler and its flags.
    pub compiled: String,
}

/// Builds an archive for programs with a C library, and leaves it at `name.a` in `directory`.
pub fn build(places: &Places, recipe: &Recipe, directory: &Path, name: &str) -> Result<Archive, String> {
    tools::create_dir(directory)?;
    let path = directory.join(format!("{name}.a"));
    let mut script = Command::new(places.root.join("scripts/build-staticlib.sh"));
    script
        .args([recipe.cpu.target, &recipe.features.join(","), recipe.opt_level])
        .arg(&places.cargo)
        .arg(&path);
    script.env("LSCOAP_CRATE", places.root.join(recipe.directory));
    if !recipe.cpu.target.starts_with("thumbv6m") {
        // As CMake builds it.
        script.env("LSCOAP_AR", format!("{}ar", recipe.cpu.toolchain));
    }
    if recipe.flags == Flags::Stable {
        script.env("LSCOAP_FLAGS", "stable");
    }
    let output = tools::run(&mut script)?;
    let compiled = output.err.lines().find_map(|line| line.strip_prefix("lscoap: ")).unwrap_or_default();
    Ok(Archive { path, compiled: compiled.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_default_of_cmake() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../CMakeLists.txt");
        let text = std::fs::read_to_string(path).expect("CMakeLists.txt");
        assert!(text.contains(&format!("set(lscoap_default_opt_level {OPT_LEVEL})")));
    }
}
