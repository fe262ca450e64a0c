//! What is kept in storage: a kind and a version, fields, and a check of the first bytes of a SHA-256. The check finds
//! damage; that nobody else writes there is the storage's business.

use crate::bytes::Bytes;
use crate::crypto::{Hash, sha256};
use crate::error::Error;
use crate::wire::Reader;
use zeroize::Zeroize;

/// Written into every blob: blobs of another version are not understood.
const VERSION: u8 = 1;
/// The length of the check, in bytes.
const CHECK_LEN: usize = 8;
/// What every blob has beside its fields, in bytes.
pub const FRAME_LEN: usize = 2 + CHECK_LEN;

/// What a blob is of.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A client's session.
    Session = b'S',
    /// What a server needs to resume a session.
    ResumeRecord = b'R',
    /// A group of an owner.
    #[cfg(all(feature = "group", feature = "server"))]
    Group = b'G',
    /// What a member holds of a group.
    #[cfg(feature = "group")]
    Member = b'M',
    /// A delegate's numbers.
    #[cfg(feature = "group-delegate")]
    Delegate = b'D',
}

/// A blob of at most `N` bytes. Written where it stays, and wiped when dropped.
pub struct Stored<const N: usize>(Bytes<N>);

impl<const N: usize> Stored<N> {
    /// Room for one.
    pub const EMPTY: Self = Self(Bytes::EMPTY);

    /// Begins it: what comes next are its fields.
    pub fn begin(&mut self, kind: Kind) {
        self.0.clear();
        self.put(&[VERSION, kind as u8]);
    }

    /// Appends a field of a length that every blob of the kind has.
    pub fn put(&mut self, bytes: &[u8]) {
        let result = self.0.append(bytes);
        debug_assert!(result.is_ok(), "longer than any blob of its kind");
    }

    /// Appends a field with its length.
    pub fn put_string(&mut self, bytes: &[u8]) {
        self.put(&[u8::try_from(bytes.len()).unwrap_or(0)]);
        self.put(bytes);
    }

    /// Appends the check: the blob is whole.
    pub fn finish<H: Hash>(&mut self) {
        let check = check::<H>(&self.0);
        self.put(&check);
    }

    /// Wipes it.
    pub fn wipe(&mut self) {
        self.0.zeroize();
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> Drop for Stored<N> {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn check<H: Hash>(bytes: &[u8]) -> [u8; CHECK_LEN] {
    let digest = sha256::<H>(&[b"LSCoAP-1 stored", bytes]);
    digest.first_chunk().copied().unwrap_or_default()
}

/// The fields of a blob: [`Error::Malformed`] for one of another kind or version, or a damaged one.
pub fn fields<H: Hash>(kind: Kind, blob: &[u8]) -> Result<Reader<'_>, Error> {
    let (body, expected) = blob.split_last_chunk::<CHECK_LEN>().ok_or(Error::Malformed)?;
    let fields = body.strip_prefix(&[VERSION, kind as u8]).ok_or(Error::Malformed)?;
    if check::<H>(body) == *expected { Ok(Reader::new(fields)) } else { Err(Error::Malformed) }
}

/// A field with its length.
pub fn string<const N: usize>(reader: &mut Reader<'_>) -> Result<Bytes<N>, Error> {
    let len = reader.byte()?;
    Bytes::copy_of(reader.take(len.into())?, Error::Malformed)
}
