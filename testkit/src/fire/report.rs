//! `docs/robustness.md`.

use std::fmt::Write as _;
use std::time::Duration;

use super::flood::FloodPlan;
use super::results::{Ends, FloodResults, Met, NetworkCell, NetworkResult, SoakResult};
use super::site::GATEWAY_SLOTS;
use crate::bench::machine::Machine;

/// Everything that was measured.
pub struct Results {
    /// Rows of the network table.
    pub network: Vec<(NetworkCell, NetworkResult)>,
    /// How the floods were.
    pub plan: FloodPlan,
    /// The floods.
    pub floods: FloodResults,
    /// The long runs.
    pub soak: SoakResult,
}

/// The document.
pub fn markdown(results: &Results, machine: &Machine) -> String {
    let mut text = "# Robustness\n\nWritten by `make robustness` from what it has just measured; do not edit.\n\n\
        The server is `secure_server` of this repository, under floods the gateway too; devices are made of the Rust library and a CoAP client with the \
        retransmission of RFC 7252 (2 to 3 s at first, doubled four times). Times depend on the machine; what counts is \
        how they stand beside each other.\n\n|  |  |\n| --- | ---: |\n"
        .to_owned();
    for (name, fact) in &machine.facts {
        let _ = writeln!(text, "| {name} | {fact} |");
    }
    text += &network(results);
    text += &floods(&results.plan, &results.floods);
    text += &soak(&results.soak);
    text
}

fn network(results: &Results) -> String {
    let mut text = "\n## A bad network\n\nDatagrams are lost each way with the probability given; besides, 5 % arrive twice, \
        5 % late, and in 1 % one byte is changed. A cold exchange makes a session and sends a POST in it, a warm one is another \
        POST in the same session. An exchange that fails ends in a clear error: nothing came for the last retransmission, or \
        the server refused in the clear what had been changed on the way. *Carried out* counts requests that the server \
        opened: never more than the devices sealed, since copies are refused as replays or answered from memory.\n\n\
        | session by | loss | cold: succeeded | warm: succeeded | what failed | sealed | carried out | datagrams lost |\n\
        | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n"
        .to_owned();
    for (cell, result) in &results.network {
        let total = |ends: &Ends| ends.values().sum::<u64>();
        let of = |ends: &Ends| format!("{} of {}", NetworkResult::succeeded(ends), total(ends));
        let mut failures: Vec<String> = Vec::new();
        for (failure, count) in result.cold.iter().chain(&result.warm) {
            if let Some(failure) = failure {
                failures.push(format!("{count} × {failure}"));
            }
        }
        let failures = if failures.is_empty() { "nothing".to_owned() } else { failures.join("; ") };
        let lost = result.relay.up.lost + result.relay.down.lost;
        let _ = writeln!(
            text,
            "| {} | {:.0} % | {} | {} | {failures} | {} | {} | {lost} |",
            cell.way.name(),
            cell.loss * 100.0,
            of(&result.cold),
            of(&result.warm),
            result.sealed,
            result.executed
        );
    }
    text
}

fn ms(time: Option<Duration>) -> String {
    time.map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
}

/// How much longer than at an idle server.
fn ratio(met: &Met, idle: &Met) -> String {
    match (met.median(), idle.median()) {
        (Some(met), Some(idle)) => format!("{:.1}", met.as_secs_f64() / idle.as_secs_f64()),
        _ => "-".to_owned(),
    }
}

/// A document with the floods of another run in the place of its own; `None` where it has none.
pub fn replace_floods(document: &str, plan: &FloodPlan, results: &FloodResults) -> Option<String> {
    let (before, rest) = document.split_once("\n## Floods\n")?;
    let (_, after) = rest.split_once("\n## Long runs\n")?;
    Some(format!("{before}{}\n## Long runs\n{after}", floods(plan, results)))
}

