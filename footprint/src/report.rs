//! The figures as `docs/footprint.md`.

use crate::archive::OPT_LEVEL;
use crate::budget::{self, Budget};
use crate::elsewhere;
use crate::figures::{Run, is_of_group};
use crate::image::Size;
use crate::lakers::Lakers;
use crate::measure::{Measured, Panicking};
use crate::panics;
use crate::parts;
use crate::plan::{
    Application, BOTH, CLIENT, COAP, Cpu, EVERY, EXTENDED, M4F, RV32IMAC, SERVER, SINGLE, WITH_RESUME,
};
use crate::table::{Table, grouped, millions, or_dash, thousands};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that `make size` measures.
pub struct Results {
    /// Versions of what compiled and ran it: name and what it says of itself.
    pub versions: Vec<(&'static str, String)>,
    /// lscoap, by processor and back-end.
    pub measured: Vec<Measured>,
    /// RustCrypto at several optimisation levels, on [`M4F`].
    pub levels: Vec<Measured>,
    /// The processor of the budgets by what stable toolchains can be told.
    pub stable: Vec<Measured>,
    /// lakers.
    pub lakers: Vec<Lakers>,
    /// Calls that panic in plain builds for [`M4F`].
    pub panics: Vec<Panicking>,
    /// The device on the network.
    pub networked: Option<Size>,
}

/// Everything.
pub fn markdown(results: &Results) -> Result<String, String> {
    let parts = [
        "# Footprint\n\nWritten by `make size` from what it has just measured; do not edit.\n".to_owned(),
        method(results),
        budgets(results)?,
        handshake(results),
        beside_lakers(results),
        beside_others(results),
        levels(results),
        parts::markdown(&results.measured, results.networked),
        flash(results),
        ram(results),
        stack(results),
        records(results),
        groups(results),
        panicking(results),
    ];
    Ok(parts.join("\n"))
}

/// Instructions in a tick of 25 MHz, when each takes a nanosecond.
const TICK: u32 = 40;

fn method(results: &Results) -> String {
    let mut table = Table::new(["", ""]);
    for (name, version) in &results.versions {
        table.row([*name, version]);
    }
    let mut text = format!(
        "Everything runs in QEMU with `-icount shift=0`, which counts instructions: the same in every run, to the \
         {} that one tick of the {}'s timer takes. A processor takes more cycles than instructions. An empty call \
         made in the same place is subtracted from each figure, and so are the harness and the start-up code: flash \
         is what an image has beyond one that links no function of the library. Stack is painted before a call; \
         its high-water mark includes the arguments that the caller pushes. Compiled by \
         `scripts/build-staticlib.sh` at opt level {OPT_LEVEL}:\n\n",
        TICK, M4F.name
    );
    let flags = |cpu: &'static Cpu| results.measured.iter().filter(move |one| one.cpu == cpu.name);
    for one in flags(&M4F).chain(flags(&RV32IMAC)) {
        text += &format!("- {}, {}: `{}`\n", one.cpu, one.backend.name(), one.compiled);
    }
    for lakers in results.lakers.iter().filter(|lakers| lakers.cpu == M4F.name) {
        text +=
            &format!("- {}, lakers at opt level {}: `{}`\n", lakers.cpu, lakers.opt_level, lakers.compiled);
    }
    text + "\n" + &table.finish()
}

/// A table whose columns are processors and back-ends.
fn by_target(results: &Results, rows: Vec<(String, Vec<String>)>) -> String {
    let titles = results.measured.iter().map(|one| format!("{}, {}", one.cpu, one.backend.name()));
    let mut table = Table::new([String::new()].into_iter().chain(titles));
    for (name, cells) in rows {
        table.row([name].into_iter().chain(cells));
    }
    table.finish()
}

fn cells(results: &Results, show: impl Fn(&Measured) -> String) -> Vec<String> {
    results.measured.iter().map(show).collect()
}

fn budgets(results: &Results) -> Result<String, String> {
    let mut text = format!(
        "## Budgets\n\nFor {} unless said, both ends of a handshake counted apart. Flags that stable toolchains do not have are in \
         every figure of this document but the last column's, which is what a stable toolchain can be told; core is compiled \
         along there too.\n\n",
        M4F.name
    );
    let mut table = Table::new(["", "unit", "back-end", "at most", "measured", "", "stable flags"]);
    for one in results.measured.iter().filter(|one| budget::is_limited(one)) {
        let is_same = |stable: &&Measured| stable.cpu == one.cpu && stable.backend == one.backend;
        let stable = results.stable.iter().find(is_same).map_or(Ok(Vec::new()), budget::check)?;
        for (at, budget) in budget::check(one)?.iter().enumerate() {
            table.row(budget_row(budget, stable.get(at)));
        }
    }
    text += &table.finish();
    for one in results.measured.iter().filter(|one| budget::is_limited(one)) {
        for budget in budget::check(one)? {
            if let Some(miss) = budget.miss {
                text += &format!("\n{} ({}): {}.\n", budget.name, budget.backend.name(), miss.reason);
            }
        }
    }
    Ok(text)
}

fn budget_row(budget: &Budget, stable: Option<&Budget>) -> [String; 7] {
    let number =
        |number: f64| if number.fract() == 0.0 { number.to_string() } else { format!("{number:.2}") };
    [
        budget.name.to_owned(),
        budget.unit.to_owned(),
        budget.backend.name().to_owned(),
        number(budget.limit),
        number(budget.figure),
        budget.verdict().to_owned(),
        stable.map(|stable| number(stable.figure)).unwrap_or_default(),
    ]
}

/// The steps of a handshake as the images call them, and what they are.
const STEPS: [(&str, &str); 15] = [
    ("signed/client/M1", "signed, client: M1"),
    ("signed/client/M2-M3", "signed, client: M2, M3"),
    ("signed/client/M4", "signed, client: M4"),
    ("signed/client/finish", "signed, client: session"),
    ("signed/server/M1-M2", "signed, server: M1, M2"),
    ("signed/server/M3-M4", "signed, server: M3, M4"),
    ("express/client/X1", "express, client: X1"),
    ("express/client/X2", "express, client: X2"),
    ("express/client/finish", "express, client: session"),
    ("express/server/X1-X2", "express, server: X1, X2"),
    ("resume/client/begin", "resume, client: `lscoap_client_resume`"),
    ("resume/client/R1", "resume, client: R1"),
    ("resume/client/R2", "resume, client: R2"),
    ("resume/client/finish", "resume, client: session"),
    ("resume/server/R1-R2", "resume, server: R1, R2"),
];

/// What else takes a multiplication on the curve.
const MULTIPLICATIONS: [(&str, &str); 7] = [
    ("signed/client/init", "loading a client's identity"),
    ("signed/server/init", "loading a server's identity"),
    ("public_key", "`lscoap_public_key`"),
    ("format_device", "`lscoap_format_device`"),
    ("parse_device", "`lscoap_parse_device`"),
    ("format_server", "`lscoap_format_server`"),
    ("parse_server", "`lscoap_parse_server`"),
];

fn handshake(results: &Results) -> String {
    let call = |one: &Measured, name: &str| or_dash(one.run.call(name), |cost| millions(cost.instructions));
    let mut rows: Vec<_> =
        STEPS.map(|(name, title)| (title.to_owned(), cells(results, |one| call(one, name)))).to_vec();
    for profile in ["signed", "express", "resume"] {
        for end in ["client", "server"] {
            let sum =
                |one: &Measured| format!("**{}**", millions(one.run.handshake(&format!("{profile}/{end}"))));
            rows.push((format!("**{profile}, {end}: in all**"), cells(results, sum)));
        }
    }
    rows.extend(
        MULTIPLICATIONS.map(|(name, title)| (title.to_owned(), cells(results, |one| call(one, name)))),
    );
    format!("## Instructions of a handshake, in millions\n\n{}", by_target(results, rows))
}

fn beside_lakers(results: &Results) -> String {
    let mut table = Table::new([
        "",
        "client, M instructions",
        "server, M instructions",
        "flash, both ends, bytes",
        "stack, bytes",
        "client, bytes of RAM",
        "server, bytes of RAM",
        "messages, bytes",
    ]);
    for cpu in [&M4F, &RV32IMAC] {
        for one in results.measured.iter().filter(|one| one.cpu == cpu.name) {
            for (profile, messages) in [("signed", "42 + 35 + 75 + 73"), ("express", "50 + 42")] {
                table.row(lscoap_row(one, profile, messages));
            }
        }
        for lakers in results.lakers.iter().filter(|lakers| lakers.cpu == cpu.name) {
            table.row(lakers_row(lakers));
        }
    }
    format!(
        "## Beside lakers\n\n[lakers](https://github.com/openwsn-berkeley/lakers) is EDHOC (RFC 9528) in Rust; here with method 3 \
         (static Diffie-Hellman), suite 2, RustCrypto, credentials by reference and the optional fourth message, \
         compiled with the same flags and measured in the same run. What is compared is a handshake up to the \
         keys, without loading the identities. lscoap's flash has sealing and both profiles in it, lakers' has \
         neither OSCORE nor signatures. At level 3 it does not run on RISC-V: the responder ends in an illegal \
         instruction. A client's RAM is `lscoap_client` and `lscoap_session`, a server's \
         `lscoap_server` and one `lscoap_slot`.\n\n{}",
        table.finish()
    )
}

fn lscoap_row(one: &Measured, profile: &str, messages: &str) -> Vec<String> {
    let of = |end: &str| millions(one.run.handshake(&format!("{profile}/{end}")));
    let ram = |objects: [&str; 2]| or_dash(objects.iter().map(|name| one.run.size(name)).sum(), grouped);
    vec![
        format!("{}, lscoap {profile}, {}", one.cpu, one.backend.name()),
        of("client"),
        of("server"),
        or_dash(one.size(&BOTH), |size| grouped(size.flash)),
        or_dash(deepest_step(&one.run, profile), grouped),
        ram(["lscoap_client", "lscoap_session"]),
        ram(["lscoap_server", "lscoap_slot"]),
        messages.to_owned(),
    ]
}

/// The most stack that a step takes.
fn deepest_step(run: &Run, profile: &str) -> Option<u64> {
    let steps = run.calls.iter().filter(|(name, _)| name.starts_with(profile) && !name.ends_with("/init"));
    steps.map(|(_, cost)| cost.stack).max()
}

fn lakers_row(lakers: &Lakers) -> Vec<String> {
    let run = &lakers.run;
    let messages = ["message_1", "message_2", "message_3", "message_4"];
    let messages: Vec<String> =
        messages.iter().map(|name| or_dash(run.size(name), |len| len.to_string())).collect();
    let stack = ["initiator/", "responder/"].iter().filter_map(|end| deepest_step(run, end)).max();
    vec![
        format!("{}, lakers, opt level {}", lakers.cpu, lakers.opt_level),
        millions(run.handshake("initiator")),
        millions(run.handshake("responder")),
        grouped(lakers.size.flash),
        or_dash(stack, grouped),
        or_dash(run.size("initiator"), grouped),
        or_dash(run.size("responder"), grouped),
        messages.join(" + "),
    ]
}

/// Nobody else's figures are measured here: they are marked.
fn beside_others(results: &Results) -> String {
    let ours = || results.measured.iter().filter(|one| one.cpu == M4F.name);
    let mut handshakes = Table::new([
        "",
        "client, M instructions",
        "server, M instructions",
        "flash, both ends",
        "stack, bytes",
        "heap, bytes",
        "messages and their bytes",
    ]);
    for one in ours() {
        for (profile, messages) in [("signed", "4: 225"), ("express", "2: 92")] {
            let of = |end: &str| millions(one.run.handshake(&format!("{profile}/{end}")));
            handshakes.row([
                format!("lscoap {profile}, {}", one.backend.name()),
                of("client"),
                of("server"),
                or_dash(one.size(&BOTH), |size| format!("{} bytes", grouped(size.flash))),
                or_dash(deepest_step(&one.run, profile), grouped),
                "0".to_owned(),
                messages.to_owned(),
            ]);
        }
    }
    for other in &elsewhere::HANDSHAKES {
        handshakes.row([
            format!("*{}*", other.name),
            other.client.to_string(),
            other.server.to_string(),
            other.flash.to_owned(),
            grouped(other.stack),
            grouped(other.heap),
            other.messages.to_owned(),
        ]);
    }
    let mut sealings = Table::new(["k instructions", "64 bytes", "1,024 bytes"]);
    for one in ours() {
        let seal =
            |len| or_dash(one.run.call(&format!("{len}/seal_request")), |cost| thousands(cost.instructions));
        sealings.row([format!("lscoap, {}", one.backend.name()), seal(64), seal(1024)]);
    }
    for other in &elsewhere::SEALINGS {
        sealings.row([format!("*{}*", other.name), other.small.to_owned(), other.large.to_owned()]);
    }
    format!(
        "## Beside others, figures from elsewhere\n\nRows in italics are **figures from elsewhere**. {}. Their flash has what they need \
         for both ends; a PSK handshake has no forward secrecy and no signatures. AES with tables reads them at addresses that depend on \
         the key.\n\n{}\nSealing, the key schedule and 13 bytes of additional data included:\n\n{}",
        elsewhere::SOURCE,
        handshakes.finish(),
        sealings.finish()
    )
}

fn levels(results: &Results) -> String {
    let mut table = Table::new([
        "opt level",
        "signed client / server, M instructions",
        "express client / server",
        "flash, both roles and profiles, bytes",
        "stack of any call but a group's, bytes",
        "seal a request of 64 bytes, k instructions",
    ]);
    for one in &results.levels {
        let both = |profile: &str| {
            ["client", "server"]
                .map(|end| millions(one.run.handshake(&format!("{profile}/{end}"))))
                .join(" / ")
        };
        table.row([
            format!("{}: {}", one.cpu, one.opt_level),
            both("signed"),
            both("express"),
            or_dash(one.size(&BOTH), |size| grouped(size.flash)),
            or_dash(one.run.deepest_without_groups(), grouped),
            or_dash(one.run.call("64/seal_request"), |cost| thousands(cost.instructions)),
        ]);
    }
    let is_below = |one: &&Measured| {
        slowest_end(&one.run, ["signed/client", "signed/server"]) < fastest_lakers(results, one.cpu)
    };
    let below: Vec<String> =
        results.levels.iter().filter(is_below).map(|one| format!("{}: {}", one.cpu, one.opt_level)).collect();
    let below = if below.is_empty() { "none".to_owned() } else { below.join(", ") };
    format!(
        "## Optimisation levels\n\nRustCrypto, for `LSCOAP_OPT_LEVEL`; {OPT_LEVEL} is the default and what the \
         other tables have. Levels at which the signed handshake takes less than lakers' at any of its levels above: \
         {below}.\n\n{}",
        table.finish()
    )
}

fn slowest_end(run: &Run, ends: [&str; 2]) -> u64 {
    ends.iter().map(|end| run.handshake(end)).max().unwrap_or_default()
}

/// The fastest that lakers was on a processor, its slower end counted.
fn fastest_lakers(results: &Results, cpu: &str) -> u64 {
    let ends = ["initiator", "responder"];
    let there = results.lakers.iter().filter(|lakers| lakers.cpu == cpu);
    there.map(|lakers| slowest_end(&lakers.run, ends)).min().unwrap_or_default()
}

fn flash(results: &Results) -> String {
    let applications = SINGLE.iter().chain(&EXTENDED).chain([&BOTH, &WITH_RESUME, &EVERY]);
    let row = |application: &Application| {
        let show = |one: &Measured| or_dash(one.size(application), |size| grouped(size.flash));
        (application.title.to_owned(), cells(results, show))
    };
    let names = |functions: &[&str]| {
        functions.iter().map(|name| name.trim_start_matches("lscoap_")).collect::<Vec<_>>().join(", ")
    };
    format!(
        "## Flash, in bytes\n\n{}\nA client calls {}. A server calls {}. Whole messages are {} beside them; \
         a device calls the functions of `lscoap_device` and none of a client's. The last row has enrolment strings \
         as well. What is not weighed on M33 and RV32IMC is nearly as on M3 and RV32IMAC.\n",
        by_target(results, applications.map(row).collect()),
        names(CLIENT),
        names(SERVER),
        names(COAP)
    )
}

fn ram(results: &Results) -> String {
    let objects = [
        "lscoap_client",
        "lscoap_session",
        "lscoap_exchange",
        "lscoap_server",
        "lscoap_slot",
        "lscoap_device",
        "lscoap_observation",
        "lscoap_member",
        "lscoap_group",
        "lscoap_group_place",
        "lscoap_group_exchange",
        "lscoap_delegate",
    ];
    let mut rows: Vec<_> = objects
        .map(|name| (format!("`{name}`"), cells(results, |one| or_dash(one.run.size(name), grouped))))
        .to_vec();
    let statics = |one: &Measured| or_dash(one.size(&EVERY), |size| grouped(size.ram));
    rows.push(("static variables of the library".to_owned(), cells(results, statics)));
    rows.push(("functions of a heap".to_owned(), cells(results, |one| grouped(one.heap.len() as u64))));
    format!("## RAM, in bytes\n\n{}", by_target(results, rows))
}

fn stack(results: &Results) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut titles: BTreeMap<&str, String> = BTreeMap::new();
    for (name, _) in results.measured.iter().flat_map(|one| &one.run.calls) {
        if !names.contains(&name.as_str()) {
            names.push(name);
            titles.insert(name, name.replace('/', ", "));
        }
    }
    let deepest =
        |one: &Measured| or_dash(one.run.deepest(""), |(_, stack)| format!("**{}**", grouped(stack)));
    let without =
        |one: &Measured| or_dash(one.run.deepest_without_groups(), |stack| format!("**{}**", grouped(stack)));
    let mut rows = vec![
        ("**to reserve, for any call**".to_owned(), cells(results, deepest)),
        ("**for any but a group's**".to_owned(), cells(results, without)),
    ];
    for name in names {
        let show = |one: &Measured| or_dash(one.run.call(name), |cost| grouped(cost.stack));
        rows.push((titles.get(name).cloned().unwrap_or_default(), cells(results, show)));
    }
    format!(
        "## Stack of each call, in bytes\n\nBelow the caller's, callbacks excluded: add what yours take. Records are of \
         64 and of 1024 bytes.\n\n{}",
        by_target(results, rows)
    )
}

