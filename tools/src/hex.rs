//! Hexadecimal digits.

use crate::show;

/// A character that is out of place.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is, in bytes from 0; the length of the text if a digit is missing.
    pub at: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl Fault {
    /// The fault in one line.
    pub fn in_line(&self) -> String {
        format!("character {}: {}", self.at + 1, self.what)
    }

    /// The fault with the text and a mark under the character.
    pub fn in_text(&self, text: &str) -> String {
        format!("{}\n{}", self.in_line(), show::caret(text.as_bytes(), self.at))
    }
}

/// The value of a digit.
fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes pairs of digits; white space and colons between the digits count for nothing.
pub fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for (at, character) in text.bytes().enumerate() {
        if character.is_ascii_whitespace() || character == b':' {
            continue;
        }
        let low = digit(character).ok_or(Fault { at, what: "not a hexadecimal digit" })?;
        match high.take() {
            None => high = Some(low),
            Some(high) => out.push(high << 4 | low),
        }
    }
    match high {
        None => Ok(out),
        Some(_) => Err(Fault { at: text.len(), what: "a digit is missing: their number is odd" }),
    }
}

/// Decodes exactly as many digits as fill `out`, with nothing between them.
pub fn decode_into(text: &[u8], out: &mut [u8]) -> Option<()> {
    if text.len() != out.len() * 2 {
        return None;
    }
    for (pair, byte) in text.chunks_exact(2).zip(out) {
        let [high, low] = *pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(())
}

/// Appends the digits of `bytes`, lower case. Allocates nothing where `out` has room, so that secrets stay in one
/// place.
pub fn push(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(half), 16));
        }
    }
}

/// The digits of `bytes`, lower case.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push(bytes, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_skipped_and_faults_have_places() {
        assert_eq!(decode("11:0a FF\n"), Ok(vec![0x11, 0x0a, 0xff]));
        assert_eq!(decode(""), Ok(vec![]));
        assert_eq!(decode("11 0g").unwrap_err().at, 4);
        assert_eq!(decode("11 0").unwrap_err().at, 4);
        assert_eq!(decode("é1").unwrap_err().at, 0);
    }

    #[test]
    fn exact_decoding_takes_nothing_else() {
        let mut out = [0; 2];
        assert_eq!(decode_into(b"0aFf", &mut out), Some(()));
        assert_eq!(out, [0x0a, 0xff]);
        for bad in [&b"0aF"[..], b"0aFff", b"0a f", b"0axf", b""] {
            assert_eq!(decode_into(bad, &mut out), None);
        }
        assert_eq!(encode(&out), "0aff");
    }
}
