//! The results as `server-speed.md`.

use std::fmt::Write;

use super::expectations;
use super::measure::{Results, Speed};
use super::rows::{Host, Kind, Row};
use super::station::Batch;
use super::storm::QUEUE;
use crate::bench::machine::Machine;
use crate::bench::markdown::{Table, machine_table, or_dash};
use crate::bench::stats::Stats;

/// 12,345,678
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn seconds(number: f64) -> String {
    if number < 10.0 { format!("{number:.1}") } else { thousands(number) }
}

/// Everything.
pub fn markdown(results: &Results, machine: &Machine) -> String {
    [
        "# Speed and size of a server\n\nWritten by `make bench-server` from what it has just measured; do not edit. What \
         follows from it for many devices and several servers: [scaling.md](scaling.md).\n"
            .to_owned(),
        machine_table(machine),
        speed_section(results),
        peers_section(results),
        proxied_section(results),
        memory_section(results),
        table_section(results),
        curves_section(results),
        node_section(results),
        storm_section(results),
        expectations_section(results),
    ]
    .join("\n")
}

fn range(stats: Option<Stats>) -> [String; 2] {
    [
        or_dash(stats, |stats| thousands(stats.median)),
        or_dash(stats, |stats| format!("{}–{}", thousands(stats.min), thousands(stats.max))),
    ]
}

/// Beside other rows, where they are known.
fn speed_row(results: &Results, speed: &Speed, beside: &[Option<Row>]) -> Vec<String> {
    let [cpu, spread] = range(speed.by_cpu());
    let mut row = vec![speed.row.name().to_owned(), cpu, spread, range(speed.by_wall())[0].clone()];
    row.push(or_dash(speed.busy(), |busy| format!("{:.0} %", busy * 100.0)));
    row.push(or_dash(results.cost(speed.row), |cost| format!("{:.1}", cost * 1e6)));
    for other in beside {
        let ratio = other.and_then(|other| results.speed(other)).and_then(|other| speed.times(other));
        row.push(or_dash(ratio, |ratio| format!("{ratio:.2}")));
    }
    row
}

fn speed_section(results: &Results) -> String {
    let plan = &results.plan;
    let cores = if results.two_cores { "" } else { " There was one core only, which both had to share." };
    let suites: Vec<String> = results
        .speeds
        .iter()
        .filter(|speed| !speed.row.warm)
        .filter_map(|speed| Some(format!("{}: {}", speed.row.name(), speed.suite.as_ref()?)))
        .collect();
    let retries: usize = results.speeds.iter().map(|speed| speed.retries).sum();
    let mut text = format!(
        "## One core\n\nA server program on a core of its own, the load on another.{cores} The load waits without \
         sleeping, as to wake it would be work of the server's core. In each of {} rounds every row has a batch in turn; \
         medians of the batches, and ratios are medians of the ratios of batches that came one after the other. **By CPU** is \
         what was done divided by the time that the server was on its core, by the kernel's \
         account (`schedstat`): what one core does when it is kept busy, also where the load could not; for DTLS that \
         includes a little that the load's `epoll` makes the server do with each answer. **By clock** is \
         what the two did together, and *busy* the part of it in which the server's core worked. All servers give one body \
         for `/index`, as long as six readings are (`--fixed-index`): to format those takes longer than all else that a server \
         does for a plain request, and would make all rows alike.\n\n\
         ### Cold\n\nA new session and one `GET /index` in it, from a port that the server has not seen; {} at a time from \
         {} devices. DTLS sessions are closed afterwards. The devices' first messages are made before the time is taken. \
         Resumptions are of sessions that the server has in memory; those from Redis are at a gateway that was started just before, so that \
         every record is fetched, and its count is stored before the answer goes out. Redis is on the load's core, with `appendfsync everysec`. Devices that were asked for a retry cookie: {retries}.\n\n",
        plan.rounds,
        plan.at_once,
        thousands(plan.devices as f64),
    );
    let head = ["", "a second, by CPU", "min–max", "a second, by clock", "busy", "µs of CPU each"];
    let mut table = Table::new(&[&head[..], &["x certificates", "x PSK", "x secure_server"]].concat());
    for speed in results.speeds.iter().filter(|speed| !speed.row.warm) {
        let same = Some(speed.row.at(Host::Libcoap)).filter(|_| speed.row.kind.is_lscoap());
        let beside = [Some(Row::cold(Kind::Certificates)), Some(Row::cold(Kind::Psk)), same];
        table.row(speed_row(results, speed, &beside));
    }
    let _ = write!(text, "{}\nSuites: {}.\n\n", table.0, suites.join("; "));
    let _ = write!(
        text,
        "### Warm\n\n`GET /index` in sessions that are there: {} of them, each with a port of its own and one request under \
         way; in a round {} batches of {} requests by turns.\n\n",
        plan.warm_sessions,
        plan.warm_turns,
        thousands(plan.requests as f64)
    );
    let mut table = Table::new(&[&head[..], &["x plain CoAP", "x the gateway's plain CoAP"]].concat());
    let plain = Row::warm(Kind::Plain);
    for speed in results.speeds.iter().filter(|speed| speed.row.warm) {
        let of_gateway = Some(plain.at(Host::Gateway)).filter(|_| speed.row.host == Host::Gateway);
        table.row(speed_row(results, speed, &[Some(plain), of_gateway]));
    }
    text + &table.0
}