fn floods(plan: &FloodPlan, results: &FloodResults) -> String {
    let FloodResults { idle, floods } = results;
    let FloodPlan { devices, patience, retry_rate, .. } = plan;
    let total: u64 = floods.iter().flat_map(|flood| &flood.attacked).map(|attacked| attacked.datagrams).sum();
    let idle_ms: Vec<String> =
        idle.iter().map(|(name, met)| format!("{} ms ({name})", ms(met.median()))).collect();
    let mut text = format!(
        "\n## Floods\n\nAnother process sends as fast as it can, {total} datagrams in all, and meanwhile {devices} devices that have \
         nothing make a signed handshake and a GET each, all at once; one whose last retransmission was in vain begins anew, and gives up \
         after {} s. So it is done to `secure_server`, to the gateway (`--serve-index`, on all cores, with room for {GATEWAY_SLOTS} sessions, as if nothing is said), and to libcoap's server with DTLS and a pre-shared \
         key, where as many of libcoap's clients do the same. lscoap's servers ask for cookies when more than {retry_rate} handshakes begin in a second. \
         Medians at idle servers: {}; DTLS makes no curve arithmetic. Flood, server and devices share the cores: a server that keeps up with more leaves less to the flood. A datagram that finds the socket's buffer full is lost, and costs \
         a retransmission after 2 to 3 s (lscoap) or 1 s (DTLS): what these times show is mostly that.\n\n\
         | flood | server | datagrams | a second | served | median, ms | × idle | longest, ms | RETRYs | its memory before and after, kB |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        patience.as_secs(),
        idle_ms.join(", "),
    );
    for flood in floods {
        for ((name, idle), attacked) in idle.iter().zip(&flood.attacked) {
            let met = &attacked.met;
            let _ = writeln!(
                text,
                "| {} | {name} | {} | {:.0} | {} of {} | {} | {} | {} | {} | {} → {} |",
                flood.kind.name(),
                attacked.datagrams,
                attacked.datagrams as f64 / attacked.took.as_secs_f64(),
                met.times.len(),
                met.times.len() + met.failures.len(),
                ms(met.median()),
                ratio(met, idle),
                ms(met.longest()),
                attacked.retries.map_or("-".to_owned(), |retries| retries.to_string()),
                attacked.memory_kb[0],
                attacked.memory_kb[1],
            );
        }
    }
    text + &expected(results)
}

/// What is expected of the gateway, and whether it is so.
fn expected(results: &FloodResults) -> String {
    let place = |name: &str| results.idle.iter().position(|(other, _)| *other == name);
    let (Some(gateway), Some(dtls)) = (place("gateway"), place("DTLS")) else { return String::new() };
    let mut text =
        "\nExpected of the gateway: every device is served, with a median below DTLS's.\n\n".to_owned();
    for flood in &results.floods {
        let [gateway, dtls] = [gateway, dtls].map(|place| &flood.attacked[place].met);
        let all = gateway.failures.is_empty();
        let verdict = if all && gateway.median() < dtls.median() { "met" } else { "**not met**" };
        let _ = writeln!(text, "- {}: {verdict}", flood.kind.name());
    }
    text
}

fn soak(soak: &SoakResult) -> String {
    let mut text = format!(
        "\n## Long runs\n\n{} devices made {} sealed GETs at one server, which opened {} records in {:.0} s. Its resident memory was {} kB \
         when a tenth was done and {} kB at the end.\n\n{} devices resumed once a day for {} days from what they had stored, with two \
         requests each time, at a server that restarted every week with nothing but its resume records; time was passed by hand. {} \
         resumptions and {} full handshakes (the first of each device), {} sessions at the end. The program that held both ends had {} kB \
         after the first day and {} kB after the last.\n",
        soak.devices,
        soak.exchanges,
        soak.records,
        soak.took.as_secs_f64(),
        soak.memory_kb[0],
        soak.memory_kb[1],
        soak.daily_devices,
        soak.days,
        soak.resumed,
        soak.handshakes,
        soak.sessions,
        soak.daily_memory_kb[0],
        soak.daily_memory_kb[1],
    );
    if let Some((exchanges, said)) = &soak.valgrind {
        let _ = writeln!(text, "\nUnder valgrind, {exchanges} exchanges and a graceful stop: {said}.");
    }
    text
}
