//! What is counted, and what /metrics says of it.

use lscoap::server::Stats;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::Ordering;

/// Of which worker a count is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Worker {
    worker: u8,
}

/// Of which worker a count is, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkerAnd {
    worker: u8,
    kind: &'static str,
}

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident $help:literal,)+) => {
        /// What a worker counts. Clones count together.
        #[derive(Clone, Default)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: Counter,)+
            server: Server,
        }

        /// What all workers count.
        pub struct Metrics {
            registry: Registry,
            $($name: Family<Worker, Counter>,)+
            totals: Family<Worker, Counter>,
            handshakes: Family<WorkerAnd, Counter>,
            sessions: Family<WorkerAnd, Counter>,
            alerts: Family<WorkerAnd, Counter>,
            server: Family<WorkerAnd, Counter>,
            slots: Family<WorkerAnd, Gauge>,
        }

        impl Metrics {
            /// Nothing counted yet.
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix("lscoap_gateway");
                $(
                    let $name = Family::<Worker, Counter>::default();
                    registry.register(stringify!($name), $help, $name.clone());
                )+
                let (handshakes, sessions, alerts, server) = Default::default();
                let families: [(&Family<WorkerAnd, Counter>, _, _); 4] = [
                    (&handshakes, "handshakes", "Handshakes that were begun"),
                    (&sessions, "sessions", "Sessions whose first request opened"),
                    (&alerts, "alerts", "Handshake messages that were refused, by the alert"),
                    (&server, "server_events", "What else the library counts: see docs/gateway.md"),
                ];
                for (family, name, help) in families {
                    registry.register(name, help, family.clone());
                }
                let totals = Family::<Worker, Counter>::default();
                registry.register("retries", "RETRY messages: a cookie was asked for", totals.clone());
                let slots = Family::<WorkerAnd, Gauge>::default();
                registry.register("slots", "Room for sessions, by what it holds", slots.clone());
                Self { registry, $($name,)+ totals, handshakes, sessions, alerts, server, slots }
            }

            /// What a worker counts; the same again after it has begun anew.
            pub fn worker(&self, worker: u8) -> Counts {
                let label = Worker { worker };
                let both = |family: &Family<WorkerAnd, Counter>, kinds: &[&'static str]| {
                    let counter = |kind: &&'static str| family.get_or_create_owned(&WorkerAnd { worker, kind });
                    kinds.iter().map(counter).collect()
                };
                let gauge = |kind: &'static str| self.slots.get_or_create_owned(&WorkerAnd { worker, kind });
                Counts {
                    $($name: self.$name.get_or_create_owned(&label),)+
                    server: Server {
                        retries: self.totals.get_or_create_owned(&label),
                        handshakes: both(&self.handshakes, &HANDSHAKES),
                        sessions: both(&self.sessions, &SESSIONS),
                        alerts: both(&self.alerts, &ALERTS),
                        events: both(&self.server, &EVENTS),
                        slots: SLOTS.map(gauge).to_vec(),
                    },
                }
            }
        }
    };
}

counts! {
    /// Turns of its loop: it is alive as long as this grows when it is woken.
    turns "Turns of the worker's loop",
    /// Datagrams that came from devices.
    received "Datagrams that came from devices",
    /// Datagrams that went to devices.
    sent "Datagrams that went to devices",
    /// Datagrams that the system would not send.
    unsent "Datagrams that the system would not send",
    /// Datagrams that found the socket's buffer full, or could not be for us.
    lost "Datagrams that found the socket's buffer full, or could not be for the gateway",
    /// Workers that panicked and began again.
    restarts "How often the worker panicked and began again",
    /// Requests that opened and were passed on.
    requests "Requests that opened and were passed on",
    /// Requests that were answered from what was kept.
    repeated "Requests that were answered from what was kept",
    /// Sealed requests that were refused.
    refused "Sealed requests that were refused",
    /// Answers under seal, notifications too.
    answers "Answers under seal, notifications too",
    /// Requests that the back-end did not answer: 5.02, 5.04.
    failed "Requests that the back-end did not answer: 5.02, 5.04",
    /// R1 that waited for the store.
    loads "R1 that waited for the store",
    /// R1 that the store would not let be answered.
    store_refusals "R1 that the store would not let be answered",
}

