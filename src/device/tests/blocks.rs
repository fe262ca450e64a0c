//! Blocks both ways, and Echo.

use super::world::*;
use crate::client::Profile;
use crate::coap::Carrier;
use crate::coap::message::{Frame, code};
use crate::coap::option::{BLOCK1, BLOCK2, ECHO, ETAG, REQUEST_TAG, SIZE1, uint, uint_value};
use crate::error::Error;
use std::cell::RefCell;
use std::rc::Rc;

const CONTINUE: u8 = code(2, 31);

fn option(message: &[u8], number: u16) -> Option<Vec<u8>> {
    let found = Frame::read(message).unwrap().find(message, number).unwrap()?;
    Some(message[found.at..found.at + found.len].to_vec())
}

/// Number, more, and size of a Block option.
fn block(message: &[u8], number: u16) -> Option<(usize, bool, usize)> {
    let value = uint_value(&option(message, number)?).unwrap();
    Some((value as usize >> 4, value & 8 != 0, 16 << (value & 7)))
}

fn value(number: usize, more: bool, size: usize) -> Vec<u8> {
    uint((number as u32) << 4 | u32::from(more) << 3 | (size.trailing_zeros() - 4)).to_vec()
}

fn body(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// What has been received of a request.
type Whole = Rc<RefCell<Vec<u8>>>;

/// Puts requests together, in blocks of `size` at most.
fn receives(size: usize) -> (Whole, impl FnMut(&[u8]) -> Vec<u8>) {
    let whole = Rc::new(RefCell::new(Vec::new()));
    let shared = Rc::clone(&whole);
    (shared, move |request: &[u8]| {
        let payload = Frame::read(request).unwrap().payload(request).to_vec();
        let Some((number, more, mut len)) = block(request, BLOCK1) else {
            whole.replace(payload);
            return answer(request, CHANGED, &[], b"");
        };
        assert!(option(request, REQUEST_TAG).is_some());
        assert_eq!(option(request, SIZE1).is_some(), number == 0);
        if number == 0 {
            whole.borrow_mut().clear();
        }
        if number * len != whole.borrow().len() {
            return answer(request, code(4, 8), &[], b"");
        }
        assert!(!more || payload.len() == len);
        let mut payload = &payload[..];
        if more && len > size {
            (payload, len) = (&payload[..size], size); // as RFC 7959 section 2.5 allows
        }
        whole.borrow_mut().extend(payload);
        let taken = value(number, more, len);
        answer(request, if more { CONTINUE } else { CHANGED }, &[(BLOCK1, &taken)], b"")
    })
}

fn put(payload: Vec<u8>) -> Ask {
    Ask { path: "r", code: 3, payload, ..Ask::default() }
}

#[test]
fn a_long_request_goes_in_blocks() {
    for carrier in [Carrier::Oscore, Carrier::Payload] {
        for (buffer, reads, len) in
            [(160, false, 1_000), (512, true, 5_000), (1_152, false, 3_000), (512, true, 256)]
        {
            let mut world = World::with(&config(carrier, Profile::Express));
            world.buffer = std::vec![0; buffer];
            let (whole, handler) = receives(1_024);
            world.site.handler = Box::new(handler);
            assert_eq!(world.exchange(Ask { reads, ..put(body(len)) }), Ok(CHANGED));
            assert_eq!(*whole.borrow(), body(len), "{buffer} {len}");
            assert!(world.sent.iter().all(|(_, bytes)| bytes.len() <= buffer));
        }
    }
}

/// A server that keeps only the first part of a block would rather have smaller ones.
#[test]
fn a_server_that_likes_smaller_blocks() {
    let mut world = World::new();
    world.buffer = std::vec![0; 1_152];
    let (whole, handler) = receives(64);
    world.site.handler = Box::new(handler);
    assert_eq!(world.exchange(put(body(3_000))), Ok(CHANGED));
    assert_eq!(*whole.borrow(), body(3_000));
    let mut world = World::new();
    world.site.handler = Box::new(|request| match block(request, BLOCK1) {
        Some((0, true, size)) if size > 32 => {
            answer(request, code(4, 13), &[(BLOCK1, &value(0, true, 32))], b"")
        }
        Some((_, true, size)) => {
            assert_eq!(size, 32);
            answer(request, CONTINUE, &[(BLOCK1, &option(request, BLOCK1).unwrap())], b"")
        }
        _ => answer(request, CHANGED, &[], b""),
    });
    assert_eq!(world.exchange(put(body(1_000))), Ok(CHANGED));
}

#[test]
fn a_request_in_blocks_begins_again_in_a_new_session() {
    let mut world = World::new();
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    let (whole, handler) = receives(1_024);
    world.site.handler = Box::new(handler);
    world.ask(Ask { code: 2, ..put(body(2_000)) }).unwrap();
    while whole.borrow().len() < 600 {
        world.step();
    }
    world.site.restart();
    // A POST whose last block has not gone out was not executed: it goes on.
    assert_eq!(world.run(), Some(Ok(CHANGED)));
    assert_eq!(*whole.borrow(), body(2_000));
    // One of which all has gone out may have been.
    world.site.executed.clear();
    world.ask(Ask { code: 2, ..put(body(600)) }).unwrap();
    while world.site.executed.last().is_none_or(|request| block(request, BLOCK1).is_none_or(|block| block.1))
    {
        world.step();
    }
    world.drop_arriving();
    world.site.restart();
    assert_eq!(world.run(), Some(Err(Error::Uncertain)));
}

#[test]
fn a_server_that_has_lost_blocks_gets_them_again() {
    let mut world = World::new();
    let (whole, mut handler) = receives(1_024);
    let (lost, shared) = (Rc::new(RefCell::new(false)), Rc::clone(&whole));
    world.site.handler = Box::new(move |request| {
        if block(request, BLOCK1).is_some_and(|block| block.0 == 3) && !lost.replace(true) {
            shared.borrow_mut().clear();
        }
        handler(request)
    });
    assert_eq!(world.exchange(put(body(2_000))), Ok(CHANGED));
    assert_eq!(*whole.borrow(), body(2_000));
}

/// Gives `bodies`, the next one from the time on that its block number is asked for.
fn serves(bodies: Vec<(usize, Vec<u8>)>, size: usize) -> impl FnMut(&[u8]) -> Vec<u8> {
    let mut at = 0;
    move |request: &[u8]| {
        let (number, _, wanted) = block(request, BLOCK2).unwrap_or((0, false, 1_024));
        if bodies.get(at + 1).is_some_and(|(when, _)| *when == number) {
            at += 1;
        }
        let size = size.min(wanted);
        let body = &bodies[at].1;
        let from = number * wanted;
        let to = body.len().min(from + size);
        let taken = value(from / size, to < body.len(), size);
        answer(request, CONTENT, &[(ETAG, &[at as u8]), (BLOCK2, &taken)], &body[from.min(to)..to])
    }
}

/// The last body that was given.
fn put_together(world: &World) -> Vec<u8> {
    let mut whole = Vec::new();
    for piece in &world.app.pieces {
        if piece.offset == 0 {
            whole.clear();
        }
        assert_eq!(piece.offset as usize, whole.len());
        whole.extend(&piece.payload);
    }
    whole
}

#[test]
fn a_long_answer_comes_in_blocks_that_fit() {
    for carrier in [Carrier::Oscore, Carrier::Payload] {
        for (buffer, size, wanted) in
            [(160, 1_024, 64), (512, 1_024, 256), (512, 64, 64), (1_152, 1_024, 1_024)]
        {
            let mut world = World::with(&config(carrier, Profile::Express));
            world.buffer = std::vec![0; buffer];
            world.site.handler = Box::new(serves(std::vec![(0, body(3_000))], size));
            world.down = Box::new(move |_, bytes| {
                assert!(bytes.len() <= buffer);
                1
            });
            assert_eq!(world.exchange(get("r")), Ok(CONTENT));
            assert_eq!(put_together(&world), body(3_000));
            let (last, others) = world.app.pieces.split_last().unwrap();
            let wanted = if carrier == Carrier::Payload { wanted.min(512) } else { wanted };
            assert!(others.iter().all(|piece| piece.more && piece.payload.len() == wanted));
            assert!(!last.more);
        }
    }
}

#[test]
fn an_answer_that_changes_meanwhile_begins_again() {
    let mut world = World::new();
    world.site.handler = Box::new(serves(std::vec![(0, body(2_000)), (3, body(1_000))], 1_024));
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(put_together(&world), body(1_000));
}

/// One that never stops is given up.
#[test]
fn an_answer_that_changes_all_the_time() {
    let mut world = World::new();
    let mut at = 0_u8;
    world.site.handler = Box::new(move |request| {
        at += 1;
        let (number, _, size) = block(request, BLOCK2).unwrap();
        answer(request, CONTENT, &[(ETAG, &[at]), (BLOCK2, &value(number, true, size))], &std::vec![0; size])
    });
    assert_eq!(world.exchange(get("r")), Err(Error::Malformed));
    assert!(world.site.executed.len() < 30);
}

#[test]
fn blocks_that_are_none() {
    for taken in [&[0x07][..], &[1, 2, 3, 4], &[0x18]] {
        let mut world = World::new();
        world.site.handler = Box::new(move |request| answer(request, CONTENT, &[(BLOCK2, taken)], &[0; 16]));
        assert_eq!(world.exchange(get("r")), Err(Error::Malformed), "{taken:?}");
    }
    let mut world = World::new();
    world.site.handler = Box::new(|request| answer(request, CONTENT, &[(65001, b"")], b"x"));
    assert_eq!(world.exchange(get("r")), Err(Error::BadOption));
}

#[test]
fn an_application_that_wants_no_more() {
    let mut world = World::new();
    world.site.handler = Box::new(serves(std::vec![(0, body(2_000))], 1_024));
    world.app.refuses = true;
    assert_eq!(world.exchange(get("r")), Err(Error::Cancelled));
    assert_eq!(world.app.pieces.len(), 1);
}

/// Only the first block is asked for where nobody takes the answer.
#[test]
fn an_application_that_wants_the_code_alone() {
    let mut world = World::new();
    world.site.handler = Box::new(serves(std::vec![(0, body(2_000))], 1_024));
    assert_eq!(world.exchange(Ask { wants_the_code: true, ..get("r") }), Ok(CONTENT));
    assert_eq!((world.site.executed.len(), world.app.pieces.len()), (1, 0));
}

/// It cannot read its body any more: at once, or after some blocks.
#[test]
fn an_application_that_has_lost_its_body() {
    for blocks in [0, 2] {
        let mut world = World::new();
        let (whole, handler) = receives(1_024);
        world.site.handler = Box::new(handler);
        world.app.has_lost_the_body = blocks == 0;
        let asked = world.ask(Ask { reads: true, ..put(body(2_000)) });
        if blocks == 0 {
            assert_eq!((asked, world.sent.len()), (Err(Error::Cancelled), 0));
            continue;
        }
        while world.site.executed.len() < blocks {
            world.step();
        }
        world.app.has_lost_the_body = true;
        assert_eq!(world.run(), Some(Err(Error::Cancelled)));
        assert!(whole.borrow().len() < 2_000);
    }
}

/// An Echo is repeated once (RFC 9175 section 2.3).
#[test]
fn a_challenge_is_answered_once() {
    let mut world = World::new();
    world.site.handler = Box::new(|request| match option(request, ECHO) {
        Some(echo) if echo == b"fresh" => answer(request, CONTENT, &[], b"yes"),
        _ => answer(request, code(4, 1), &[(ECHO, b"fresh")], b""),
    });
    assert_eq!(world.exchange(get("r")), Ok(CONTENT));
    assert_eq!(world.story(), "X1 0 0");
    world.site.handler = Box::new(|request| answer(request, code(4, 1), &[(ECHO, b"never")], b""));
    assert_eq!(world.exchange(get("r")), Ok(code(4, 1)));
    assert_eq!(world.site.executed.len(), 4);
}
