//! The results as `benchmarks.md`.

use std::fmt::Write;

use super::expectations;
use super::kinds::Kind;
use super::machine::Machine;
use super::markdown::{Table, machine_table, or_dash};
use super::measure::{OnWire, OneWay, Results, Series};
use super::stats::Stats;
use crate::relay::Count;

fn ms(number: f64) -> String {
    if number < 100.0 { format!("{number:.3}") } else { format!("{number:.0}") }
}

fn percent(probability: f64) -> String {
    format!("{:.0} %", probability * 100.0)
}

/// Everything.
pub fn markdown(results: &Results, machine: &Machine) -> String {
    let plan = &results.plan;
    let seconds = |kind: Kind| or_dash(kind.paper_average_s(), |s| format!("{s:.3}"));
    let parts = [
        "# Benchmarks\n\nWritten by `make bench` from what it has just measured; do not edit.\n".to_owned(),
        machine_table(machine),
        format!(
            "## Cold GET /index on loopback\n\n\
             {} cold exchanges of each kind, the kinds in turn, in milliseconds. A C client with libcoap of each kind \
             runs throughout and opens a new session for every exchange; the time is from the opening of that \
             session to the delivery of the response. Not in it is what a client does once in its life: its start, \
             reading its key files and, with lscoap, loading the identity (one multiplication). \
             libcoap loads a certificate for each DTLS session anew, and that is in it. The first exchange of each \
             client is not counted. Ratios are of medians.\n",
            plan.direct
        ),
        direct_table(results),
        format!(
            "\n![Cold GET on loopback](img/cold-get.svg)\n\n\
             The last column is the average of Table 1 of the paper, in seconds: plain CoAP {}, CoAPS {}, its own \
             scheme {} (here beside the signed profile, whose four messages it has). It is from another machine and \
             another language, and about 0.1 s of each figure is its CoAP library joining a thread when it closes, \
             after the answer has come: the paper's ratios say little, and nothing of this table is comparable with \
             them but the order of the rows.\n",
            seconds(Kind::Plain),
            seconds(Kind::Certificates),
            seconds(Kind::Signed)
        ),
        wire_section(results),
        trips_section(results),
        loss_section(results),
        expectations_section(results),
    ];
    parts.join("\n")
}

fn direct_table(results: &Results) -> String {
    let mut table = Table::new(&[
        "",
        "min",
        "average",
        "median",
        "max",
        "x plain CoAP",
        "x CoAPS, certificates",
        "paper, s",
    ]);
    for (kind, series) in results.plan.kinds.iter().zip(&results.direct) {
        let stats = series.stats();
        let show = |pick: fn(Stats) -> f64| or_dash(stats.map(pick), ms);
        let ratio = |to| {
            let ratio = stats.and_then(|stats| Some(stats.median / results.direct_median(to)?));
            or_dash(ratio, |ratio| format!("{ratio:.2}"))
        };
        table.row([
            kind.name().to_owned(),
            show(|s| s.min),
            show(|s| s.average),
            show(|s| s.median),
            show(|s| s.max),
            ratio(Kind::Plain),
            ratio(Kind::Certificates),
            or_dash(kind.paper_average_s(), |s| format!("{s:.3}")),
        ]);
    }
    table.0
}

/// The median of each of four numbers; they differ by a byte or two where a signature has a variable length.
pub(super) fn typical(way: fn(&OnWire) -> OneWay, counted: &[OnWire]) -> Option<OneWay> {
    let median = |pick: fn(OneWay) -> u64| {
        let numbers: Vec<f64> = counted.iter().map(|on_wire| pick(way(on_wire)) as f64).collect();
        Some(Stats::of(&numbers)?.median.round() as u64)
    };
    Some(OneWay {
        all: Count { datagrams: median(|way| way.all.datagrams)?, bytes: median(|way| way.all.bytes)? },
        closing: Count {
            datagrams: median(|way| way.closing.datagrams)?,
            bytes: median(|way| way.closing.bytes)?,
        },
    })
}

