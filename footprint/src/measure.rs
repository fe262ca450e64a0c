//! The measurements of one processor and back-end.

use crate::archive::{self, Flags, OPT_LEVEL, Recipe};
use crate::figures::Run;
use crate::image::{Flash, Images, Size};
use crate::panics::{self, Panic};
use crate::plan::{Application, BOTH, Backend, Cpu, EVERY, WITH_RESUME, functions_of_header};
use crate::tools::{self, Places};
use std::fs;
use std::path::{Path, PathBuf};

/// What was measured of lscoap.
pub struct Measured {
    /// The processor's name.
    pub cpu: &'static str,
    /// Who computed on the curve.
    pub backend: Backend,
    /// The optimisation level.
    pub opt_level: &'static str,
    /// The compiler and its flags.
    pub compiled: String,
    /// Calls and objects.
    pub run: Run,
    /// Applications by title.
    pub sizes: Vec<(&'static str, Size)>,
    /// What an image with every function has of a heap: functions by name.
    pub heap: Vec<String>,
    /// Symbols of `core::panicking` in that image.
    pub panicking: Vec<String>,
}

impl Measured {
    /// The size of an application.
    pub fn size(&self, application: &Application) -> Option<Size> {
        self.sizes.iter().find(|(title, _)| *title == application.title).map(|(_, size)| *size)
    }
}

/// Functions that an image with a heap has, by one of these names.
const HEAP: [&str; 6] = ["malloc", "_malloc_r", "_sbrk", "_sbrk_r", "sbrk", "__rust_alloc"];

/// Where its archives and images are.
fn directory(places: &Places, cpu: &Cpu) -> PathBuf {
    places.build.join(cpu.board)
}

fn archive_name(application: &Application, backend: Backend, opt_level: &str) -> String {
    format!("{}-{}-{opt_level}", application.name, backend.name().to_ascii_lowercase())
}

fn header(places: &Places) -> Result<Vec<String>, String> {
    let path = places.root.join("include/lscoap.h");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(functions_of_header(&text))
}

fn flash(application: &Application, all: &[String]) -> Flash {
    Flash { name: application.name.to_owned(), functions: application.functions(all) }
}

/// As released, with an application's features.
pub fn recipe<'a>(cpu: &'a Cpu, backend: Backend, application: &Application) -> Recipe<'a> {
    archive::lscoap(cpu, [application.features, backend.features()].concat())
}

