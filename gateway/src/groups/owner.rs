//! The groups of a node: asks of devices, what the operator says, leases.

use super::command;
use super::held::{Around, Held, MESSAGE_MAX};
use super::message::printable;
use super::record::Record;
use super::shelf::{Fault, Shelf};
use crate::backend::Ticket;
use crate::coap::{Header, Type, Writer, code, option};
use crate::directory::Devices;
use crate::log::Id;
use lscoap::Error;
use lscoap::group::{CONTENT_FORMAT_GROUP, GroupMessage, group_of_ask, write_leave};
use lscoap::platform::Platform;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use zeroize::Zeroize;

/// How long a lease is good, in ms: so long a group is nobody's after its node has died.
pub const LEASE_MS: u64 = 15_000;
/// When it is renewed, and when groups without a node are looked for.
const RENEW_MS: u64 = LEASE_MS / 3;
/// Max-Age of a 5.03: JOIN comes at most so often.
const BUSY_S: u32 = 10;
/// A member's LEAVE: its first byte, and a group's number.
const LEAVE: u8 = 0x24;

/// What groups are told.
pub enum Word {
    /// A device asks or leaves, in its session.
    Ask {
        /// Which worker has the session.
        worker: usize,
        /// The request there.
        ticket: Ticket,
        /// The device.
        device_id: Vec<u8>,
        /// What it says.
        payload: Vec<u8>,
    },
    /// A datagram that [`super::is_answer`].
    Answer(Vec<u8>),
    /// A line of the operator's, and who hears what is said to it.
    Line(String, Caller),
    /// The directory is another one.
    Devices(Arc<Devices>),
    /// The end.
    Stop,
}

/// Who asked: hears lines, and that there are no more.
pub struct Caller(pub SyncSender<String>);

impl Caller {
    /// A line. One who does not listen misses it.
    pub fn say(&self, line: String) {
        let _ = self.0.try_send(line);
    }

    /// The last line.
    pub fn end(self, error: Option<&str>) {
        self.say(error.map_or_else(|| "ok".to_owned(), |error| format!("error: {error}")));
    }
}

/// What groups do to the world.
pub trait World: Send {
    /// Sends a datagram from the address that devices know.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);
    /// Answers a device's request, with a message whose token is empty.
    fn reply(&mut self, worker: usize, ticket: Ticket, message: Vec<u8>);
}

/// The groups of a node.
pub struct Groups {
    pub(super) world: Box<dyn World>,
    pub(super) shelf: Box<dyn Shelf>,
    pub(super) platform: Box<dyn Platform + Send>,
    pub(super) devices: Arc<Devices>,
    pub(super) held: Vec<Held>,
    /// When each lease ends, in the order of `held`.
    ends_ms: Vec<u64>,
    /// Who waits for answers, and of which group.
    pub(super) callers: Vec<(u16, Caller)>,
    /// What the tokens of requests begin with.
    pub(super) prefix: [u8; 4],
    renew_ms: u64,
}

impl Groups {
    /// None yet; [`Groups::poll`] takes those that no node has.
    pub fn new(
        world: Box<dyn World>,
        shelf: Box<dyn Shelf>,
        platform: Box<dyn Platform + Send>,
        devices: Arc<Devices>,
        prefix: [u8; 4],
    ) -> Self {
        Self {
            world,
            shelf,
            platform,
            devices,
            held: Vec::new(),
            ends_ms: Vec::new(),
            callers: Vec::new(),
            prefix,
            renew_ms: 0,
        }
    }

    /// Does what it is told. `false`: it was [`Word::Stop`].
    pub fn take(&mut self, now_ms: u64, word: Word) -> bool {
        match word {
            Word::Ask { worker, ticket, device_id, payload } => {
                let message = self.answer(now_ms, &device_id, &payload);
                self.world.reply(worker, ticket, message);
            }
            Word::Answer(datagram) => self.take_answer(&datagram),
            Word::Line(line, caller) => command::run(self, now_ms, &line, caller),
            Word::Devices(devices) => {
                self.devices = devices;
                self.put_out_gone(now_ms);
            }
            Word::Stop => {
                self.held.iter().for_each(|held| self.shelf.release(held.record.number, held.token));
                return false;
            }
        }
        true
    }

