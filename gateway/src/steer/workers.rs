//! The program that chooses a worker.

use super::TAG_LEN;
use super::assembler::{Assembler, Do, Is, Label, Size};
use crate::coap::option;
use crate::sys::Instruction;
use lscoap::coap::{HANDSHAKE, SEALED};
use lscoap::limits::COOKIE_LEN;
use lscoap::wire::Type;

/// How many options of a message are looked at. Devices have up to seven in front of their payload.
const OPTIONS: usize = 10;

/// Words of scratch memory.
const NUMBER: u32 = 0; // of the option
const HEAD: u32 = 1; // its first byte
const LEN: u32 = 2; // of its value
const FORMAT: u32 = 3; // the Content-Format; 0 where there is none
const DELTA: u32 = 4; // between its number and the one before
const AT: u32 = 5; // where its length, then its value begins

/// Where the kernel has the network header, from the datagram's point of view.
const NETWORK: u32 = libc::SKF_NET_OFF as u32;

/// Steers to one of `workers` sockets. A session's connection ids begin with the node's prefix and the worker's number in one byte:
///
/// - sealed requests in both carriers, M3, R1 and R1 within RETRIED go by that byte;
/// - requests in the payload carrier with a Request-Tag by that tag: only the first of several blocks has the connection id;
/// - empty messages, which acknowledge or reset one of ours, by message id: a worker's leave its number when divided by `workers`;
/// - the rest, and other nodes' connection ids, by address and port.
///
/// What is no message goes anywhere.
pub fn program(node_prefix: &[u8], workers: u8) -> Vec<Instruction> {
    let workers = u32::from(workers.max(1));
    let mut asm = Assembler::default();
    let labels = Labels {
        payload: asm.label(),
        oscore: asm.label(),
        tag: asm.label(),
        kid: asm.label(),
        address: asm.label(),
    };
    header(&mut asm, &labels, workers);
    for _ in 0..OPTIONS {
        next_option(&mut asm, &labels);
    }
    asm.jump(labels.address);
    oscore(&mut asm, &labels);
    payload(&mut asm, &labels);
    kid(&mut asm, &labels, node_prefix, workers);
    tag(&mut asm, &labels, workers);
    address(&mut asm, &labels, workers);
    asm.finish()
}

struct Labels {
    payload: Label,
    oscore: Label,
    tag: Label,
    kid: Label,
    address: Label,
}

/// Leaves `x` where the options begin.
fn header(asm: &mut Assembler, labels: &Labels, workers: u32) {
    asm.load(Size::Byte, 1); // code
    let filled = asm.label();
    asm.jump_unless(Is::Equal(0), filled);
    asm.load(Size::Half, 2); // message id
    asm.alu(Do::Modulo(workers));
    asm.end_with_a();
    asm.here(filled);
    asm.jump_if(Is::Above(0x1f), labels.address); // no request
    asm.set_a(0);
    for word in [NUMBER, FORMAT, LEN] {
        asm.keep(word);
    }
    asm.set_x(4);
    asm.load(Size::Byte, 0);
    asm.alu(Do::And(0x0f)); // length of the token
    extended(asm, labels, 0, LEN);
    asm.recall(LEN);
    asm.recall_x(AT);
    asm.alu(Do::AddIndex);
    asm.a_to_x();
}

/// `a` is the nibble of a length or an option's number: what it stands for, with up to two bytes `behind` `x`, is kept in a word, and in
/// [`AT`] what is behind those (RFC 7252 section 3.1, RFC 8974 section 2.1).
fn extended(asm: &mut Assembler, labels: &Labels, behind: u32, word: u32) {
    let (more, long, done) = (asm.label(), asm.label(), asm.label());
    asm.jump_if(Is::Above(12), more);
    asm.keep(word);
    asm.x_to_a();
    asm.alu(Do::Add(behind));
    asm.jump(done);
    asm.here(more);
    asm.jump_if(Is::Equal(15), labels.address);
    asm.jump_if(Is::Equal(14), long);
    asm.load_behind_x(Size::Byte, behind);
    asm.alu(Do::Add(13));
    asm.keep(word);
    asm.x_to_a();
    asm.alu(Do::Add(behind + 1));
    asm.jump(done);
    asm.here(long);
    asm.load_behind_x(Size::Half, behind);
    asm.alu(Do::Add(269));
    asm.keep(word);
    asm.x_to_a();
    asm.alu(Do::Add(behind + 2));
    asm.here(done);
    asm.keep(AT);
}

/// Reads the option at `x` and leaves `x` behind it.
fn next_option(asm: &mut Assembler, labels: &Labels) {
    asm.load_len();
    asm.jump_unless(Is::AboveIndex, labels.address); // the end, without a payload
    asm.load_behind_x(Size::Byte, 0);
    asm.jump_if(Is::Equal(option::PAYLOAD_MARKER.into()), labels.payload);
    asm.keep(HEAD);
    asm.alu(Do::Shift(4));
    extended(asm, labels, 1, DELTA);
    asm.recall_x(AT);
    asm.recall(HEAD);
    asm.alu(Do::And(0x0f));
    extended(asm, labels, 0, LEN);
    asm.recall_x(NUMBER);
    asm.recall(DELTA);
    asm.alu(Do::AddIndex);
    asm.keep(NUMBER);
    asm.recall_x(AT);
    asm.jump_if(Is::Equal(option::OSCORE.into()), labels.oscore);
    asm.jump_if(Is::Equal(option::REQUEST_TAG.into()), labels.tag);
    let next = asm.label();
    asm.jump_unless(Is::Equal(option::CONTENT_FORMAT.into()), next);
    asm.recall(LEN);
    asm.jump_unless(Is::Equal(2), next);
    asm.load_behind_x(Size::Half, 0);
    asm.keep(FORMAT);
    asm.here(next);
    asm.recall(LEN);
    asm.alu(Do::AddIndex);
    asm.a_to_x();
}

