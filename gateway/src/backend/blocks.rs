//! Bodies that travel in blocks of the proxy's (RFC 7959): what came whole and is too long for a datagram, and answers for devices that
//! take whole messages only.

use super::answer::Answer;
use crate::coap::{Block, Frame, Options, SZX_MAX, Writer, option};
use lscoap::coap::option::uint;

/// A message that every path carries (RFC 7252 section 4.6).
pub const MESSAGE_MAX: usize = 1152;
/// One that servers still read and Ethernet carries in one piece.
pub const DATAGRAM_MAX: usize = 1472;
/// What Block1 and Size1 take at most, with the payload's marker.
const BLOCK_OPTIONS: usize = 10;
/// The longest answer that is put together.
const BODY_MAX: usize = 65_535;

/// A message with other options and another payload: without those of some numbers, and with others, each once.
fn rewritten(message: &[u8], without: &[u16], with: &[(u16, u32)], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len().min(DATAGRAM_MAX) + payload.len());
    let Ok(frame) = Frame::read(message) else { return bytes };
    bytes.extend_from_slice(message.get(..frame.options).unwrap_or_default());
    let mut writer = Writer::new(&mut bytes);
    let mut with = with.iter().peekable();
    for (number, value) in Options::of(message, &frame).filter(|(number, _)| !without.contains(number)) {
        while let Some((other, value)) = with.next_if(|(other, _)| *other < number) {
            writer.option(*other, &uint(*value));
        }
        writer.option(number, value);
    }
    with.for_each(|(number, value)| writer.option(*number, &uint(*value)));
    writer.payload(payload);
    bytes
}

/// A request on its way in blocks.
#[derive(Clone, Copy)]
pub struct Upload {
    at: usize,
    szx: u8,
}

impl Upload {
    /// Of a request, in the largest blocks that fit. `None`: its options leave no room.
    pub fn new(whole: &[u8]) -> Option<Self> {
        let frame = Frame::read(whole).ok()?;
        let room = MESSAGE_MAX.checked_sub(frame.options_end + BLOCK_OPTIONS)?;
        let szx = (0..=SZX_MAX).rev().find(|szx| 16_usize << szx <= room)?;
        (!frame.payload(whole).is_empty()).then_some(Self { at: 0, szx })
    }

    /// The datagram with the block that is next.
    pub fn message(&self, whole: &[u8]) -> Vec<u8> {
        let Ok(frame) = Frame::read(whole) else { return Vec::new() };
        let payload = frame.payload(whole);
        let rest = payload.get(self.at..).unwrap_or_default();
        let block = Block::at(self.at, self.szx);
        let part = rest.get(..block.size()).unwrap_or(rest);
        let block = Block { more: part.len() < rest.len(), ..block };
        let size = (option::SIZE1, u32::try_from(payload.len()).unwrap_or(u32::MAX));
        let options = [(option::BLOCK1, block.value()), size];
        let count = if self.at == 0 { 2 } else { 1 };
        rewritten(whole, &[option::SIZE1], options.get(..count).unwrap_or_default(), part)
    }

    /// The block was taken, in that size or a smaller one. Whether it was the one that is out, and not the last.
    pub fn took(&mut self, whole: &[u8], block: Block) -> bool {
        let Ok(frame) = Frame::read(whole) else { return false };
        let size = Block::at(self.at, self.szx).size();
        let is_it = block.number == Block::at(self.at, self.szx).number && block.szx <= SZX_MAX;
        let next = self.at + size;
        if !is_it || next >= frame.payload(whole).len() {
            return false;
        }
        (self.at, self.szx) = (next, self.szx.min(block.szx));
        true
    }
}

/// An answer on its way in blocks.
pub struct Gather {
    first: Vec<u8>,
    etag: Vec<u8>,
    body: Vec<u8>,
    szx: u8,
}

/// What a block makes of an answer.
#[derive(PartialEq, Eq, Debug)]
pub enum Gathered {
    /// The next one is missing.
    More,
    /// It is whole.
    Whole(Vec<u8>),
    /// It is a block of something else: the resource has changed.
    Changed,
    /// It is too long, or its blocks make no sense.
    Bad,
}

impl Gather {
    /// With a first block that is not the last one.
    pub fn new(answer: &Answer) -> Option<Self> {
        let block = answer.block2.filter(|block| block.number == 0 && block.more && block.szx <= SZX_MAX)?;
        let payload = answer.payload();
        (payload.len() == block.size()).then(|| Self {
            first: answer.message.clone(),
            etag: answer.etag.clone(),
            body: payload.to_vec(),
            szx: block.szx,
        })
    }

    /// How many bytes are here.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// The request for the block that is missing.
    pub fn message(&self, whole: &[u8]) -> Vec<u8> {
        // Without the payload (RFC 7959 section 2.7).
        let without = [option::OBSERVE, option::BLOCK1, option::SIZE1];
        rewritten(whole, &without, &[(option::BLOCK2, Block::at(self.body.len(), self.szx).value())], b"")
    }

    /// Another block.
    pub fn take(&mut self, answer: &Answer) -> Gathered {
        let Some(block) = answer.block2.filter(|block| block.szx <= self.szx) else { return Gathered::Bad };
        let payload = answer.payload();
        if answer.etag != self.etag {
            return Gathered::Changed;
        }
        let is_next = block.offset() == self.body.len();
        let is_full = payload.len() == block.size() || !block.more && payload.len() <= block.size();
        if !is_next || !is_full || self.body.len() + payload.len() > BODY_MAX {
            return Gathered::Bad;
        }
        self.body.extend_from_slice(payload);
        self.szx = block.szx;
        if block.more {
            return Gathered::More;
        }
        let body = std::mem::take(&mut self.body);
        Gathered::Whole(rewritten(&self.first, &[option::BLOCK1, option::BLOCK2, option::SIZE2], &[], &body))
    }
}

/// A message without an option.
pub fn without(message: &[u8], number: u16) -> Vec<u8> {
    let Ok(frame) = Frame::read(message) else { return Vec::new() };
    rewritten(message, &[number], &[], frame.payload(message))
}