const HANDSHAKES: [&str; 3] = ["signed", "express", "resume"];
const SESSIONS: [&str; 2] = ["full", "resumed"];
/// By their codes, from 1 on.
const ALERTS: [&str; 5] = ["unknown_device", "authentication", "malformed", "busy", "unknown_session"];
const EVENTS: [&str; 7] =
    ["duplicates", "expired", "evicted", "records", "replays", "bad_records", "store_failures"];
const SLOTS: [&str; 4] = ["half_open", "unconfirmed", "confirmed", "free"];

/// What the library counts of a worker, each list in the order of its names.
#[derive(Clone, Default)]
struct Server {
    retries: Counter,
    handshakes: Vec<Counter>,
    sessions: Vec<Counter>,
    alerts: Vec<Counter>,
    events: Vec<Counter>,
    slots: Vec<Gauge>,
}

impl Counts {
    /// Says what a worker's server has counted so far. Called now and then; a server that begins anew begins at 0.
    pub fn publish(&self, stats: &Stats) {
        let set = |counters: &[Counter], values: &[u64]| {
            for (counter, value) in counters.iter().zip(values) {
                counter.inner().store(*value, Ordering::Relaxed);
            }
        };
        let server = &self.server;
        server.retries.inner().store(stats.retries, Ordering::Relaxed);
        set(&server.handshakes, &[stats.begun_signed, stats.begun_express, stats.begun_resume]);
        let full = stats.confirmed.saturating_sub(stats.confirmed_resume);
        set(&server.sessions, &[full, stats.confirmed_resume]);
        set(&server.alerts, stats.refused.get(1..).unwrap_or_default());
        set(
            &server.events,
            &[
                stats.duplicates,
                stats.expired,
                stats.evicted,
                stats.records,
                stats.replays,
                stats.bad_records,
                stats.store_failures,
            ],
        );
        let used = stats.half_open + stats.unconfirmed + stats.confirmed_now;
        let free = stats.slots.saturating_sub(used);
        for (gauge, value) in
            server.slots.iter().zip([stats.half_open, stats.unconfirmed, stats.confirmed_now, free])
        {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// For what others count: the store, groups.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// All of it, as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_apart_by_worker_and_kind() {
        let mut metrics = Metrics::new();
        crate::store::Counts::default().register(metrics.registry());
        let (first, second) = (metrics.worker(0), metrics.worker(1));
        first.requests.inc_by(3);
        second.requests.inc();
        metrics.worker(0).requests.inc();
        let stats = Stats {
            begun_signed: 5,
            begun_resume: 2,
            confirmed: 6,
            confirmed_resume: 2,
            refused: [0, 1, 2, 3, 4, 5],
            retries: 9,
            confirmed_now: 4,
            slots: 10,
            ..Stats::default()
        };
        first.publish(&stats);
        first.publish(&stats);
        let text = metrics.text();
        for line in [
            "lscoap_gateway_requests_total{worker=\"0\"} 4",
            "lscoap_gateway_requests_total{worker=\"1\"} 1",
            "lscoap_gateway_handshakes_total{worker=\"0\",kind=\"signed\"} 5",
            "lscoap_gateway_handshakes_total{worker=\"0\",kind=\"resume\"} 2",
            "lscoap_gateway_sessions_total{worker=\"0\",kind=\"full\"} 4",
            "lscoap_gateway_sessions_total{worker=\"0\",kind=\"resumed\"} 2",
            "lscoap_gateway_alerts_total{worker=\"0\",kind=\"unknown_device\"} 1",
            "lscoap_gateway_alerts_total{worker=\"0\",kind=\"unknown_session\"} 5",
            "lscoap_gateway_retries_total{worker=\"0\"} 9",
            "lscoap_gateway_slots{worker=\"0\",kind=\"confirmed\"} 4",
            "lscoap_gateway_slots{worker=\"0\",kind=\"free\"} 6",
            "lscoap_gateway_restarts_total{worker=\"1\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
        let document = include_str!("../../../docs/gateway.md");
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE lscoap_gateway_")) {
            let name = name.split(' ').next().unwrap();
            let is_said =
                [format!("`{name}`"), format!("`{name}{{kind}}`")].iter().any(|said| document.contains(said));
            assert!(is_said, "{name} is not in docs/gateway.md");
        }
        for kind in [&HANDSHAKES[..], &SESSIONS, &ALERTS, &EVENTS, &SLOTS].concat() {
            assert!(document.contains(&format!("`{kind}`")), "{kind} is not in docs/gateway.md");
        }
        let helps: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let different: std::collections::HashSet<_> = helps.iter().collect();
        assert_eq!(helps.len(), different.len(), "each metric is described once");
    }
}
