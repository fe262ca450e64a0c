//! Random bytes, many at a system call.

/// Tokens of 8 bytes, which nobody who cannot read the way to the back-end can guess.
pub const TOKEN_LEN: usize = 8;
/// A token.
pub type Token = [u8; TOKEN_LEN];

/// The system's random source, read ahead.
pub struct Random {
    bytes: [u8; 1024],
    at: usize,
}

impl Random {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self { bytes: [0; 1024], at: 1024 }
    }

    /// Eight bytes; `None` if the system has none.
    pub fn token(&mut self) -> Option<Token> {
        if self.at + TOKEN_LEN > self.bytes.len() {
            getrandom::fill(&mut self.bytes).ok()?;
            self.at = 0;
        }
        let token = self.bytes.get(self.at..)?.first_chunk().copied();
        self.at += TOKEN_LEN;
        token
    }

    /// A number from `low` to below `high`; `low` if the system has none.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let number = self.token().map_or(0, u64::from_be_bytes);
        low + number.checked_rem(high.saturating_sub(low)).unwrap_or(0)
    }
}