/// Measures every call, and the sizes of these applications besides those with both roles; with each back-end.
pub fn measure(
    places: &Places,
    cpu: &'static Cpu,
    single: &[&'static Application],
) -> Result<Vec<Measured>, String> {
    let directory = directory(places, cpu);
    let measure =
        |backend| measure_with(places, &directory, cpu, backend, OPT_LEVEL, Flags::Released, single);
    Backend::of(cpu).into_iter().map(measure).collect()
}

/// The same by what stable toolchains can be told.
pub fn stable(
    places: &Places,
    cpu: &'static Cpu,
    single: &[&'static Application],
) -> Result<Vec<Measured>, String> {
    let directory = directory(places, cpu).join("stable");
    let measure = |backend| measure_with(places, &directory, cpu, backend, OPT_LEVEL, Flags::Stable, single);
    Backend::of(cpu).into_iter().map(measure).collect()
}

/// Looks for secrets on the stack, as [`measure`] does too.
pub fn look_for_secrets(places: &Places, cpu: &Cpu) -> Result<(), String> {
    let directory = directory(places, cpu);
    let backend = Backend::RustCrypto;
    let name = archive_name(&EVERY, backend, OPT_LEVEL);
    let archive = archive::build(places, &recipe(cpu, backend, &EVERY), &directory, &name)?;
    Images::build(places, cpu, &archive.path, &["secrets"], &[])?.look_for_secrets()
}

/// The optimisation levels to compare, the smallest code first.
const OPT_LEVELS: [&str; 4] = ["z", "s", "2", "3"];

/// Measures RustCrypto at each optimisation level.
pub fn levels(places: &Places, cpu: &'static Cpu) -> Result<Vec<Measured>, String> {
    let directory = directory(places, cpu).join("levels");
    let measure = |level: &&'static str| {
        measure_with(places, &directory, cpu, Backend::RustCrypto, level, Flags::Released, &[])
    };
    OPT_LEVELS.iter().map(measure).collect()
}

fn measure_with(
    places: &Places,
    directory: &Path,
    cpu: &'static Cpu,
    backend: Backend,
    opt_level: &'static str,
    flags: Flags,
    single: &[&'static Application],
) -> Result<Measured, String> {
    let all = header(places)?;
    let build = |application| {
        let name = archive_name(application, backend, opt_level);
        let recipe = Recipe { opt_level, flags, ..recipe(cpu, backend, application) };
        archive::build(places, &recipe, directory, &name)
    };
    let whole = build(&EVERY)?;
    let of_whole = [&WITH_RESUME, &EVERY];
    let is_scanned = cpu.scanned && opt_level == OPT_LEVEL; // as released
    let run: &[&str] = if is_scanned { &["measure", "secrets"] } else { &["measure"] };
    let images = Images::build(places, cpu, &whole.path, run, &of_whole.map(|one| flash(one, &all)))?;
    if is_scanned {
        images.look_for_secrets()?;
    }
    let mut sizes = Vec::new();
    for application in of_whole {
        sizes.push((application.title, images.size(application.name)?));
    }
    for application in [&BOTH].iter().chain(single) {
        let archive = build(application)?;
        let images = Images::build(places, cpu, &archive.path, &[], &[flash(application, &all)])?;
        sizes.push((application.title, images.size(application.name)?));
    }
    let every = images.flash_image(EVERY.name);
    let symbols = tools::binutil(cpu, "nm", &["--format=just-symbols"], &every)?;
    Ok(Measured {
        cpu: cpu.name,
        backend,
        opt_level,
        compiled: whole.compiled,
        run: images.run("measure")?,
        sizes,
        heap: symbols.lines().filter(|name| HEAP.contains(name)).map(str::to_owned).collect(),
        panicking: panics::symbols(cpu, &every)?,
    })
}

/// The calls that panic in a library that is built as toolchains do by default.
pub struct Panicking {
    /// Who computes on the curve.
    pub backend: Backend,
    /// The optimisation level.
    pub opt_level: &'static str,
    /// The calls.
    pub calls: Vec<Panic>,
}

/// At which levels code that panics is looked for: at the default one, and at one that inlines the checks of `core`
/// into the functions that ask for them.
const PANIC_LEVELS: [&str; 2] = [OPT_LEVEL, "s"];

/// Looks for them with each back-end.
pub fn panicking(places: &Places, cpu: &Cpu) -> Result<Vec<Panicking>, String> {
    let (directory, all) = (directory(places, cpu).join("panics"), header(places)?);
    let mut found = Vec::new();
    for backend in Backend::of(cpu) {
        for opt_level in PANIC_LEVELS {
            let recipe = Recipe { flags: Flags::Stable, opt_level, ..recipe(cpu, backend, &EVERY) };
            let name = archive_name(&EVERY, backend, opt_level);
            let archive = archive::build(places, &recipe, &directory, &name)?;
            let images = Images::build(places, cpu, &archive.path, &[], &[flash(&EVERY, &all)])?;
            let calls = panics::calls(cpu, &images.flash_image(EVERY.name))?;
            found.push(Panicking { backend, opt_level, calls });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_called_by_the_image() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let places = Places { build: root.join("build"), cargo: root.join("build/cargo"), root };
        let sources = places.root.join("footprint/c").read_dir().expect("a directory");
        let text: String = sources
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
            .map(|path| fs::read_to_string(path).expect("a source"))
            .collect();
        for function in header(&places).expect("the header") {
            assert!(text.contains(&format!("{function}(")), "{function} is not measured");
        }
    }
}
