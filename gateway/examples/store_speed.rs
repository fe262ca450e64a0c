//! What an operation of each store costs, alone and 32 at a time, as rows of a table: `cargo run --release -p lscoap-gateway --example
//! store_speed`. Microseconds: this process's own CPU by the kernel's account (`schedstat`) and the clock's; medians of rounds.

use lscoap_gateway::store::{self, Job, Jobs, Options, Outcome, Secret, Worker};
use lscoap_testkit::stores;
use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

const ROUNDS: usize = 21;
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir_in(std::env::current_dir()?)?; // not in memory, where a disk costs nothing
    println!("| store | operation | own CPU, alone | 32 at a time | clock, alone | 32 at a time |");
    println!("|---|---|---:|---:|---:|---:|");
    measure("memory", "none")?;
    measure("SQLite", &format!("sqlite:{}/state", directory.path().display()))?;
    for (name, server) in [
        ("Redis, everysec", stores::Store::redis_everysec()?),
        ("Redis, always", stores::Store::redis()?),
        ("PostgreSQL", stores::Store::postgresql()?),
    ] {
        measure(name, &server.url())?;
    }
    Ok(())
}

type Make = fn(u32, u32) -> Job;

/// The number of a device, and the round, which counts.
const OPERATIONS: &[(&str, Make)] = &[("save", save), ("count", count), ("load", load)];

fn name(device: u32) -> Vec<u8> {
    format!("device-{device}").into_bytes()
}

fn record() -> Secret {
    Secret::from(vec![0x5a; 110])
}

fn save(device: u32, _: u32) -> Job {
    Job::Save { device_id: name(device), cid: device.to_be_bytes().to_vec(), record: record(), count: None }
}

fn count(device: u32, round: u32) -> Job {
    Job::Save {
        device_id: name(device),
        cid: device.to_be_bytes().to_vec(),
        record: record(),
        count: Some(round),
    }
}

fn load(device: u32, _: u32) -> Job {
    Job::Load { cid: device.to_be_bytes().to_vec() }
}

fn measure(store: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let store_of = store::open(url, &Options { timeout: LIMIT, ..Options::default() })?;
    let mut worker = store_of.worker(Box::new(|| {}));
    for (operation, make) in OPERATIONS {
        let alone = run(&mut worker, *make, 1, 0)?;
        let many = run(&mut worker, *make, 32, 1_000)?;
        let [cpu_alone, wall_alone, cpu_many, wall_many] =
            [alone.0, alone.1, many.0, many.1].map(|value| format!("{value:.1}"));
        println!("| {store} | {operation} | {cpu_alone} | {cpu_many} | {wall_alone} | {wall_many} |");
    }
    Ok(())
}

/// Medians of µs of CPU and by the clock, for an operation of `size` that are handed over together.
fn run(worker: &mut Worker, make: Make, size: u32, first: u32) -> Result<(f64, f64), Box<dyn Error>> {
    const BATCHES: u32 = 8;
    let mut rounds = Vec::new();
    let mut next = 0;
    for round in 1..=u32::try_from(ROUNDS)? {
        let (cpu, start) = (own_cpu()?, Instant::now());
        for batch in 0..BATCHES {
            for device in 0..size {
                next += 1;
                if !worker.submit(next, make(first + batch * size + device, round)) {
                    return Err("the queue is full".into());
                }
            }
            for _ in 0..size {
                match worker.wait(LIMIT).map(|done| done.outcome) {
                    Some(Outcome::Done | Outcome::Loaded(Some(_))) => {}
                    other => return Err(format!("{other:?}").into()),
                }
            }
        }
        let each = f64::from(BATCHES * size);
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / each;
        rounds.push((micros(own_cpu()? - cpu), micros(start.elapsed())));
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Ok((
        median(rounds.iter().map(|round| round.0).collect()),
        median(rounds.iter().map(|round| round.1).collect()),
    ))
}

/// What all threads of this process have run.
fn own_cpu() -> Result<Duration, Box<dyn Error>> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        sum += text.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(sum))
}
