//! What a session costs the server in memory: how its resident memory grows while sessions are opened and kept.

use std::io;

use lscoap::client::Profile;

use super::device::Device;
use super::dtls::DtlsLoad;
use super::plan::Plan;
use super::processor::resident;
use super::rows::{Host, Kind, Row};
use super::station::{Setup, handshakes};

/// Whose memory is measured.
pub const ROWS: [Row; 4] = [
    Row::warm(Kind::Psk),
    Row::warm(Kind::Certificates),
    Row::warm(Kind::Signed),
    Row::warm(Kind::Signed).at(Host::Gateway),
];
/// Sessions that are opened first and not counted: the code has run once by then.
const FIRST: usize = 1;
/// Room for that, of the server with which lscoap's is compared.
const SLOTS_OF_NONE: usize = 8;

/// Bytes a session, for each number of sessions of the plan.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Of which server.
    pub row: Row,
    /// In the order of the plan.
    pub bytes_each: Vec<f64>,
}

/// Opens sessions with servers of that row, a new one for each number.
pub fn measure(setup: &Setup, plan: &Plan, row: Row) -> io::Result<Memory> {
    let each = plan.memory.iter().map(|sessions| of(setup, plan, row, *sessions));
    Ok(Memory { row, bytes_each: each.collect::<io::Result<_>>()? })
}

fn of(setup: &Setup, plan: &Plan, row: Row, sessions: usize) -> io::Result<f64> {
    let all = FIRST + sessions;
    // As many slots as the program takes for so many devices by itself.
    let server = setup.server(row, all + all.div_ceil(4))?;
    let process = server.program.id();
    let base;
    if row.kind.is_lscoap() {
        // Slots are allocated at the start, and the system gives them memory when and in what pieces it likes: what
        // is compared with is a server with next to none.
        let mut devices = setup.fleet.load(all, Profile::Express)?;
        let (first, rest) = devices.split_at_mut(FIRST);
        let small = setup.server(row, SLOTS_OF_NONE)?;
        handshakes(first, small.addr, plan.at_once)?;
        base = resident(small.program.id())?;
        for some in rest.chunks_mut(1000) {
            handshakes(some, server.addr, plan.at_once)?;
            some.iter_mut().for_each(Device::hang_up); // ports are few
        }
    } else {
        let mut load = DtlsLoad::start(setup, row.kind, server.addr, plan.at_once)?;
        load.open(FIRST)?;
        base = resident(process)?;
        load.open(sessions)?;
        return Ok(resident(process)?.saturating_sub(base) as f64 / sessions as f64);
    }
    Ok(resident(process)?.saturating_sub(base) as f64 / sessions as f64)
}