fn wire_section(results: &Results) -> String {
    let mut table = Table::new(&[
        "",
        "up: datagrams",
        "up: bytes",
        "down: datagrams",
        "down: bytes",
        "bytes in all",
        "closing: datagrams",
        "closing: bytes",
    ]);
    for (kind, counted) in results.plan.kinds.iter().zip(&results.counted) {
        let (Some(up), Some(down)) = (typical(|w| w.up, counted), typical(|w| w.down, counted)) else {
            continue;
        };
        let (sent, got) = (up.all - up.closing, down.all - down.closing);
        let numbers = [
            sent.datagrams,
            sent.bytes,
            got.datagrams,
            got.bytes,
            sent.bytes + got.bytes,
            up.closing.datagrams + down.closing.datagrams,
            up.closing.bytes + down.closing.bytes,
        ];
        table.row([kind.name().to_owned()].into_iter().chain(numbers.iter().map(u64::to_string)));
    }
    format!(
        "## On the wire\n\nUDP payloads of one cold GET, counted by a relay between client and server; medians of {} \
         exchanges. What only closes a DTLS session when the answer is there is counted apart.\n\n{}\n\
         ![Bytes of a cold GET](img/bytes.svg)\n",
        results.plan.counted, table.0
    )
}

fn trips_section(results: &Results) -> String {
    let mut head = vec![String::new()];
    for (rtt, _) in &results.round_trips {
        head.extend([format!("RTT {} ms: median, ms", rtt.as_millis()), "in round trips".to_owned()]);
    }
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for kind in &results.plan.kinds {
        let mut row = vec![kind.name().to_owned()];
        for (rtt, series) in &results.round_trips {
            let median = results.median_of(series, *kind);
            row.push(or_dash(median, |median| format!("{median:.1}")));
            row.push(or_dash(median, |median| format!("{:.2}", median / (rtt.as_secs_f64() * 1e3))));
        }
        table.row(row);
    }
    let counts: Vec<String> = results
        .round_trips
        .iter()
        .map(|(rtt, series)| {
            format!("{} at {} ms", series.first().map_or(0, |s| s.ms.len()), rtt.as_millis())
        })
        .collect();
    format!(
        "## Over longer round trips\n\nThe same through a relay that delays each datagram by half the round-trip time. \
         Exchanges of each kind: {}.\n\n{}\n![Cold GET over a long round trip](img/round-trip.svg)\n",
        counts.join(", "),
        table.0
    )
}

fn loss_row(kind: Kind, series: &Series, all: usize) -> [String; 4] {
    let stats = series.stats();
    [
        kind.name().to_owned(),
        format!("{} of {all}", series.ms.len()),
        or_dash(stats, |stats| ms(stats.median)),
        or_dash(stats, |stats| ms(stats.max)),
    ]
}

fn loss_section(results: &Results) -> String {
    let plan = &results.plan;
    let mut table = Table::new(&["", "succeeded", "median, ms", "max, ms", "datagrams", "of them lost"]);
    for ((kind, series), counters) in plan.kinds.iter().zip(&results.lossy).zip(&results.loss_counters) {
        let passed = counters.up.received.datagrams + counters.down.received.datagrams;
        let lost = counters.up.lost + counters.down.lost;
        let row = loss_row(*kind, series, plan.lossy).into_iter();
        table.row(row.chain([passed.to_string(), lost.to_string()]));
    }
    format!(
        "## Under loss\n\n{} cold GETs of each kind, one after the other, through a relay that loses {} of the \
         datagrams each way (seed {}); the kinds at the same time, each with its own relay. What a lost datagram \
         costs is the time until it is sent again: 2 to 3 s in CoAP, 1 s in DTLS.\n\n{}",
        plan.lossy,
        percent(plan.loss),
        plan.seed,
        table.0
    )
}

fn expectations_section(results: &Results) -> String {
    let mut text = "## Expectations\n\n| expected | measured | |\n|---|---:|---|\n".to_owned();
    for expectation in expectations::check(results) {
        let measured = expectation.measured.as_ref().map_or("–", |(measured, _)| measured);
        let _ = writeln!(text, "| {} | {measured} | {} |", expectation.promise, expectation.verdict());
    }
    text
}