fn peers_section(results: &Results) -> String {
    let plan = &results.plan;
    let head = plan.peers.iter().map(|count| format!("{} peers, µs", thousands(*count as f64)));
    let head: Vec<String> = [String::new()].into_iter().chain(head).chain(["ratio".to_owned()]).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut table = Table::new(&head);
    for peers in &results.peers {
        let each = (0..plan.peers.len()).map(|at| or_dash(peers.median(at), |each| format!("{each:.1}")));
        let ratio = or_dash(peers.ratio(), |ratio| format!("{ratio:.2}"));
        table.row([peers.row.name().to_owned()].into_iter().chain(each).chain([ratio]));
    }
    format!(
        "## Many peers\n\nA warm request's time on the server's core, by ten of so many that have talked to the server from a port \
         of their own each: a request, or for lscoap a session and a request in it. Medians of {} rounds.\n\n{}",
        plan.rounds, table.0
    )
}

fn proxied_section(results: &Results) -> String {
    let head = [
        "behind the gateway",
        "a second, by clock",
        "min–max",
        "the gateway's core busy",
        "µs of its CPU each",
    ];
    let mut table = Table::new(&head);
    for proxied in &results.proxied {
        let stats =
            |of: &dyn Fn(&Batch) -> f64| Stats::of(&proxied.batches.iter().map(of).collect::<Vec<_>>());
        let [wall, spread] = range(stats(&|batch| batch.count as f64 / batch.wall.as_secs_f64()));
        let busy = stats(&|batch| batch.cpu.as_secs_f64() / batch.wall.as_secs_f64());
        let each = stats(&|batch| batch.cpu.as_secs_f64() * 1e6 / batch.count as f64);
        let busy = or_dash(busy, |busy| format!("{:.0} %", busy.median * 100.0));
        let each = or_dash(each, |each| format!("{:.1}", each.median));
        table.row([proxied.backend.name().to_owned(), wall, spread, busy, each]);
    }
    format!(
        "## A server behind the gateway\n\nThe gateway passes warm `GET /index` of {} sessions on to another server, which has to share a \
         core with the load: what the clock says is mostly that server's.\n\n{}",
        results.plan.warm_sessions, table.0
    )
}

fn memory_section(results: &Results) -> String {
    let head: Vec<String> = results
        .plan
        .memory
        .iter()
        .map(|count| format!("bytes a session, of {}", thousands(*count as f64)))
        .collect();
    let head: Vec<&str> = [""].into_iter().chain(head.iter().map(String::as_str)).collect();
    let mut table = Table::new(&head);
    for memory in &results.memory {
        let cells = memory.bytes_each.iter().map(|bytes| thousands(*bytes));
        table.row([memory.row.name().to_owned()].into_iter().chain(cells));
    }
    format!(
        "## Memory\n\nHow much the server's resident memory grows, for each session that is opened, used for one request and \
         kept; every session from a port of its own. lscoap's slots are allocated at the start, a quarter more than there \
         are sessions: its figure is what the server takes more than one with eight slots. What the adapter keeps for all devices together \
         (answers for retransmitted requests, some idle peers) is in the figure too, and weighs more where devices are \
         few.\n\n{}",
        table.0
    )
}

fn table_section(results: &Results) -> String {
    let head = [
        "slots",
        "read a byte of any slot, ns",
        "find a record's session, ns",
        "find less read, ns",
        "signed handshake without P-256, µs",
        "a repeated M1, µs",
    ];
    let mut table = Table::new(&head);
    for times in &results.table {
        table.row([
            thousands(times.slots as f64),
            format!("{:.1}", times.read),
            format!("{:.1}", times.find),
            format!("{:.1}", times.find - times.read),
            format!("{:.2}", times.handshake / 1e3),
            format!("{:.2}", times.repeated / 1e3),
        ]);
    }
    let ratios = match (results.table.first(), results.table.last()) {
        (Some(few), Some(many)) => format!(
            "With {} times as many slots, a handshake takes {:.2} times as long, and finding a session {:.2} times; reading \
             any byte of that much memory takes {:.2} times as long by itself, since it is no longer in a cache.\n",
            thousands(many.slots as f64 / few.slots as f64),
            many.handshake / few.handshake,
            many.find / few.find,
            many.read / few.read,
        ),
        _ => String::new(),
    };
    format!(
        "## The table at every size\n\nThe library alone, with a confirmed session in all but a few slots, picked at random. \
         `find` is what `lscoap_server_find` does. The handshake is the server's two steps and the record that confirms \
         it, of a device whose older session goes; P-256 is replaced by something that costs nothing, so that the table \
         shows. A repeated M1 gets its stored answer.\n\n{}\n{ratios}",
        table.0
    )
}

