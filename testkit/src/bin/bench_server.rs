//! `bench_server`: what `make bench-server` runs. See the library's module `speed`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use lscoap_testkit::bench::machine::Machine;
use lscoap_testkit::speed::measure::{Results, measure};
use lscoap_testkit::speed::plan::Plan;
use lscoap_testkit::speed::processor::Cores;
use lscoap_testkit::speed::station::Setup;
use lscoap_testkit::speed::{expectations, report};

/// Measures what a server carries and writes server-speed.md.
#[derive(Parser)]
#[command(name = "bench_server", version)]
struct Options {
    /// Directory of the programs: bin of a CMake build directory; the rows of a gateway that is not there are left out
    #[arg(long)]
    programs: PathBuf,
    /// The program aiocoap-fileserver, to be behind the gateway; or its row is left out
    #[arg(long)]
    aiocoap: Option<PathBuf>,
    /// Directory for server-speed.md
    #[arg(long, default_value = "docs")]
    out: PathBuf,
    /// Very little of everything: to see that it works
    #[arg(long)]
    quick: bool,
}

fn tell(results: &Results) {
    for speed in &results.speeds {
        if let (Some(cpu), Some(wall), Some(busy)) = (speed.by_cpu(), speed.by_wall(), speed.busy()) {
            println!(
                "{:5} {:36} {:9.0} a second of CPU ({:.0} to {:.0}), {:9.0} by clock, busy {:3.0} %",
                if speed.row.warm { "warm" } else { "cold" },
                speed.row.name(),
                cpu.median,
                cpu.min,
                cpu.max,
                wall.median,
                busy * 100.0
            );
        }
    }
    for expectation in expectations::check(results) {
        let measured = expectation.measured.map_or("-".to_owned(), |(ratio, _)| format!("{ratio:.2}"));
        println!("{}: {measured}: {}", expectation.promise, expectation.verdict().trim_matches('*'));
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let plan = if options.quick { Plan::quick() } else { Plan::full() };
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{elapsed}  {msg}")?);
    let crowds = plan.memory.iter().chain(&plan.peers).map(|count| count + 1);
    let devices = crowds.max().unwrap_or(0).max(plan.devices);
    let machine = Machine::describe(); // while this process may run on all of its cores
    let setup = Setup::new(&options.programs, options.aiocoap, Cores::take()?, devices)?;
    let results = measure(&setup, &plan, &|what| {
        bar.set_message(what.to_owned());
        bar.tick();
    })?;
    bar.finish_and_clear();
    fs::create_dir_all(&options.out)?;
    fs::write(options.out.join("server-speed.md"), report::markdown(&results, &machine))?;
    tell(&results);
    Ok(())
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_server: {error}");
            ExitCode::FAILURE
        }
    }
}
