//! What `make size` runs: measures lscoap on emulated microcontrollers and writes `docs/footprint.md`; with `--check`,
//! only compares Cortex-M4 with the budgets.

mod archive;
mod budget;
mod elsewhere;
mod figures;
mod image;
mod lakers;
mod mangled;
mod measure;
mod panics;
mod parallel;
mod parts;
mod plan;
mod report;
mod table;
mod tools;

use image::Size;
use lakers::Lakers;
use measure::{Measured, Panicking};
use parallel::parallel;
use plan::{Application, CPUS, Cpu, EXTENDED, M4F, RV32IMAC, SINGLE};
use report::Results;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tools::Places;

const USAGE: &str = "usage: lscoap-footprint [--check] [--build DIRECTORY]";

struct Options {
    check: bool,
    places: Places,
}

fn options() -> Result<Options, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let mut build = root.join("build/footprint");
    let mut check = false;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--check") => check = true,
            Some("--build") => {
                let given = PathBuf::from(arguments.next().ok_or(USAGE)?);
                build = std::path::absolute(given).map_err(|error| error.to_string())?;
            }
            _ => return Err(USAGE.to_owned()),
        }
    }
    let shared = std::env::var_os("CARGO_TARGET_DIR").map(std::path::absolute).transpose();
    let cargo = shared.map_err(|error| error.to_string())?.unwrap_or_else(|| build.join("cargo"));
    Ok(Options { check, places: Places { root, build, cargo } })
}

/// The applications that the budgets speak of, besides the one with both roles.
fn client_applications() -> Vec<&'static Application> {
    SINGLE.iter().chain(&EXTENDED).filter(|application| application.features.contains(&"client")).collect()
}

/// What is weighed on a processor, besides the application with both roles: the clients alone on those that have a near
/// relative.
fn applications(cpu: &Cpu) -> Vec<&'static Application> {
    let all = SINGLE.iter().chain(if cpu.has_relative { &[][..] } else { &EXTENDED });
    all.filter(|application| !cpu.has_relative || application.features.contains(&"client")).collect()
}

/// A job of one thread.
enum Job {
    Measure(&'static Cpu, Vec<&'static Application>),
    Levels(&'static Cpu),
    Stable,
    Lakers(&'static Cpu),
    Panics,
    Secrets(&'static Cpu),
    Networked,
}

enum Done {
    Measured(Vec<Measured>),
    Levels(Vec<Measured>),
    Stable(Vec<Measured>),
    Lakers(Vec<Lakers>),
    Panics(Vec<Panicking>),
    Secrets,
    Networked(Size),
}

impl Job {
    fn name(&self) -> &'static str {
        match self {
            Self::Measure(cpu, _) => cpu.name,
            Self::Levels(_) => "optimisation levels",
            Self::Stable => "stable toolchains",
            Self::Lakers(_) => "lakers",
            Self::Panics => "panics",
            Self::Secrets(_) => "secrets on the stack",
            Self::Networked => "a device on the network",
        }
    }

    fn run(&self, places: &Places) -> Result<Done, String> {
        eprintln!("measuring: {}", self.name());
        let done = match self {
            Self::Measure(cpu, single) => measure::measure(places, cpu, single).map(Done::Measured),
            Self::Levels(cpu) => measure::levels(places, cpu).map(Done::Levels),
            Self::Stable => measure::stable(places, &M4F, &client_applications()).map(Done::Stable),
            Self::Lakers(cpu) => lakers::measure(places, cpu).map(Done::Lakers),
            Self::Panics => measure::panicking(places, &M4F).map(Done::Panics),
            Self::Secrets(cpu) => measure::look_for_secrets(places, cpu).map(|()| Done::Secrets),
            Self::Networked => parts::networked(places).map(Done::Networked),
        };
        done.map_err(|error| format!("{}: {error}", self.name()))
    }
}

fn run(places: &Places, jobs: &[Job]) -> Result<Results, String> {
    let mut results = Results {
        versions: versions()?,
        measured: Vec::new(),
        levels: Vec::new(),
        stable: Vec::new(),
        lakers: Vec::new(),
        panics: Vec::new(),
        networked: None,
    };
    for done in parallel(jobs, |job| job.run(places)) {
        match done? {
            Done::Measured(more) => results.measured.extend(more),
            Done::Levels(more) => results.levels.extend(more),
            Done::Stable(more) => results.stable.extend(more),
            Done::Lakers(more) => results.lakers.extend(more),
            Done::Panics(more) => results.panics.extend(more),
            Done::Secrets => {}
            Done::Networked(size) => results.networked = Some(size),
        }
    }
    Ok(results)
}

fn versions() -> Result<Vec<(&'static str, String)>, String> {
    Ok(vec![
        ("C compiler and linker", tools::version("arm-none-eabi-gcc")?),
        ("for RISC-V", tools::version("riscv64-unknown-elf-gcc")?),
        ("emulator", tools::version("qemu-system-arm")?),
    ])
}

/// Compares with the budgets; what is broken is told.
fn complaints(results: &Results) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for one in &results.measured {
        for budget in budget::check(one)? {
            println!("{}", budget.summary());
            complaints.extend(budget.complaint());
        }
    }
    complaints.extend(budget::panics(&results.measured, &results.panics));
    Ok(complaints)
}

fn check(places: &Places) -> Result<ExitCode, String> {
    let results =
        run(places, &[Job::Measure(&M4F, client_applications()), Job::Secrets(&RV32IMAC), Job::Panics])?;
    let complaints = complaints(&results)?;
    for complaint in &complaints {
        eprintln!("broken: {complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn size(places: &Places) -> Result<ExitCode, String> {
    // That of the budgets first: what waits for the same lock of cargo's takes the longest.
    let mut cpus = CPUS;
    cpus.sort_by_key(|cpu| cpu.name != M4F.name);
    let cpus = cpus.into_iter().map(|cpu| Job::Measure(cpu, applications(cpu)));
    let others = [
        Job::Levels(&M4F),
        Job::Lakers(&M4F),
        Job::Lakers(&RV32IMAC),
        Job::Panics,
        Job::Networked,
        Job::Stable,
    ];
    let jobs: Vec<Job> = cpus.chain(others).collect();
    let mut results = run(places, &jobs)?;
    results.measured.sort_by_key(|one| CPUS.iter().position(|cpu| cpu.name == one.cpu));
    let path = places.root.join("docs/footprint.md");
    let text = report::markdown(&results)?;
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    let result = options()
        .and_then(|options| if options.check { check(&options.places) } else { size(&options.places) });
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}