fn curves_section(results: &Results) -> String {
    let head = ["", "RustCrypto, µs", "min–max", "libcrypto, µs", "min–max", "x as fast"];
    let mut table = Table::new(&head);
    for line in &results.curves {
        let [software, openssl] = [line.software, line.openssl]
            .map(|stats| [format!("{:.1}", stats.median), format!("{:.1}–{:.1}", stats.min, stats.max)]);
        let cells = [line.what.to_owned()].into_iter().chain(software).chain(openssl);
        table.row(cells.chain([format!("{:.2}", line.times)]));
    }
    format!(
        "## P-256\n\nThe library alone, with its own P-256 (`Software`, over RustCrypto's field, compiled with the flag that `scripts/build-staticlib.sh` has for \
         it) and with libcrypto's (`OpenSsl`; \
         [porting.md](porting.md#p-256-on-hosts)), in {} rounds of {} by turns, by the clock: medians, and medians of the ratios of \
         each round. The session is the server's two steps and the first record, of a device that comes back. libcrypto's \
         back-end keeps the points of such devices' keys.\n\n{}",
        results.plan.rounds, results.plan.curves, table.0
    )
}

/// Devices that keep half of a core busy, with a request a minute each and a new session every so many seconds.
fn carried(results: &Results, new: Option<(Row, f64)>) -> Option<f64> {
    let warm = results.cost(Row::warm(Kind::Signed))?;
    let renewal = match new {
        Some((row, period)) => results.cost(row)? / period,
        None => 0.0,
    };
    Some(0.5 / (warm / 60.0 + renewal))
}

fn node_section(results: &Results) -> String {
    const HOUR: f64 = 3600.0;
    let rows = [
        ("one session for ever", None),
        ("a resumption each hour", Some((Row::cold(Kind::Resume), HOUR))),
        ("a resumption with each request", Some((Row::cold(Kind::Resume), 60.0))),
        ("a signed handshake each day", Some((Row::cold(Kind::Signed), 24.0 * HOUR))),
        ("a signed handshake each hour", Some((Row::cold(Kind::Signed), HOUR))),
        ("a signed handshake with each request", Some((Row::cold(Kind::Signed), 60.0))),
    ];
    let each = results
        .memory
        .iter()
        .find(|memory| memory.row.kind.is_lscoap())
        .and_then(|memory| memory.bytes_each.last().copied());
    let mut table = Table::new(&["each device makes", "devices", "memory of their sessions, MB"]);
    for (what, new) in rows {
        let devices = carried(results, new);
        let memory = devices.zip(each).map(|(devices, each)| devices * each / 1e6);
        table.row([
            what.to_owned(),
            or_dash(devices.map(|devices| devices - devices % 1000.0), thousands),
            or_dash(memory, thousands),
        ]);
    }
    format!(
        "## What one node carries\n\nDevices that keep one core half busy, by the CPU times above, where each makes a request \
         a minute. Computed, not measured: the program itself has a limit for its slots, and libcoap goes through its \
         peers at each datagram (see scaling.md).\n\n{}",
        table.0
    )
}

fn storm_section(results: &Results) -> String {
    let head = [
        "",
        "begin within, s",
        "50 % back, s",
        "99 % back, s",
        "all back, s",
        "datagrams a device",
        "of them lost",
        "begun anew, a device",
    ];
    let mut table = Table::new(&head);
    for row in &results.storms {
        let outcome = &row.outcome;
        let mut cells = vec![row.way.clone(), seconds(row.spread)];
        cells.extend(outcome.back.map(seconds));
        cells.push(format!("{:.1}", outcome.sent));
        cells.push(format!("{:.0} %", outcome.lost * 100.0));
        cells.push(format!("{:.2}", outcome.anew));
        table.row(cells);
    }
    format!(
        "## A rejoin storm\n\n{} devices come back after an outage to one core: simulated, with the CPU times above. Each \
         begins at a random moment, sends confirmable requests (ACK_TIMEOUT 2 s, ACK_RANDOM_FACTOR 1.5, MAX_RETRANSMIT 4), \
         and begins anew at once when it has given up or is refused. The round trip is 100 ms, and nothing is lost but what \
         finds the server's queue of {QUEUE} datagrams full (the receive buffer that Linux gives a socket unasked). Back is \
         who has had the answer to a request. With retry cookies every first message is answered with a RETRY. \
         `testkit/src/speed/storm.rs` has the rest of the rules.\n\n{}",
        thousands(results.plan.storm as f64),
        table.0
    )
}

fn expectations_section(results: &Results) -> String {
    let mut text = "## Expectations\n\n| expected | measured | |\n|---|---:|---|\n".to_owned();
    for expectation in expectations::check(results) {
        let measured = or_dash(expectation.measured, |(ratio, _)| format!("{ratio:.2}"));
        let _ = writeln!(text, "| {} | {measured} | {} |", expectation.promise, expectation.verdict());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (number, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(seconds(1.26), "1.3");
    }
}
