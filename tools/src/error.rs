//! What could not be done, in words.

use std::fmt::Display;
use std::path::Path;

/// Why a command failed.
#[derive(Debug)]
pub struct Error {
    /// What belongs on standard output all the same.
    pub printed: String,
    /// The fault, for standard error.
    pub message: String,
}

impl Error {
    /// A fault.
    pub fn new(message: impl Into<String>) -> Self {
        Self { printed: String::new(), message: message.into() }
    }

    /// A fault of a file.
    pub fn at(path: &Path, what: impl Display) -> Self {
        Self::new(format!("{}: {what}", path.display()))
    }

    /// Keeps what was found out before the fault.
    pub fn printed(self, printed: String) -> Self {
        Self { printed, ..self }
    }
}
