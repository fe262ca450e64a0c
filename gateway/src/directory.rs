//! Which devices there are: a picture of the directory that all workers share, and that is replaced as a whole.

use lscoap::enrolment;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// What some editors begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The enrolled devices: id to identity key, a compressed SEC1 point.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Devices {
    keys: HashMap<Vec<u8>, [u8; 33]>,
}

impl Devices {
    /// Of pairs of id and key; of several with one id the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (Vec<u8>, [u8; 33])>) -> Self {
        Self { keys: pairs.into_iter().collect() }
    }

    /// Reads the list that `lscoap devices` writes and the C programs read: an enrolment string a line, blank lines, and comments from a
    /// `#` on. The error says where it is and what is wrong there; no device may be in it twice.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text)
            .map_err(|(line, column, what)| format!("{}:{line}:{column}: {what}", path.display()))
    }

    /// As [`Devices::read`]; where it goes wrong: the line, the column, both from 1, and why.
    pub fn parse(text: &[u8]) -> Result<Self, (usize, usize, String)> {
        if text.starts_with(BYTE_ORDER_MARK) {
            return Err((1, 1, "a byte order mark: save the list without one".into()));
        }
        let (mut keys, mut lines, mut repeated) = (HashMap::new(), HashMap::new(), None);
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
            let Some(device) = parse_line(line).map_err(|(column, what)| (number, column, what))? else {
                continue;
            };
            if let Some(first) = lines.insert(device.id.to_vec(), number) {
                repeated = repeated.or(Some((number, 1, format!("the same device id as on line {first}"))));
            }
            keys.insert(device.id.to_vec(), device.public_key);
        }
        match repeated {
            Some(fault) => Err(fault),
            None => Ok(Self { keys }),
        }
    }

    /// The key of a device.
    pub fn find(&self, device_id: &[u8]) -> Option<[u8; 33]> {
        self.keys.get(device_id).copied()
    }

    /// Each id and its key.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8; 33])> {
        self.keys.iter().map(|(id, key)| (&**id, key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The devices that `newer` does not have, or with another key: their sessions end.
    pub fn gone_in<'a>(&'a self, newer: &'a Self) -> impl Iterator<Item = &'a [u8]> {
        self.keys.iter().filter(|(id, key)| newer.keys.get(*id) != Some(key)).map(|(id, _)| &**id)
    }
}

/// The device of a line, if there is one; else the column, from 1, and what is wrong there.
fn parse_line(line: &[u8]) -> Result<Option<enrolment::Device>, (usize, String)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if let Some(at) = line.iter().position(|byte| *byte == b'\r') {
        return Err((at + 1, "a carriage return within the line".into())); // it ends lines elsewhere: what follows must not go unseen
    }
    let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = line.iter().position(|byte| !is_blank(byte)) else { return Ok(None) };
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    let text = line.get(start..end).unwrap_or_default();
    let ascii = text.iter().position(|byte| !byte.is_ascii()).unwrap_or(text.len());
    let string = text.get(..ascii).and_then(|ascii| std::str::from_utf8(ascii).ok()).unwrap_or_default();
    let (at, why) = match enrolment::parse_device(string) {
        Ok(device) if ascii == text.len() => return Ok(Some(device)),
        Err(fault) if ascii == text.len() || fault.at < ascii => (fault.at, fault.what.message()),
        _ => (ascii, "not ASCII"),
    };
    Err((start + at + 1, format!("not a device's enrolment string (LSC2:... or LSC1:...): {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn lists_are_read_as_the_c_programs_read_them() {
        let table: Value = serde_json::from_str(include_str!("../../tests/device_lists.json")).unwrap();
        for case in table.as_array().unwrap() {
            let text: Vec<u8> = case["text"].as_str().unwrap().chars().map(|byte| byte as u8).collect();
            match (Devices::parse(&text), case.get("devices")) {
                (Ok(devices), Some(ids)) => {
                    let ids = ids.as_array().unwrap();
                    assert_eq!(devices.len(), ids.len(), "{case}");
                    assert!(
                        ids.iter().all(|id| devices.find(id.as_str().unwrap().as_bytes()).is_some()),
                        "{case}"
                    );
                }
                (Err((line, column, what)), None) => {
                    assert_eq!(serde_json::json!([line, column]), case["fault"], "{case}");
                    let says = case.get("says").map_or("", |says| says.as_str().unwrap());
                    assert!(what.contains(says), "{what:?} for {case}");
                }
                (result, _) => panic!("{result:?} for {case}"),
            }
        }
    }

    #[test]
    fn a_list_that_is_not_there_is_an_error_that_names_it() {
        assert!(
            Devices::read(Path::new("/nowhere/devices.txt"))
                .unwrap_err()
                .starts_with("/nowhere/devices.txt: ")
        );
    }
}
