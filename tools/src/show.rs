//! Bytes from elsewhere, shown so that they can do nothing to a terminal and can be told apart.

/// The most that is shown before and after a fault.
const CONTEXT: usize = 120;

/// Printable ASCII as it is, but for the space and the backslash; the rest as `\xNN`.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        push(*byte, &mut out);
    }
    out
}

/// Appends one byte of [`escape`]'s.
fn push(byte: u8, out: &mut String) {
    match byte {
        b'\\' => out.push_str("\\\\"),
        0x21..=0x7e => out.push(char::from(byte)),
        _ => out.push_str(&format!("\\x{byte:02x}")),
    }
}

/// `text`, and on a second line a mark under the byte at `at`; both indented. Of a long text, what is around.
pub fn caret(text: &[u8], at: usize) -> String {
    let (before, after) = text.split_at(at.min(text.len()));
    let shown_before = before.get(before.len().saturating_sub(CONTEXT)..).unwrap_or(before);
    let shown_after = after.get(..CONTEXT.min(after.len())).unwrap_or(after);
    let mut line = String::new();
    if shown_before.len() < before.len() {
        line.push_str("...");
    }
    push_all(shown_before, &mut line);
    let column = line.len();
    push_all(shown_after, &mut line);
    if shown_after.len() < after.len() {
        line.push_str("...");
    }
    format!("  {line}\n  {:column$}^", "")
}

/// As [`escape`], with spaces as they are.
fn push_all(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        match byte {
            b' ' => out.push(' '),
            _ => push(*byte, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unescaped() {
        assert_eq!(escape(b"sensor-7"), "sensor-7");
        assert_eq!(escape(b"a b\\\x1b[2J\x7f\xc3\xa9"), "a\\x20b\\\\\\x1b[2J\\x7f\\xc3\\xa9");
    }

    #[test]
    fn the_mark_stands_under_the_byte() {
        assert_eq!(caret(b"LSC1:a", 5), "  LSC1:a\n       ^");
        assert_eq!(caret(b"", 0), "  \n  ^");
        assert_eq!(caret(b"ab", 9), "  ab\n    ^");
        assert_eq!(caret(b"\x1bx", 1), "  \\x1bx\n      ^", "counted as it is shown");
    }

    #[test]
    fn long_texts_are_cut_on_both_sides() {
        let text = [b'A'; 1000];
        let shown = caret(&text, 500);
        let (line, mark) = shown.split_once('\n').unwrap();
        assert_eq!(line.len(), 2 + 3 + CONTEXT + CONTEXT + 3);
        assert_eq!(mark.len(), 2 + 3 + CONTEXT + 1);
    }
}