    /// Does what is due.
    pub fn poll(&mut self, now_ms: u64) {
        let world = &mut *self.world;
        let mut over = Vec::new();
        for held in &mut self.held {
            if let Some(answered) = held.poll(now_ms, &mut |held, message| send_all(world, held, message)) {
                over.push((held.record.number, answered));
            }
        }
        for (number, answered) in over {
            self.end_waiting(number, answered);
        }
        if now_ms >= self.renew_ms {
            self.renew_ms = now_ms.saturating_add(RENEW_MS);
            self.renew(now_ms);
            self.take_free(now_ms);
        }
    }

    /// Tells who waits for the answers of a group that it is over.
    pub(super) fn end_waiting(&mut self, number: u16, answered: usize) {
        while let Some(at) = self.callers.iter().position(|(group, _)| *group == number) {
            let (_, caller) = self.callers.swap_remove(at);
            caller.say(format!("{answered} answered"));
            caller.end(None);
        }
    }

    /// Leases are renewed; a group whose lease has ended or was lost is another node's.
    fn renew(&mut self, now_ms: u64) {
        let mut at = 0;
        while let (Some(held), Some(end)) = (self.held.get(at), self.ends_ms.get_mut(at)) {
            match self.shelf.lease(held.record.number, Some(held.token), LEASE_MS) {
                Ok(_) => *end = now_ms.saturating_add(LEASE_MS),
                Err(Fault::Down) if now_ms < *end => {}
                Err(fault) => {
                    tracing::warn!(group = held.record.number, ?fault, "a group is no longer this node's");
                    self.drop_at(at);
                    continue;
                }
            }
            at += 1;
        }
    }

    fn drop_at(&mut self, at: usize) {
        self.ends_ms.swap_remove(at);
        let number = self.held.swap_remove(at).record.number;
        self.end_waiting(number, 0);
    }

    /// Takes the groups that no node has.
    fn take_free(&mut self, now_ms: u64) {
        for number in self.shelf.list().unwrap_or_default() {
            if self.held.iter().any(|held| held.record.number == number) {
                continue;
            }
            let Ok(token) = self.shelf.lease(number, None, LEASE_MS) else { continue };
            match self.go_on(now_ms, number, token) {
                Ok(held) => {
                    tracing::info!(group = number, epoch = held.epoch(), "a group is this node's");
                    self.hold(now_ms, held);
                }
                Err(error) => {
                    tracing::error!(group = number, ?error, "what is stored of a group cannot be used");
                    self.shelf.release(number, token);
                }
            }
        }
        self.put_out_gone(now_ms);
    }

    fn go_on(&mut self, now_ms: u64, number: u16, token: u64) -> Result<Held, Error> {
        let stored = self.shelf.load(number, token).map_err(|_| Error::Storage)?.ok_or(Error::Malformed)?;
        let record =
            Record::read(&stored).filter(|record| record.number == number).ok_or(Error::Malformed)?;
        Held::restore(&mut around(&mut *self.platform, &mut *self.shelf, now_ms), record, token)
    }

    /// Holds a group whose lease has just begun.
    pub(super) fn hold(&mut self, now_ms: u64, held: Held) {
        self.held.push(held);
        self.ends_ms.push(now_ms.saturating_add(LEASE_MS));
    }

    /// Puts out of all groups whom the directory does not have any more.
    fn put_out_gone(&mut self, now_ms: u64) {
        for held in &mut self.held {
            let ids = held.record.allowed.iter().map(|allowed| &allowed.id);
            let gone: Vec<_> = ids.filter(|id| self.devices.find(id).is_none()).cloned().collect();
            for id in gone {
                let mut around = around(&mut *self.platform, &mut *self.shelf, now_ms);
                let world = &mut *self.world;
                let put_out =
                    held.put_out(&mut around, &id, &mut |held, message| send_all(world, held, message));
                if let Err(error) = put_out {
                    let device = Id(&id).to_string();
                    tracing::error!(
                        group = held.record.number,
                        device,
                        ?error,
                        "a member that is gone is still in it"
                    );
                }
            }
        }
    }

