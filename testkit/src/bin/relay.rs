//! `relay`: see the library's module of the same name.
//!
//! The first line on standard output is the address that clients send to. The counters follow when it is told to end:
//! by SIGINT, by SIGTERM, or by the end of its standard input where that is a terminal or a pipe.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use lscoap_testkit::relay::{Relay, RelayConfig};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Relays UDP datagrams between many clients and one server, as badly as it is told to.
#[derive(Parser)]
#[command(name = "relay", version)]
struct Options {
    /// Address that clients send to; port 0 lets the system choose
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The server, as host:port
    #[arg(long)]
    to: String,
    /// One-way delay in milliseconds: the round-trip time grows by twice that
    #[arg(long, default_value_t = 0.0, value_parser = milliseconds)]
    delay_ms: f64,
    /// Probability that a datagram is lost
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    loss: f64,
    /// Probability that a datagram is sent twice
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    duplicate: f64,
    /// Probability that a datagram is held back for 30 ms
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    reorder: f64,
    /// Probability that one byte of a datagram is changed
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    corrupt: f64,
    /// Chooses which datagrams are hit: the same seed hits the same ones
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn within(text: &str, max: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=max).contains(&number) { Ok(number) } else { Err(format!("not within 0 and {max}")) }
}

fn probability(text: &str) -> Result<f64, String> {
    within(text, 1.0)
}

fn milliseconds(text: &str) -> Result<f64, String> {
    within(text, 600_000.0)
}

/// True when somebody can end it: a program started in the background has /dev/null there, which ends at once.
fn stdin_is_held_open() -> bool {
    let kind = fs::metadata("/dev/stdin").map(|data| data.file_type());
    io::stdin().is_terminal() || kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

/// Returns when it is time to end.
fn wait_for_the_end() -> io::Result<()> {
    let (told, end) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let by_signal = told.clone();
    thread::spawn(move || {
        signals.forever().next();
        let _ = by_signal.send(());
    });
    if stdin_is_held_open() {
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            let _ = told.send(());
        });
    }
    let _ = end.recv();
    Ok(())
}

fn run(options: &Options) -> io::Result<()> {
    let server = options.to.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let config = RelayConfig::new(server)
        .listen(options.listen)
        .delay(Duration::from_secs_f64(options.delay_ms / 1e3))
        .loss(options.loss)
        .duplicate(options.duplicate)
        .reorder(options.reorder)
        .corrupt(options.corrupt)
        .seed(options.seed);
    let relay = Relay::start(config)?;
    println!("{}", relay.addr());
    io::stdout().flush()?;
    wait_for_the_end()?;
    println!("{}", relay.counters());
    Ok(())
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}