fn records(results: &Results) -> String {
    let Some(first) = results.measured.first() else { return String::new() };
    let is_record = |name: &str| name.starts_with("64/") || name.starts_with("1024/");
    let names = first.run.calls.iter().map(|(name, _)| name.as_str()).filter(|name| is_record(name));
    let others = ["session_export_key"];
    let rows = names.chain(others).map(|name| {
        let show = |one: &Measured| or_dash(one.run.call(name), |cost| thousands(cost.instructions));
        (name.replace('/', " bytes: "), cells(results, show))
    });
    format!(
        "## Instructions of a record, in thousands\n\nThe plaintext's length comes first; payload-carrier requests have \
         13 bytes of additional data.\n\n{}",
        by_target(results, rows.collect())
    )
}

fn groups(results: &Results) -> String {
    let Some(first) = results.measured.first() else { return String::new() };
    let names = first.run.calls.iter().map(|(name, _)| name.as_str()).filter(|name| is_of_group(name));
    let rows = names.map(|name| {
        let show = |one: &Measured| or_dash(one.run.call(name), |cost| thousands(cost.instructions));
        (name.replace('/', ", "), cells(results, show))
    });
    format!(
        "## Instructions of a group, in thousands\n\nAn owner and one member; the group has 8 slots. What is refused is a genuine request \
         with a bit turned under the tag that every member knows, as an outsider makes it.\n\n{}",
        by_target(results, rows.collect())
    )
}

fn panicking(results: &Results) -> String {
    let left = results.measured.iter().map(|one| one.panicking.len()).sum::<usize>();
    let mut text = format!(
        "## Panics\n\nAs released, code that panics is a trap: the images with every function have {left} symbols of \
         `core::panicking`. Built as toolchains do by default, this many functions of each crate can panic ({}):\n\n",
        M4F.name
    );
    for build in &results.panics {
        let mut crates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([(panics::OURS, BTreeSet::new())]);
        for panic in &build.calls {
            crates.entry(&panic.place).or_default().insert(&panic.caller);
        }
        let list: Vec<String> =
            crates.iter().map(|(name, callers)| format!("{name} {}", callers.len())).collect();
        text += &format!("- {}, opt level {}: {}\n", build.backend.name(), build.opt_level, list.join(", "));
    }
    text
}
