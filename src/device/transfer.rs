//! Blocks, inside the seal (RFC 7959, RFC 9175).

use super::build::{SZX_MAX, largest, size_of};
use super::inside::Inside;
use super::types::Piece;
use super::{Device, End, Env, Stage};
use crate::bytes::Bytes;
use crate::coap::message::code;
use crate::crypto::Backend;
use crate::error::Error;

const UNAUTHORIZED: u8 = code(4, 1);
const CONTINUE: u8 = code(2, 31);
const INCOMPLETE: u8 = code(4, 8);
const TOO_LARGE: u8 = code(4, 13);

/// How often a body begins anew in one session: a server that changes it all the time is asked no more.
const RESTARTS: u8 = 8;
/// What Block1, Size1 and Request-Tag take at most.
const BLOCK_OPTIONS: usize = 4 + 6 + 5;

/// The longest Echo value (RFC 9175).
const ECHO_MAX: usize = 40;

/// An ETag.
pub(super) type Etag = Bytes<8>;

/// How far the bodies of a request and of its answer have come.
pub(super) struct Transfer {
    /// The request goes in blocks.
    pub in_blocks: bool,
    pub up_szx: u8,
    /// Where the block that is out begins.
    pub up: usize,
    /// Names the body (RFC 9175).
    pub tag: u16,
    /// Where the block of the answer that is asked for begins; 0: what is asked for is the answer.
    pub down: usize,
    pub down_szx: u8,
    pub etag: Etag,
    pub restarts: u8,
    /// The server's challenge, answered once.
    pub echo: Bytes<ECHO_MAX>,
    pub has_echoed: bool,
}

impl Default for Transfer {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Transfer {
    pub fn new(tag: u16) -> Self {
        Self {
            in_blocks: false,
            up_szx: SZX_MAX,
            up: 0,
            tag,
            down: 0,
            down_szx: SZX_MAX,
            etag: Etag::EMPTY,
            restarts: 0,
            echo: Bytes::EMPTY,
            has_echoed: false,
        }
    }

    /// Blocks of what fits into `room` bytes. [`Error::TooLong`]: nothing does.
    pub fn begin_upload(&mut self, room: usize, body_len: usize) -> Result<(), Error> {
        let room = room.saturating_sub(BLOCK_OPTIONS).saturating_sub(1);
        self.up_szx = largest(room).filter(|szx| body_len >> 24 >> szx == 0).ok_or(Error::TooLong)?;
        self.in_blocks = true;
        Ok(())
    }

    pub fn up_size(&self) -> usize {
        size_of(self.up_szx)
    }
}

impl<B: Backend> Device<B> {
    /// In a new session both bodies begin again.
    pub(super) fn begin_bodies_anew(&mut self) {
        let transfer = &mut self.transfer;
        (transfer.up, transfer.down, transfer.has_echoed) = (0, 0, false);
        transfer.echo.clear();
        transfer.tag = transfer.tag.wrapping_add(1);
    }

    /// The answer to the request, or to one of its blocks. `message` has it whole.
    pub(super) fn take_answer(&mut self, env: &mut Env<'_>, inside: &Inside<'_>) {
        let Some(request) = env.requests.get(self.name) else { return self.finish(End::Malformed) };
        let (observe, takes, body_len) = (request.observe, request.takes, request.payload.len());
        if self.is_challenge(inside) || self.continues_upload(inside, body_len) {
            self.stage = Stage::Prepare;
            return;
        }
        self.code = inside.code;
        if observe {
            return self.registered(env, inside);
        }
        match self.take_block(env, inside, false, takes) {
            Ok(true) => self.stage = Stage::Prepare,
            Ok(false) => self.finish(End::Done),
            Err(end) => self.finish(end),
        }
    }

    /// An Echo to repeat, which shows that the request is fresh (RFC 9175 section 2.3): once.
    fn is_challenge(&mut self, inside: &Inside<'_>) -> bool {
        let transfer = &mut self.transfer;
        match inside.echo {
            Some(echo) if inside.code == UNAUTHORIZED && !transfer.has_echoed => {
                transfer.has_echoed = true;
                Bytes::copy_of(echo, Error::Malformed).map(|echo| transfer.echo = echo).is_ok()
            }
            _ => false,
        }
    }

    /// Whether another block of the request comes next.
    fn continues_upload(&mut self, inside: &Inside<'_>, body_len: usize) -> bool {
        let transfer = &mut self.transfer;
        if !transfer.in_blocks || transfer.down != 0 {
            return false;
        }
        let szx = inside.block1.map_or(transfer.up_szx, |block| block.szx.min(transfer.up_szx));
        let next = transfer.up.saturating_add(transfer.up_size());
        match inside.code {
            CONTINUE if next < body_len && inside.block1.is_none_or(|block| block.offset == transfer.up) => {
                transfer.up = next;
            }
            INCOMPLETE if transfer.restarts < RESTARTS => {
                transfer.up = 0;
                transfer.tag = transfer.tag.wrapping_add(1);
                transfer.restarts = transfer.restarts.saturating_add(1);
            }
            TOO_LARGE if transfer.up == 0 && szx < transfer.up_szx => {}
            _ => return false,
        }
        transfer.up_szx = szx;
        true
    }

    /// Gives a part of an answer to the application. `true`: the next one is to be asked for.
    pub(super) fn take_block(
        &mut self,
        env: &mut Env<'_>,
        inside: &Inside<'_>,
        notification: bool,
        takes: bool,
    ) -> Result<bool, End> {
        let transfer = &mut self.transfer;
        let is_other = transfer.down != 0
            && (inside.code == INCOMPLETE
                || inside.block2.is_some() && inside.etag != transfer.etag.as_slice());
        if is_other && transfer.restarts < RESTARTS {
            // Of another body, or of none that the server still has: from the beginning.
            transfer.down = 0;
            transfer.restarts = transfer.restarts.saturating_add(1);
            return Ok(true);
        }
        let (offset, more, szx) = match inside.block2 {
            Some(block) => (block.offset, block.more, block.szx),
            None => (0, false, SZX_MAX),
        };
        let end = offset.saturating_add(inside.payload.len());
        if is_other || offset != 0 && offset != transfer.down || more && inside.payload.len() != size_of(szx)
        {
            return Err(End::Malformed);
        }
        if !takes {
            return Ok(false);
        }
        let piece = inside.piece(offset, more, notification);
        env.requests.take(self.name, &piece).map_err(|_| End::Cancelled)?;
        if more {
            transfer.etag = Etag::copy_of(inside.etag, Error::Malformed).map_err(|_| End::Malformed)?;
            (transfer.down, transfer.down_szx) = (end, szx);
        }
        Ok(more)
    }
}

impl<'a> Inside<'a> {
    /// What the application gets of it.
    #[inline(never)] // called from many places
    pub fn piece(&self, offset: usize, more: bool, notification: bool) -> Piece<'a> {
        Piece {
            ended: None,
            code: self.code,
            more,
            notification,
            content_format: self.content_format,
            max_age_s: self.max_age_s,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            options: self.options,
            payload: self.payload,
        }
    }
}
