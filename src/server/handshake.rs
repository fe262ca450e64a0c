//! What the answers have in common: random values, and a slot.

use super::slot::{DIGEST_LEN, Phase, Slot};
use super::{Directory, Refusal, Server, Turn};
use crate::crypto::Backend;
use crate::entropy::Hedge;
use crate::error::{Alert, Error};
use crate::limits::{PUBLIC_KEY_LEN, X_LEN};
use crate::platform::Platform;
use crate::schedule::Secret;
use crate::wire::{Cid, ClientNames};

/// How many connection ids of a slot are tried where storage knows them already, and how many slots for one message:
/// after a restart the ids that are stored may be any slot's.
const CID_TRIES: u32 = 4;
const SLOT_TRIES: usize = 4;

/// The random values of an M2 or X2.
#[derive(Default)]
pub(super) struct Draws {
    pub ephemeral: Secret,
    /// The ephemeral public key.
    pub x: [u8; X_LEN],
    /// Chooses the connection id.
    pub number: u64,
}

/// The random values of an R2.
#[derive(Clone, Copy, Default)]
pub(super) struct ResumeDraws {
    /// What `N_S` ends in.
    pub random: [u8; 6],
    /// Chooses the connection id.
    pub number: u64,
}

/// What is kept of a message's SHA-256.
pub(super) fn short(digest: &[u8; 32]) -> [u8; DIGEST_LEN] {
    digest.first_chunk().copied().unwrap_or_default()
}

impl<B: Backend> Server<B> {
    pub(super) fn hedge<'a, P: Platform + ?Sized>(
        &'a mut self,
        platform: &'a mut P,
        digest: &'a [u8; 32],
    ) -> Hedge<'a, P> {
        Hedge { platform, identity: self.identity.hedge(), counter: &mut self.draws, context: digest }
    }

    /// A handshake in its slot is complete: its session is there, unconfirmed.
    pub(super) fn establish(
        &mut self,
        slots: &mut [Slot<B>],
        index: usize,
        out: &[u8; 32],
    ) -> Result<(), Error> {
        slots.get_mut(index).ok_or(Error::Argument)?.establish(self.engine, out);
        self.table.establish(slots, index);
        self.made = u32::try_from(index.saturating_add(1)).unwrap_or(0);
        Ok(())
    }

    /// The random values of an answer to the M1 or X1 with this digest.
    pub(super) fn draw<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        digest: &[u8; 32],
        draws: &mut Draws,
    ) -> Result<(), Error> {
        #[cfg(test)]
        if let Some(forced) = self.forced.take() {
            *draws = forced;
            return Ok(());
        }
        let mut hedge = self.hedge(platform, digest);
        hedge.key_pair::<B>(&mut draws.ephemeral, &mut draws.x)?;
        let mut numbers = [[0; 8]; 3];
        hedge.fill::<B>(numbers.as_flattened_mut())?;
        let [number, seed @ ..] = numbers.map(u64::from_be_bytes);
        draws.number = number;
        self.table.seed(seed);
        Ok(())
    }

    /// The random values of an answer to the R1 with this digest.
    #[cfg(feature = "resume")]
    pub(super) fn draw_resume<P: Platform + ?Sized>(
        &mut self,
        platform: &mut P,
        digest: &[u8; 32],
        draws: &mut ResumeDraws,
    ) -> Result<(), Error> {
        #[cfg(test)]
        if let Some(forced) = self.forced_resume.take() {
            *draws = forced;
            return Ok(());
        }
        let mut numbers = [[0; 8]; 4];
        self.hedge(platform, digest).fill::<B>(numbers.as_flattened_mut())?;
        let [random, numbers @ ..] = numbers;
        let [number, seed @ ..] = numbers.map(u64::from_be_bytes);
        draws.random = random.first_chunk().copied().unwrap_or_default();
        draws.number = number;
        self.table.seed(seed);
        Ok(())
    }

    /// A slot for a new handshake, which begins with this: the one that the table chose, and for `cid_s` a connection id that
    /// storage does not know as another session's. Where it knows all that are tried, another free slot.
    pub(super) fn choose_cid<D: Directory + ?Sized>(
        &mut self,
        directory: &mut D,
        slots: &mut [Slot<B>],
        chosen: usize,
        number: u64,
        cid_c: &[u8],
        cid_s: &mut Cid,
    ) -> Result<usize, Alert> {
        let mut slot = Some(chosen);
        for _ in 0..SLOT_TRIES {
            let index = slot.ok_or(Alert::Busy)?;
            for turn in 0..CID_TRIES {
                let number = number.rotate_left(turn.saturating_mul(13));
                self.cids.choose(index, slots.len(), number, cid_c, cid_s).ok_or(Alert::Busy)?;
                if !is_stored::<D>(directory, cid_s) {
                    return Ok(index);
                }
            }
            slot = self.table.instead_of(slots, index);
        }
        Err(Alert::Busy)
    }

    /// Gives the slot to a new handshake, whose answer is written and whose body is still to be. Names of these lengths fit.
    pub(super) fn begin<P: Platform + ?Sized, D: Directory + ?Sized>(
        &mut self,
        turn: &mut Turn<'_, '_, B, P, D>,
        index: usize,
        cid_s: &Cid,
        names: ClientNames<'_>,
        public_key: &[u8; PUBLIC_KEY_LEN],
    ) -> Result<(), Error> {
        let begun = self.table.empty(turn.slots, turn.env.directory, index);
        let slot = turn.slots.get_mut(index).ok_or(Error::Argument)?;
        slot.begun = begun;
        slot.cid_s = *cid_s;
        slot.cid_c.set(names.cid_c);
        slot.device_id.set(names.device_id);
        slot.public_key = *public_key;
        slot.resume = super::slot::Counts::default();
        slot.first = short(turn.digest);
        slot.first_answer.set(turn.out);
        slot.second_answer.clear();
        self.table.begin(turn.slots, index, Phase::HalfOpen, turn.env.source);
        Ok(())
    }
}

#[cfg(feature = "resume")]
fn is_stored<D: Directory + ?Sized>(directory: &mut D, cid_s: &[u8]) -> bool {
    let mut blob = super::resume_record::ResumeRecordBytes::new();
    let known = directory.stores() && directory.load_resume(cid_s, &mut blob) == Ok(true);
    super::resume_record::wipe(&mut blob);
    known
}

#[cfg(not(feature = "resume"))]
fn is_stored<D: Directory + ?Sized>(_: &mut D, _: &[u8]) -> bool {
    false
}

/// Writes the key of an enrolled device.
#[inline(never)] // it comes as a copy
pub(super) fn look_up<D: Directory + ?Sized>(
    directory: &mut D,
    device_id: &[u8],
    public_key: &mut [u8; PUBLIC_KEY_LEN],
) -> Result<(), Alert> {
    *public_key = directory.find(device_id).ok_or(Alert::UnknownDevice)?;
    Ok(())
}

/// What to say of a sealed part that did not open: an error of ours is not the peer's.
pub(super) fn of_seal(error: Error) -> Refusal {
    match error {
        Error::Hardware => Refusal::Error(error),
        _ => Refusal::Alert(Alert::Authentication),
    }
}
