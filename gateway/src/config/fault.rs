//! What is wrong in a configuration, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    file: Option<PathBuf>,
    /// The line and the column, both from 1.
    at: Option<(usize, usize)>,
    what: String,
}

impl Fault {
    pub(super) fn of_file(path: &Path, error: &io::Error) -> Self {
        Self { file: Some(path.into()), at: None, what: error.to_string() }
    }

    pub(super) fn in_file(self, path: &Path) -> Self {
        Self { file: Some(path.into()), ..self }
    }

    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        Self {
            file: None,
            at: error.span().map(|span| place(text, span.start)),
            what: error.message().trim().to_owned(),
        }
    }

    /// At the value of a key, given from the outermost table on; at the last of its tables that is there.
    pub(super) fn at_key(text: &str, keys: &[&str], what: String) -> Self {
        Self { file: None, at: find(text, keys).map(|at| place(text, at)), what }
    }
}

/// The offset of the value of a key.
fn find(text: &str, keys: &[&str]) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut at = None;
    for key in keys {
        let Some(value) = table.get(*key) else { break };
        at = Some(value.span().start);
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    at
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
        }
        if let Some((line, column)) = self.at {
            write!(f, "{line}:{column}:")?;
        }
        let space = if self.file.is_some() || self.at.is_some() { " " } else { "" };
        write!(f, "{space}{}", self.what)
    }
}

impl std::error::Error for Fault {}