    /// The answer to a device that asks or leaves.
    fn answer(&mut self, now_ms: u64, device_id: &[u8], payload: &[u8]) -> Vec<u8> {
        let leaves = match payload {
            [LEAVE, high, low] => Some(u16::from_be_bytes([*high, *low])).filter(|number| *number != 0),
            _ => None,
        };
        let Some(number) = leaves.or_else(|| group_of_ask(payload).ok()) else {
            return response(code(4, 0), None);
        };
        let is_for =
            |held: &Held| (number == 0 || held.record.number == number) && held.record.allows(device_id);
        let at = self.held.iter().position(is_for);
        let is_elsewhere = at.is_none() && self.is_elsewhere(number);
        let held = at.and_then(|at| self.held.get_mut(at));
        let mut around = around(&mut *self.platform, &mut *self.shelf, now_ms);
        let device = Id(device_id).to_string();
        let mut out = GroupMessage::new();
        let result = match held {
            Some(held) if leaves.is_some() => {
                let world = &mut *self.world;
                tracing::info!(group = number, device, "leaves");
                held.put_out(&mut around, device_id, &mut |held, message| send_all(world, held, message))
            }
            Some(held) => {
                let result = held.answer_ask(&mut around, device_id, payload, &mut out);
                tracing::info!(group = held.record.number, device, ?result, "asks");
                result
            }
            // Another node may have the group, and the device in it.
            None if is_elsewhere => Err(Error::Full),
            None if leaves.is_some() => Ok(()),
            None => {
                write_leave(number, &mut out);
                tracing::info!(group = number, device, "is no member");
                Ok(())
            }
        };
        let message = match result {
            Ok(()) => response(code(2, 4), Some(&out).filter(|out| !out.is_empty())),
            Err(Error::Malformed) => response(code(4, 0), None),
            Err(Error::Full | Error::Budget) => busy(),
            Err(_) => response(code(5, 0), None),
        };
        out.as_mut_slice().zeroize();
        message
    }

    /// Whether a group that is asked for, 0 for any, is held by another node, as far as can be known.
    fn is_elsewhere(&mut self, number: u16) -> bool {
        let is_held = |number: &u16| self.held.iter().any(|held| held.record.number == *number);
        match self.shelf.list() {
            Ok(numbers) => numbers.iter().any(|group| (number == 0 || *group == number) && !is_held(group)),
            Err(_) => true,
        }
    }

    fn take_answer(&mut self, datagram: &[u8]) {
        if datagram.len() > MESSAGE_MAX {
            return;
        }
        for held in &mut self.held {
            let Some(answer) = held.take_answer(datagram) else { continue };
            let (number, device) = (held.record.number, Id(&answer.device_id).to_string());
            let (class, detail) = (answer.code >> 5, answer.code & 0x1f);
            tracing::info!(group = number, device, code = %format_args!("{class}.{detail:02}"), "answers");
            let mut line = format!("{device}: {class}.{detail:02}");
            if !answer.payload.is_empty() {
                line.push(' ');
                line.push_str(&printable(&answer.payload));
            }
            for (_, caller) in self.callers.iter().filter(|(group, _)| *group == number) {
                caller.say(line.clone());
            }
        }
    }
}

pub(super) fn around<'a>(
    platform: &'a mut (dyn Platform + Send),
    shelf: &'a mut dyn Shelf,
    now_ms: u64,
) -> Around<'a> {
    Around { platform, shelf, now_ms }
}

/// To everybody, once.
pub(super) fn send_all(world: &mut dyn World, held: &Held, message: &[u8]) {
    held.record.copies.iter().chain([&held.record.address]).for_each(|to| world.send(*to, message));
}

fn response(code: u8, payload: Option<&GroupMessage>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + payload.map_or(0, |payload| payload.len()));
    Header { kind: Type::Acknowledgement, code, id: 0, token: &[] }.write(&mut bytes);
    if let Some(payload) = payload {
        let mut writer = Writer::new(&mut bytes);
        writer.uint(option::CONTENT_FORMAT, CONTENT_FORMAT_GROUP.into());
        writer.payload(payload);
    }
    bytes
}

/// 5.03: ask again later.
pub(super) fn busy() -> Vec<u8> {
    let mut bytes = response(code(5, 3), None);
    Writer::new(&mut bytes).uint(option::MAX_AGE, BUSY_S);
    bytes
}
