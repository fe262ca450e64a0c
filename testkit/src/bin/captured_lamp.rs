//! A lamp that somebody has taken apart: joins its group with its own key, and tries to command the others.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lscoap::client::Profile;
use lscoap_testkit::captured::Loot;
use lscoap_testkit::fire::device::{Device, Keys};
use rustix::net::sockopt::set_ip_multicast_if;

/// Ahead of every genuine number. Each forgery has another: copies would be refused unchecked.
const AHEAD: u64 = 1000;

/// A lamp that somebody has taken apart commands the others of its group, as far as its keys go
#[derive(Parser)]
struct Arguments {
    /// Its key, of 'lscoap keygen'
    #[arg(long)]
    key: PathBuf,
    /// Its id
    #[arg(long)]
    id: String,
    /// The server's enrolment string
    #[arg(long)]
    server: String,
    /// Where the server is
    #[arg(long)]
    to: SocketAddr,
    /// Where else the group listens
    #[arg(long)]
    also: Vec<SocketAddr>,
    /// What the others are to do: PUT PATH PAYLOAD
    path: String,
    /// The payload of that
    payload: String,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let text = std::fs::read_to_string(&arguments.key).map_err(|error| error.to_string())?;
    let keys = Keys {
        id: arguments.id.clone(),
        secret: secret(&text).ok_or("not a key file")?,
        server: lscoap::enrolment::parse_server(&arguments.server)
            .map_err(|error| format!("the server's string: {error:?}"))?,
    };
    let mut device = Device::new(&keys, Profile::Signed, arguments.to).map_err(|error| error.to_string())?;
    let loot = Loot::take(&mut device).map_err(|error| error.to_string())?;
    let group = loot.address().ok_or("the group has no address")?;
    let socket = UdpSocket::bind((arguments.to.ip(), 0)).map_err(|error| error.to_string())?;
    if let SocketAddr::V4(server) = arguments.to {
        // The interface that the server is reached by.
        set_ip_multicast_if(&socket, server.ip()).map_err(|error| error.to_string())?;
    }
    println!("{} has the group's keys", arguments.id);
    for (forgery, ahead) in loot.forgeries().into_iter().zip(AHEAD..) {
        let datagram =
            loot.forge(forgery, ahead, arguments.path.trim_start_matches('/'), arguments.payload.as_bytes());
        for to in arguments.also.iter().chain([&group]) {
            socket.send_to(&datagram, to).map_err(|error| format!("{to}: {error}"))?;
        }
        println!(
            "{} sent PUT {} {} to the others: {forgery:?}",
            arguments.id, arguments.path, arguments.payload
        );
    }
    Ok(())
}

/// The secret of a key file: a line of 64 hexadecimal digits.
fn secret(text: &str) -> Option<[u8; 32]> {
    let line = text.lines().map(str::trim).find(|line| line.len() == 64)?;
    let mut secret = [0; 32];
    for (at, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(line.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(secret)
}
