//! The program in front of a socket: what cannot be for us costs no system call.

use super::assembler::{Assembler, Do, Is, Size};
use crate::sys::Instruction;
use lscoap::wire::Type;

/// The program sees the UDP header.
const UDP: u32 = 8;
/// Takes the whole datagram.
const WHOLE: u32 = u32::MAX;

/// The options of a handshake as every client sends them: Uri-Path twice, Content-Format 65001; and the payload marker.
pub(super) const OPTIONS: &[u8; 23] = b"\xbb.well-known\x06lscoap\x12\xfd\xe9\xff";

/// Drops what is of another version, neither a request nor an empty message nor a member's answer to its group, which is not
/// confirmable, or a handshake whose message is of no type that a device sends.
pub fn program() -> Vec<Instruction> {
    let mut asm = Assembler::default();
    let (accept, drop, empty, request) = (asm.label(), asm.label(), asm.label(), asm.label());
    asm.load(Size::Byte, UDP);
    asm.alu(Do::And(0xc0));
    asm.jump_unless(Is::Equal(0x40), drop); // version
    asm.load(Size::Byte, UDP + 1);
    asm.jump_if(Is::Equal(0), empty);
    asm.jump_unless(Is::Above(0x1f), request);
    asm.load(Size::Byte, UDP);
    asm.alu(Do::And(0x30));
    asm.jump_if(Is::Equal(0x10), accept); // NON
    asm.jump(drop);
    asm.here(request);
    asm.load(Size::Byte, UDP);
    asm.jump_if(Is::Any(0x20), drop); // neither CON nor NON
    asm.alu(Do::And(0x0f));
    asm.jump_if(Is::Equal(15), drop);
    asm.jump_if(Is::Above(8), accept); // a long token is not looked behind
    asm.a_to_x();
    asm.load_len();
    asm.jump_unless(Is::Above(UDP + 4 + OPTIONS.len() as u32), accept); // too short for a handshake
    asm.alu(Do::Sub(UDP + 4 + OPTIONS.len() as u32));
    asm.jump_unless(Is::AboveIndex, accept);
    // The end of each option is enough: what has these by chance is no message of ours either.
    for (at, bytes) in [(0, OPTIONS.first_chunk::<4>()), (19, OPTIONS.last_chunk::<4>())] {
        asm.load_behind_x(Size::Word, UDP + 4 + at);
        asm.jump_unless(Is::Equal(bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))), accept);
    }
    asm.load_behind_x(Size::Byte, UDP + 4 + OPTIONS.len() as u32);
    for kind in Type::ALL.iter().filter(|kind| is_sent_by_devices(**kind)) {
        asm.jump_if(Is::Equal(kind.first_byte().into()), accept);
    }
    asm.jump(drop);
    asm.here(empty);
    asm.load_len();
    asm.jump_unless(Is::Equal(UDP + 4), drop);
    asm.here(accept);
    asm.end(WHOLE);
    asm.here(drop);
    asm.end(0);
    asm.finish()
}

pub(super) fn is_sent_by_devices(kind: Type) -> bool {
    match kind {
        Type::M1 | Type::M3 | Type::X1 | Type::R1 | Type::Retried => true,
        Type::M2 | Type::M4 | Type::X2 | Type::R2 | Type::Retry | Type::Alert => false,
    }
}
