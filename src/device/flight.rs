//! The message that is out, and when it goes out again (RFC 7252 section 4.2). It stands in the caller's buffer; an
//! empty acknowledgement and a Reset have nothing but 16 bits to show, so that neither ends anything.

use super::{Device, Env};
use crate::bytes::copy;
use crate::coap::message::HEADER_LEN;
use crate::crypto::Backend;
use crate::error::Error;

/// The length of this client's tokens, in bytes.
pub(super) const TOKEN_LEN: usize = 4;
/// The same in the first byte of a message.
pub(super) const TOKEN_LEN_BITS: u8 = 4;
/// A token.
pub(super) type Token = [u8; TOKEN_LEN];
/// Where options begin in this client's messages.
pub(super) const OPTIONS_AT: usize = HEADER_LEN + TOKEN_LEN;

/// "Not at any time".
pub(super) const NEVER: u64 = u64::MAX;
/// After a failure of the random source.
const RANDOM_AGAIN_MS: u64 = 1_000;
/// An empty acknowledgement delays the next transmission by half of MAX_TRANSMIT_WAIT; then there is one more.
const REMIND_MS: u64 = 46_500;
/// A server forgets a handshake that has come to M2 after this.
pub(super) const M3_MS: u64 = 30_000;

/// How a message begins: version 1, and the type.
pub(super) const CONFIRMABLE: u8 = 0x40;
const NON_CONFIRMABLE: u8 = 0x50;

/// See the module.
#[derive(Default)]
pub(super) struct Flight {
    /// The length of the message; 0: there is none.
    pub len: u16,
    /// It needs a token, a message id and a timeout before it is sent.
    pub is_new: bool,
    /// What that token is, where it is known already.
    pub has_token: bool,
    pub token: Token,
    /// The token before the last hint.
    pub former: Token,
    pub has_former: bool,
    pub id: u16,
    /// When it is sent next; [`NEVER`] after the last time. Without a message: when the next handshake begins.
    pub due_ms: u64,
    /// When it was sent first.
    pub began_ms: u64,
    pub timeout_ms: u32,
    /// How often it was sent.
    pub sent: u8,
    /// A refusal in the clear has come.
    pub hinted: bool,
    pub acknowledged: bool,
    pub is_m3: bool,
    pub non: bool,
}

impl Flight {
    /// A message that is to be sent now.
    pub fn new(len: usize, now_ms: u64) -> Self {
        Self { len: u16::try_from(len).unwrap_or(0), is_new: true, due_ms: now_ms, ..Self::default() }
    }

    /// The same bytes as another message.
    pub fn again(&mut self, due_ms: u64) {
        (self.former, self.has_former) = (self.token, true);
        (self.is_new, self.has_token, self.due_ms) = (true, false, due_ms);
    }

    /// Whether a token is this message's.
    pub fn knows(&self, token: &[u8]) -> bool {
        self.len != 0 && (self.is_current(token) || (self.has_former && token == self.former))
    }

    /// Whether it is not only that of before the hint.
    pub fn is_current(&self, token: &[u8]) -> bool {
        !self.is_new && token == self.token
    }

    /// An empty acknowledgement.
    pub fn acknowledge(&mut self, id: u16, now_ms: u64, max_retransmit: u8) {
        if self.len != 0 && !self.is_new && id == self.id && !self.acknowledged {
            self.acknowledged = true;
            self.sent = self.sent.max(max_retransmit);
            self.due_ms = now_ms.saturating_add(REMIND_MS);
        }
    }
}

impl<B: Backend> Device<B> {
    /// Prepares what is sent now: the message is in the buffer's first [`Flight::len`] bytes.
    /// [`Error::Random`]: tried again at the deadline.
    pub(super) fn transmit(&mut self, env: &mut Env<'_>) -> Result<(), Error> {
        let now = self.now_ms;
        if self.flight.is_new {
            let random: [u8; TOKEN_LEN + 4] = self.draw(env).inspect_err(|_| {
                self.flight.due_ms = now.saturating_add(RANDOM_AGAIN_MS);
            })?;
            let [token @ .., id_high, id_low, jitter_high, jitter_low] = random;
            let flight = &mut self.flight;
            if !flight.has_token {
                flight.token = token;
            }
            if !self.has_id {
                (self.has_id, self.next_id) = (true, u16::from_be_bytes([id_high, id_low]));
            }
            flight.id = self.next_id;
            self.next_id = self.next_id.wrapping_add(1);
            let jitter = u16::from_be_bytes([jitter_high, jitter_low]);
            flight.timeout_ms = spread(self.settings.ack_timeout_ms.into(), jitter);
            (flight.is_new, flight.has_token, flight.acknowledged) = (false, false, false);
            (flight.sent, flight.began_ms) = (0, now);
            let message_type = if flight.non { NON_CONFIRMABLE } else { CONFIRMABLE };
            let [id_high, id_low] = flight.id.to_be_bytes();
            let code = env.buffer.get(1).copied().unwrap_or(0);
            copy(env.buffer, &[message_type | TOKEN_LEN_BITS, code, id_high, id_low]);
            copy(env.buffer.get_mut(HEADER_LEN..).unwrap_or(&mut []), &flight.token);
        }
        let flight = &mut self.flight;
        flight.sent = flight.sent.saturating_add(1);
        flight.due_ms = match flight.non || flight.sent > self.settings.max_retransmit {
            true => NEVER,
            false => now.saturating_add(flight.timeout_ms.into()),
        };
        if flight.is_m3 {
            flight.due_ms = flight.due_ms.min(flight.began_ms.saturating_add(M3_MS));
        }
        flight.timeout_ms = flight.timeout_ms.saturating_mul(2);
        Ok(())
    }

    pub(super) fn draw<const N: usize>(&self, env: &mut Env<'_>) -> Result<[u8; N], Error> {
        let mut random = [0; N];
        env.platform.random(&mut random)?;
        Ok(random)
    }

    /// `ms` times 1 to 1.5; 1.5 where there is no randomness.
    pub(super) fn spread_now(&self, env: &mut Env<'_>, ms: u32) -> u64 {
        let jitter = self.draw(env).map_or(u16::MAX, u16::from_be_bytes);
        spread(ms, jitter).into()
    }
}

fn spread(ms: u32, jitter: u16) -> u32 {
    let extra = u64::from(ms).saturating_mul(jitter.into()) >> 17;
    ms.saturating_add(u32::try_from(extra).unwrap_or(0))
}
