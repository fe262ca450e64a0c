//! `lscoap_stats`.

use crate::server::Stats;

/// What has happened since the server began, and how its slots stand. Counts start again at 0 after 2^64 - 1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lscoap_stats {
    /// New handshakes answered with an M2.
    pub begun_signed: u64,
    /// New handshakes answered with an X2.
    pub begun_express: u64,
    /// New resumptions answered with an R2.
    pub begun_resume: u64,
    /// Sessions whose first record opened.
    pub confirmed: u64,
    /// Those among them that came of a resumption.
    pub confirmed_resume: u64,
    /// Handshake messages refused, by the code of the alert (protocol section 3); the first counts none.
    pub refused: [u64; 6],
    /// RETRY messages sent.
    pub retries: u64,
    /// Repeated handshake messages, answered with what was stored.
    pub duplicates: u64,
    /// Half-open handshakes and unconfirmed sessions that waited for too long.
    pub expired: u64,
    /// Half-open handshakes and unconfirmed sessions that were evicted for newer ones.
    pub evicted: u64,
    /// Records opened.
    pub records: u64,
    /// Records refused because they had been seen, or are too old to tell.
    pub replays: u64,
    /// Records refused for another reason.
    pub bad_records: u64,
    /// Resume records that could not be stored.
    pub store_failures: u64,
    /// Slots that hold a half-open handshake.
    pub half_open: u64,
    /// Slots that hold an unconfirmed session.
    pub unconfirmed: u64,
    /// Slots that hold a confirmed session.
    pub confirmed_now: u64,
    /// All slots.
    pub slots: u64,
}

impl From<Stats> for lscoap_stats {
    fn from(stats: Stats) -> Self {
        let Stats {
            begun_signed,
            begun_express,
            begun_resume,
            confirmed,
            confirmed_resume,
            refused,
            retries,
            duplicates,
            expired,
            evicted,
            records,
            replays,
            bad_records,
            store_failures,
            half_open,
            unconfirmed,
            confirmed_now,
            slots,
        } = stats;
        Self {
            begun_signed,
            begun_express,
            begun_resume,
            confirmed,
            confirmed_resume,
            refused,
            retries,
            duplicates,
            expired,
            evicted,
            records,
            replays,
            bad_records,
            store_failures,
            half_open,
            unconfirmed,
            confirmed_now,
            slots,
        }
    }
}
