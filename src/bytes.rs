//! Short byte strings that live inside the protocol objects. Every bit pattern is a valid value (an over-long
//! length reads as the capacity), so an object that C placed in zeroed memory is one too.

use crate::error::Error;
use zeroize::Zeroize;

/// Copies as many bytes as both have. The slices' own function has a panic in it for those who are mistaken.
pub fn copy(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        to.copy_from_slice(from);
    }
}

/// Adds bytes modulo 2, by words. Nothing where `to` has fewer.
pub fn xor(to: &mut [u8], from: &[u8]) {
    let ((to, to_rest), (from, from_rest)) =
        (to.get_mut(..from.len()).unwrap_or_default().as_chunks_mut(), from.as_chunks());
    for (to, from) in to.iter_mut().zip(from) {
        *to = (u32::from_ne_bytes(*to) ^ u32::from_ne_bytes(*from)).to_ne_bytes();
    }
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to ^= from);
}

/// Moves `len` bytes within a buffer; the two places may overlap. [`Error::Capacity`] when one is outside.
#[cfg(feature = "coap")]
pub fn move_within(buffer: &mut [u8], from: usize, to: usize, len: usize) -> Result<(), Error> {
    let end = from.max(to).checked_add(len).ok_or(Error::Capacity)?;
    if end > buffer.len() {
        return Err(Error::Capacity);
    }
    if cfg!(not(target_os = "none")) {
        if from != to {
            buffer.copy_within(from..from.saturating_add(len), to);
        }
        return Ok(());
    }
    for count in 0..len {
        // From the end where the places overlap so; the slices' own function has a panic in it for those who are mistaken, and
        // is no shorter in flash.
        let at = if to < from { count } else { len.wrapping_sub(count).wrapping_sub(1) };
        let byte = buffer.get(from.wrapping_add(at)).copied().unwrap_or(0);
        if let Some(place) = buffer.get_mut(to.wrapping_add(at)) {
            *place = byte;
        }
    }
    Ok(())
}

/// At most `N` bytes (`N` below 256).
#[derive(Clone, Copy)]
pub struct Bytes<const N: usize> {
    len: u8,
    data: [u8; N],
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> Zeroize for Bytes<N> {
    fn zeroize(&mut self) {
        let Self { len, data } = self;
        len.zeroize();
        data.zeroize();
    }
}

impl<const N: usize> Bytes<N> {
    /// No bytes.
    pub const EMPTY: Self = Self { len: 0, data: [0; N] };

    /// A copy of `bytes`; `error` when they do not fit.
    pub fn copy_of(bytes: &[u8], error: Error) -> Result<Self, Error> {
        let mut data = [0; N];
        copy(data.get_mut(..bytes.len()).ok_or(error)?, bytes);
        let len = u8::try_from(bytes.len()).map_err(|_| error)?;
        Ok(Self { len, data })
    }

    /// Becomes a copy of bytes that are known to fit, where it stays.
    pub fn set(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= N, "longer than there is room");
        copy(&mut self.data, bytes);
        self.len = u8::try_from(bytes.len()).unwrap_or(0);
    }

    /// Appends bytes; [`Error::Capacity`] when they do not fit.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let len = self.len();
        let end = len.saturating_add(bytes.len());
        copy(self.data.get_mut(len..end).ok_or(Error::Capacity)?, bytes);
        self.len = u8::try_from(end).map_err(|_| Error::Capacity)?;
        Ok(())
    }

    /// Leaves no bytes.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.data.get(..usize::from(self.len)).unwrap_or(&self.data)
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        usize::from(self.len).min(N)
    }
}

impl<const N: usize> core::ops::Deref for Bytes<N> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}
