//! Images for a board: built by CMake, run by QEMU, weighed by the cross toolchain.

use crate::figures::Run;
use crate::plan::Cpu;
use crate::tools::{self, Places};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An image of which only the size matters: its name, and the functions that it links.
pub struct Flash {
    /// Small letters and hyphens.
    pub name: String,
    /// What the linker is told to bring in.
    pub functions: Vec<String>,
}

/// The name of the image that links nothing: what the others have beyond it is the library's.
pub const NOTHING: &str = "nothing";

/// What images take of a processor's memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Code, constants and initial values.
    pub flash: u64,
    /// Static variables.
    pub ram: u64,
}

/// The images of one archive.
pub struct Images<'a> {
    places: &'a Places,
    cpu: &'a Cpu,
    directory: PathBuf,
}

impl<'a> Images<'a> {
    /// Builds the images to run, and those to weigh.
    pub fn build(
        places: &'a Places,
        cpu: &'a Cpu,
        archive: &Path,
        measure: &[&str],
        flash: &[Flash],
    ) -> Result<Self, String> {
        let directory = archive.with_extension("images");
        let nothing = Flash { name: NOTHING.to_owned(), functions: Vec::new() };
        let sets = flash.iter().chain([&nothing]);
        let sets: Vec<String> = sets.map(|set| format!("{}:{}", set.name, set.functions.join(","))).collect();
        let mut configure = Command::new("cmake");
        configure.arg("-S").arg(places.root.join("footprint/c")).arg("-B").arg(&directory);
        configure.arg(format!("-DBOARD={}", cpu.board));
        configure.arg(format!("-DLSCOAP_PREBUILT={}", archive.display()));
        configure.arg(format!("-DFOOTPRINT_MEASURE={}", measure.join(";")));
        configure.arg(format!("-DFOOTPRINT_FLASH={}", sets.join(";")));
        tools::run(&mut configure)?;
        tools::run(Command::new("cmake").arg("--build").arg(&directory))?;
        Ok(Self { places, cpu, directory })
    }

    /// Where an image to weigh is.
    pub fn flash_image(&self, name: &str) -> PathBuf {
        self.directory.join(format!("flash-{name}.elf"))
    }

    /// Runs the image to run.
    pub fn run(&self, name: &str) -> Result<Run, String> {
        let mut script = Command::new(self.places.root.join("c-examples/firmware/run.sh"));
        script.arg(self.cpu.board).arg(self.directory.join(format!("{name}.elf")));
        Run::parse(&tools::run(&mut script)?.out)
    }

    /// Runs the image that looks for secrets on the stack: an error that lists them where there are any.
    pub fn look_for_secrets(&self) -> Result<(), String> {
        let mut script = Command::new(self.places.root.join("c-examples/firmware/run.sh"));
        script.arg(self.cpu.board).arg(self.directory.join("secrets.elf"));
        tools::run(&mut script).map(drop)
    }

    /// What an image has beyond the one that links nothing.
    pub fn size(&self, name: &str) -> Result<Size, String> {
        let size = |name| size(self.cpu, &self.flash_image(name));
        let (image, nothing) = (size(name)?, size(NOTHING)?);
        let beyond = |whole: u64, harness: u64| {
            whole.checked_sub(harness).ok_or_else(|| format!("{name} is smaller than nothing"))
        };
        Ok(Size { flash: beyond(image.flash, nothing.flash)?, ram: beyond(image.ram, nothing.ram)? })
    }
}

/// What an image takes as a whole, the stack excepted.
pub fn size(cpu: &Cpu, image: &Path) -> Result<Size, String> {
    parse_sections(&tools::binutil(cpu, "objdump", &["-h", "-w"], image)?)
}

/// Reads `objdump -h -w`. Flash holds what is loaded, RAM what is written; the stack counts for neither.
fn parse_sections(listing: &str) -> Result<Size, String> {
    let mut total = Size { flash: 0, ram: 0 };
    for line in listing.lines().filter(|line| line.contains("ALLOC")) {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (name, size) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let size = u64::from_str_radix(size, 16).map_err(|_| format!("a section without a size: {line}"))?;
        if line.contains("LOAD") {
            total.flash += size;
        }
        if !line.contains("READONLY") && name != ".stack" {
            total.ram += size;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_added_up() {
        let listing = "Idx Name Size VMA LMA File off Algn Flags\n\
            \x20 0 .text 00000100 00000000 00000000 00001000 2**2 CONTENTS, ALLOC, LOAD, READONLY, CODE\n\
            \x20 1 .stack 00004000 20000000 20000000 00002000 2**0 ALLOC\n\
            \x20 2 .data 00000008 20004000 00000100 00002000 2**3 CONTENTS, ALLOC, LOAD, DATA\n\
            \x20 3 .bss 00000030 20004008 20004008 00002008 2**3 ALLOC\n\
            \x20 4 .debug_info 00009999 00000000 00000000 00002008 2**0 CONTENTS, READONLY, DEBUGGING\n";
        assert_eq!(parse_sections(listing), Ok(Size { flash: 0x108, ram: 0x38 }));
    }
}
