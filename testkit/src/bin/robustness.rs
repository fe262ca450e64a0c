//! `robustness`: what `make robustness` runs. See the library's module `fire`.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use lscoap_testkit::bench::machine::Machine;
use lscoap_testkit::fire::device::Keys;
use lscoap_testkit::fire::flood::{self, Kind};
use lscoap_testkit::fire::plan::Plan;
use lscoap_testkit::fire::report::{self, Results};
use lscoap_testkit::fire::{network, soak};

/// Puts a server under fire and writes robustness.md.
#[derive(Parser)]
#[command(name = "robustness", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything
    Measure {
        /// Directory of the programs: bin of a CMake build directory
        #[arg(long)]
        programs: PathBuf,
        /// Directory for robustness.md
        #[arg(long, default_value = "docs")]
        out: PathBuf,
        /// The floods alone, in the place of those of the robustness.md that is there
        #[arg(long)]
        floods: bool,
        /// Little of everything: to see that it works
        #[arg(long)]
        quick: bool,
    },
    /// Floods an address until standard input has something; measure starts it
    Flood { kind: Kind, id: String, secret: String, server_key: String, lscoap: SocketAddr, to: SocketAddr },
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..N).map(|n| byte(n * 2)).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn measure_floods(programs: &Path, out: &Path, quick: bool) -> Result<(), Box<dyn Error>> {
    let plan = if quick { Plan::quick() } else { Plan::full() }.flood;
    let mut progress = |what: &str| eprintln!("robustness: {what}");
    let results = flood::measure(programs, &plan, Kind::value_variants(), &mut progress)?;
    let document = out.join("robustness.md");
    let text = report::replace_floods(&fs::read_to_string(&document)?, &plan, &results);
    Ok(fs::write(document, text.ok_or("robustness.md has no floods")?)?)
}

fn measure(programs: &Path, out: &Path, quick: bool) -> Result<(), Box<dyn Error>> {
    let plan = if quick { Plan::quick() } else { Plan::full() };
    let mut progress = |what: &str| eprintln!("robustness: {what}");
    progress("bad networks");
    let network = std::thread::scope(|scope| {
        let run = |cell| scope.spawn(move || network::run(programs, cell));
        let workers: Vec<_> = plan.cells.iter().map(run).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Result<Vec<_>, _>>()
    })?;
    let network: Vec<_> = plan.cells.into_iter().zip(network).collect();
    for (cell, result) in &network {
        if !result.is_sound() {
            return Err(
                format!("{} at {}: something was carried out twice", cell.way.name(), cell.loss).into()
            );
        }
    }
    let floods = flood::measure(programs, &plan.flood, Kind::value_variants(), &mut progress)?;
    let soak = soak::measure(programs, &plan.soak, &mut progress)?;
    let results = Results { network, plan: plan.flood, floods, soak };
    fs::create_dir_all(out)?;
    fs::write(out.join("robustness.md"), report::markdown(&results, &Machine::describe()))?;
    Ok(())
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    match options.command {
        Command::Measure { programs, out, quick, floods: true } => measure_floods(&programs, &out, quick),
        Command::Measure { programs, out, quick, floods: false } => measure(&programs, &out, quick),
        Command::Flood { kind, id, secret, server_key, lscoap, to } => {
            let (secret, server) = (unhex(&secret), unhex(&server_key));
            let keys = Keys { id, secret: secret.ok_or("no secret")?, server: server.ok_or("no key")? };
            flood::send(kind, &keys, lscoap, to).map_err(|failure| failure.to_string())?;
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("robustness: {error}");
            ExitCode::FAILURE
        }
    }
}
