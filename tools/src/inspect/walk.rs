//! Fields, taken off the front of a message one after the other.

use lscoap::crypto::{Curve, Point, Software};
use lscoap::limits::X_LEN;

/// The prime of P-256's field.
const PRIME: [u8; X_LEN] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

/// A field that was found.
pub struct Field<'a> {
    /// Where it begins.
    pub at: usize,
    /// As the protocol calls it.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What they mean; may be empty.
    pub note: String,
}

/// What has been found so far.
pub struct Walk<'a> {
    /// All bytes.
    bytes: &'a [u8],
    /// How many have been taken.
    at: usize,
    /// In order.
    fields: Vec<Field<'a>>,
    /// The first x-coordinate that belongs to no point. It does not end the walk.
    off_curve: Option<String>,
}

impl<'a> Walk<'a> {
    /// At the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, fields: Vec::new(), off_curve: None }
    }

    /// The fields, what was not taken among them, and what is wrong with an x-coordinate.
    pub fn finish(mut self) -> (Vec<Field<'a>>, Option<String>) {
        self.push("(not read)", self.left());
        (self.fields, self.off_curve)
    }

    /// What has not been taken.
    pub fn left(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// A fault at the next byte.
    pub fn fault<T>(&self, what: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("at offset {}: {what}", self.at))
    }

    /// A fault of the last field.
    pub fn fault_before<T>(&self, what: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("at offset {}: {what}", self.fields.last().map_or(0, |field| field.at)))
    }

    /// A field of `len` bytes, which may be none.
    pub fn take(&mut self, name: &'static str, len: usize) -> Result<&'a [u8], String> {
        let at = self.at;
        let left = self.left();
        let Some(bytes) = left.get(..len) else {
            return Err(format!("at offset {at}: {name} takes {len} bytes, {} are left", left.len()));
        };
        self.push(name, bytes);
        Ok(bytes)
    }

    /// A field of one byte.
    pub fn byte(&mut self, name: &'static str) -> Result<u8, String> {
        Ok(self.take(name, 1)?.first().copied().unwrap_or_default())
    }

    /// All but the last `after` bytes, which are between `min` and `max` without those.
    pub fn take_all_but(
        &mut self,
        name: &'static str,
        after: usize,
        (min, max): (usize, usize),
    ) -> Result<&'a [u8], String> {
        match self.left().len().checked_sub(after) {
            Some(len) if (min..=max).contains(&len) => self.take(name, len),
            _ => {
                let wanted = match max {
                    usize::MAX => format!("at least {}", min + after),
                    _ => format!("{} to {}", min + after, max + after),
                };
                self.fault(format_args!("{wanted} bytes must follow, not {}", self.left().len()))
            }
        }
    }

    /// An x-coordinate. One that belongs to no point is noted.
    pub fn x(&mut self, name: &'static str) -> Result<(), String> {
        let at = self.at;
        let bytes = self.take(name, X_LEN)?;
        let mut point = Point::EMPTY;
        let on_curve = bytes.try_into().is_ok_and(|x| Software::lift_x(x, &mut point).is_ok());
        if on_curve {
            self.note("on the curve");
        } else {
            let reduced = bytes < PRIME.as_slice();
            let what = if reduced { "not on the curve" } else { "not below the field's prime" };
            self.note(what);
            self.off_curve.get_or_insert_with(|| format!("at offset {at}: {name} is {what}"));
        }
        Ok(())
    }

    /// Says what the last field means.
    pub fn note(&mut self, note: impl Into<String>) {
        if let Some(field) = self.fields.last_mut() {
            field.note = note.into();
        }
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), String> {
        match self.left() {
            [] => Ok(()),
            [_] => self.fault("one byte too many"),
            left => self.fault(format_args!("{} bytes too many", left.len())),
        }
    }

    /// Appends a field, unless it is empty.
    fn push(&mut self, name: &'static str, bytes: &'a [u8]) {
        if !bytes.is_empty() {
            self.fields.push(Field { at: self.at, name, bytes, note: String::new() });
            self.at += bytes.len();
        }
    }
}
