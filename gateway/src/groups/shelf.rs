//! Where groups are kept, as their thread sees it: it waits for each answer.

use zeroize::Zeroizing;

/// Why a group could not be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The store does not answer, or failed: it may or may not have been done.
    Down,
    /// Another node holds the group.
    Lost,
}

/// A store of groups that nodes share. A group is held by one node at a time, by a lease with a token that rises with each holder:
/// nobody else's save is taken.
pub trait Shelf: Send {
    /// The numbers of all groups.
    fn list(&mut self) -> Result<Vec<u16>, Fault>;
    /// A number that no group ever had.
    fn number(&mut self) -> Result<u16, Fault>;
    /// Takes a group, or with its token keeps it, for so many ms: the token. [`Fault::Lost`]: another node has it.
    fn lease(&mut self, number: u16, token: Option<u64>, ms: u64) -> Result<u64, Fault>;
    /// Gives it back.
    fn release(&mut self, number: u16, token: u64);
    /// What was saved last.
    fn load(&mut self, number: u16, token: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Fault>;
    /// Saves; it survives once this has returned.
    fn save(&mut self, number: u16, token: u64, record: Zeroizing<Vec<u8>>) -> Result<(), Fault>;
}
