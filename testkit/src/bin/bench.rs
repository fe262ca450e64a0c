//! `bench`: what `make bench` runs. See the library's module of the same name.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use lscoap_testkit::bench::kinds::{Kind, Setup};
use lscoap_testkit::bench::machine::Machine;
use lscoap_testkit::bench::measure::{Progress, Results, measure};
use lscoap_testkit::bench::plan::Plan;
use lscoap_testkit::bench::{expectations, plots, report};

/// Measures cold GETs with every kind of security and writes tables and plots.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Options {
    /// Directory of the programs: bin of a CMake build directory
    #[arg(long)]
    programs: PathBuf,
    /// Directory for benchmarks.md, and for the plots in img below it
    #[arg(long, default_value = "docs")]
    out: PathBuf,
    /// Few repetitions and no RTT of 500 ms: to see that it works
    #[arg(long)]
    quick: bool,
    /// What to compare; all kinds when it is not given
    #[arg(long, value_enum, value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// Decides which datagrams are lost
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

struct Bar(ProgressBar);

impl Progress for Bar {
    fn stage(&self, name: &str) {
        self.0.set_message(name.to_owned());
    }

    fn done(&self) {
        self.0.inc(1);
    }
}

fn progress_bar(exchanges: usize) -> Result<Bar, Box<dyn Error>> {
    let bar = ProgressBar::new(exchanges as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} exchanges, {elapsed}  {msg}")?);
    Ok(Bar(bar))
}

fn tell(results: &Results) {
    for (kind, series) in results.plan.kinds.iter().zip(&results.direct) {
        if let Some(stats) = series.stats() {
            println!(
                "{:28} median {:8.3} ms, min {:.3}, max {:.3}",
                kind.name(),
                stats.median,
                stats.min,
                stats.max
            );
        }
    }
    for expectation in expectations::check(results) {
        let measured = expectation.measured.as_ref().map_or("-", |(measured, _)| measured);
        println!("{}: {measured}: {}", expectation.promise, expectation.verdict().trim_matches('*'));
    }
    for reason in results.lossy.iter().flat_map(|series| &series.failed) {
        println!("failed under loss: {reason}");
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let kinds = if options.kinds.is_empty() { Kind::ALL.to_vec() } else { options.kinds };
    if let Some(missing) = kinds.iter().find(|kind| !kind.is_in(&options.programs)) {
        return Err(
            format!("{}: no programs for it in {}", missing.name(), options.programs.display()).into()
        );
    }
    let plan = if options.quick { Plan::quick(kinds, options.seed) } else { Plan::full(kinds, options.seed) };
    let bar = progress_bar(plan.exchanges())?;
    let results = measure(&Setup::new(&options.programs)?, &plan, &bar)?;
    bar.0.finish_and_clear();
    let plots = options.out.join("img");
    fs::create_dir_all(&plots)?;
    fs::write(options.out.join("benchmarks.md"), report::markdown(&results, &Machine::describe()))?;
    plots::write(&results, &plots)?;
    tell(&results);
    Ok(())
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
