//! What `lscoap group` asks for: one line, of the words that `secure_server --group` takes too.

use super::held::Held;
use super::message::{Request, method};
use super::owner::{Caller, Groups, LEASE_MS, around, send_all};
use super::record::{COPIES_MAX, Record, print_flags, read_address, read_flags, value};
use super::shelf::Fault;
use crate::log::Id;
use lscoap::Error;
use lscoap::group::{Mode, flag};
use zeroize::Zeroizing;

const NOT_UNDERSTOOD: &str = "not understood: is this lscoap of another version?";
/// The longest wait for answers, in ms.
const WAIT_MAX_MS: u64 = 120_000;

/// Does what a line says. Whoever sent it hears of the answers that come later, too.
pub fn run(groups: &mut Groups, now_ms: u64, line: &str, caller: Caller) {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let words = &mut words;
    let result = match words.next() {
        Some("create") => create(groups, now_ms, words, &caller),
        Some("add") => change_member(groups, now_ms, words, true),
        Some("remove") => change_member(groups, now_ms, words, false),
        Some("rekey") => rekey(groups, now_ms, words),
        Some("list") => {
            list(groups, &caller);
            Ok(())
        }
        Some("send") => match send(groups, now_ms, words) {
            Ok(Some(number)) => {
                groups.callers.push((number, caller)); // it ends when nobody can answer any more
                return;
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        },
        _ => Err(NOT_UNDERSTOOD.to_owned()),
    };
    caller.end(result.err().as_deref());
}

type Words<'w, 'a> = &'w mut dyn Iterator<Item = &'a str>;

/// What an error is to the operator.
fn text(error: Error) -> String {
    match error {
        Error::State => "the group does not have that mode".to_owned(),
        Error::Capacity => "longer than one message".to_owned(),
        Error::Storage => "the store does not answer, or another node has the group now".to_owned(),
        error => format!("{error:?}"),
    }
}

/// Where the group of a number stands; 0: the only one.
fn find(groups: &Groups, word: Option<&str>) -> Result<usize, String> {
    let number: u16 = word.and_then(|word| word.parse().ok()).ok_or(NOT_UNDERSTOOD)?;
    let found = groups.held.iter().position(|held| held.record.number == number);
    match groups.held.len() {
        1 if number == 0 => Ok(0),
        len => found.ok_or_else(|| {
            match len {
                0 => "this node has no group",
                1 => "no such group at this node",
                _ => "no such group at this node; there are several, name one (--group N)",
            }
            .to_owned()
        }),
    }
}

fn create(groups: &mut Groups, now_ms: u64, words: Words<'_, '_>, caller: &Caller) -> Result<(), String> {
    let flags = words.next().and_then(read_flags).ok_or(NOT_UNDERSTOOD)?;
    let slots = value(words.next(), "slots").and_then(|slots| slots.parse().ok()).ok_or(NOT_UNDERSTOOD)?;
    let mut words = words.peekable();
    let address = read_address(&mut words).ok_or(NOT_UNDERSTOOD)?;
    let mut copies = Vec::new();
    while words.peek().is_some() && copies.len() < COPIES_MAX {
        copies.push(read_address(&mut words).ok_or(NOT_UNDERSTOOD)?);
    }
    let fault = |fault: Fault| match fault {
        Fault::Down => "the store does not answer".to_owned(),
        Fault::Lost => "another node has the group".to_owned(),
    };
    let number = groups.shelf.number().map_err(fault)?;
    let token = groups.shelf.lease(number, None, LEASE_MS).map_err(fault)?;
    let record = Record {
        number,
        flags,
        slots,
        address,
        copies,
        allowed: Vec::new(),
        state: Zeroizing::new(Vec::new()),
    };
    let created = Held::create(&mut around(&mut *groups.platform, &mut *groups.shelf, now_ms), record, token);
    match created {
        Ok(held) => {
            groups.hold(now_ms, held);
            caller.say(format!("group {number}"));
            Ok(())
        }
        Err(error) => {
            groups.shelf.release(number, token);
            Err(text(error))
        }
    }
}

fn change_member(groups: &mut Groups, now_ms: u64, words: Words<'_, '_>, is_in: bool) -> Result<(), String> {
    let at = find(groups, words.next())?;
    let id = words.next().and_then(|id| hex::decode(id).ok()).filter(|id| !id.is_empty());
    let id = id.ok_or(NOT_UNDERSTOOD)?;
    let is_enrolled = groups.devices.find(&id).is_some();
    let mut around = around(&mut *groups.platform, &mut *groups.shelf, now_ms);
    let held = groups.held.get_mut(at).ok_or(NOT_UNDERSTOOD)?;
    if is_in {
        return match is_enrolled {
            true => held.allow(&mut around, &id).map_err(str::to_owned),
            false => Err("no such device is enrolled".to_owned()),
        };
    }
    let world = &mut *groups.world;
    held.put_out(&mut around, &id, &mut |held, message| send_all(world, held, message)).map_err(|error| {
        match error {
            Error::UnknownSession => "that device is no member".to_owned(),
            error => text(error),
        }
    })
}

fn rekey(groups: &mut Groups, now_ms: u64, words: Words<'_, '_>) -> Result<(), String> {
    let at = find(groups, words.next())?;
    let mut around = around(&mut *groups.platform, &mut *groups.shelf, now_ms);
    let held = groups.held.get_mut(at).ok_or(NOT_UNDERSTOOD)?;
    let world = &mut *groups.world;
    held.rekey(&mut around, None, &mut |held, message| send_all(world, held, message)).map_err(text)
}

fn list(groups: &Groups, caller: &Caller) {
    for held in &groups.held {
        let record = &held.record;
        let (number, flags, address) = (record.number, print_flags(record.flags), record.address);
        caller.say(format!("group {number}, epoch {}: {flags}, {address}", held.epoch()));
        for allowed in &record.allowed {
            let name = Id(&allowed.id);
            caller.say(match allowed.kid {
                0 => format!("  {name}"),
                kid => format!("  {name}, kid {kid}"),
            });
        }
    }
}

/// The group whose members answer.
fn send(groups: &mut Groups, now_ms: u64, words: Words<'_, '_>) -> Result<Option<u16>, String> {
    let at = find(groups, words.next())?;
    let mode = match words.next() {
        Some("tagged") => Mode::Tagged,
        Some("signed") => Mode::Signed,
        _ => return Err(NOT_UNDERSTOOD.to_owned()),
    };
    let wait: u64 = value(words.next(), "wait").and_then(|wait| wait.parse().ok()).ok_or(NOT_UNDERSTOOD)?;
    let name = value(words.next(), "method").ok_or(NOT_UNDERSTOOD)?;
    let mut bytes = |name: &str| value(words.next(), name).and_then(|text| hex::decode(text).ok());
    let (path, payload) = (bytes("path").ok_or(NOT_UNDERSTOOD)?, bytes("payload").ok_or(NOT_UNDERSTOOD)?);
    let path = std::str::from_utf8(&path).map_err(|_| NOT_UNDERSTOOD)?;
    let code = method(name).ok_or("no such method")?;
    let held = groups.held.get_mut(at).ok_or(NOT_UNDERSTOOD)?;
    let answers = held.record.flags & flag::ANSWERS != 0;
    // Every answer is wanted (RFC 7967): without this only those to GET and FETCH come.
    let no_response = answers.then_some(0);
    let request = Request { code, path, content_format: None, no_response, payload: &payload };
    let number = held.record.number;
    groups.end_waiting(number, 0); // of the request before, which is over
    let mut around = around(&mut *groups.platform, &mut *groups.shelf, now_ms);
    let held = groups.held.get_mut(at).ok_or(NOT_UNDERSTOOD)?;
    let world = &mut *groups.world;
    let wait = wait.min(WAIT_MAX_MS);
    held.send(&mut around, mode, &request, wait, &groups.prefix, &mut |held, message| {
        send_all(world, held, message);
    })
    .map_err(text)?;
    tracing::info!(group = number, method = name, path, "sent");
    Ok(answers.then_some(number))
}