/// `x` is at the value of an OSCORE option (RFC 8613 section 6.1): flags, Partial IV, perhaps a kid context, kid.
fn oscore(asm: &mut Assembler, labels: &Labels) {
    asm.here(labels.oscore);
    asm.recall(LEN);
    asm.jump_if(Is::Equal(0), labels.address);
    asm.load_behind_x(Size::Byte, 0);
    asm.jump_if(Is::Any(0xe0), labels.address);
    asm.jump_unless(Is::Any(0x08), labels.address);
    asm.keep(HEAD);
    asm.alu(Do::And(0x07));
    asm.alu(Do::AddIndex);
    asm.alu(Do::Add(1));
    asm.a_to_x();
    asm.recall(HEAD);
    asm.jump_unless(Is::Any(0x10), labels.kid);
    asm.load_behind_x(Size::Byte, 0); // the length of the context
    asm.alu(Do::AddIndex);
    asm.alu(Do::Add(1));
    asm.a_to_x();
    asm.jump(labels.kid);
}

/// `x` is at the payload marker.
fn payload(asm: &mut Assembler, labels: &Labels) {
    asm.here(labels.payload);
    let handshake = asm.label();
    asm.recall(FORMAT);
    asm.jump_if(Is::Equal(HANDSHAKE.into()), handshake);
    asm.jump_unless(Is::Equal(SEALED.into()), labels.address);
    asm.load_behind_x(Size::Byte, 1); // flags of the object: 0x08 and the length of the Partial IV
    asm.alu(Do::And(0x07));
    asm.alu(Do::AddIndex);
    asm.alu(Do::Add(2));
    asm.a_to_x();
    asm.jump(labels.kid);
    asm.here(handshake);
    let named = asm.label();
    asm.load_behind_x(Size::Byte, 1);
    asm.jump_if(Is::Equal(Type::M3.first_byte().into()), named);
    asm.jump_if(Is::Equal(Type::R1.first_byte().into()), named);
    asm.jump_unless(Is::Equal(Type::Retried.first_byte().into()), labels.address);
    asm.move_x(1 + COOKIE_LEN as u32);
    asm.load_behind_x(Size::Byte, 1);
    asm.jump_unless(Is::Equal(Type::R1.first_byte().into()), labels.address);
    asm.here(named);
    asm.move_x(3); // marker, type, length
    asm.jump(labels.kid);
}

/// `x` is at a connection id.
fn kid(asm: &mut Assembler, labels: &Labels, node_prefix: &[u8], workers: u32) {
    asm.here(labels.kid);
    for (byte, at) in node_prefix.iter().zip(0..) {
        asm.load_behind_x(Size::Byte, at);
        asm.jump_unless(Is::Equal(u32::from(*byte)), labels.address);
    }
    asm.load_behind_x(Size::Byte, node_prefix.len() as u32);
    asm.alu(Do::Modulo(workers));
    asm.end_with_a();
}

/// `x` is at the value of a Request-Tag. One of 8 bytes is a name.
fn tag(asm: &mut Assembler, labels: &Labels, workers: u32) {
    asm.here(labels.tag);
    asm.recall(LEN);
    asm.jump_unless(Is::Equal(TAG_LEN as u32), labels.address);
    asm.load_behind_x(Size::Word, 0);
    end_by_hash(asm, workers);
}

/// By the address and the port in front of the datagram.
fn address(asm: &mut Assembler, labels: &Labels, workers: u32) {
    asm.here(labels.address);
    let (v6, done) = (asm.label(), asm.label());
    asm.load(Size::Byte, NETWORK);
    asm.alu(Do::And(0xf0));
    asm.jump_if(Is::Equal(0x60), v6);
    mix(asm, &[(Size::Word, 12), (Size::Half, 20)]);
    asm.jump(done);
    asm.here(v6);
    mix(asm, &[(Size::Word, 8), (Size::Word, 12), (Size::Word, 16), (Size::Word, 20), (Size::Half, 40)]);
    asm.here(done);
    end_by_hash(asm, workers);
}

/// Leaves the sum modulo 2 of what stands behind the beginning of the network header.
fn mix(asm: &mut Assembler, places: &[(Size, u32)]) {
    asm.set_x(0);
    for (size, at) in places {
        asm.load(*size, NETWORK.wrapping_add(*at));
        asm.alu(Do::XorIndex);
        asm.a_to_x();
    }
}

fn end_by_hash(asm: &mut Assembler, workers: u32) {
    asm.alu(Do::Mul(0x9e37_79b1)); // 2^32 over the golden ratio: neighbours go apart
    asm.alu(Do::Shift(16));
    asm.alu(Do::Modulo(workers));
    asm.end_with_a();
}
