//! The text of a list of devices: one `LSC2:` or `LSC1:` string a line, blank lines, and comments from a `#` to the end of a line.

use lscoap::enrolment;
use lscoap::limits::PUBLIC_KEY_LEN;
use std::collections::HashMap;

/// An enrolled device.
#[derive(Clone, Debug)]
pub struct Device {
    /// 1 to 32 bytes.
    pub id: Vec<u8>,
    /// A compressed point.
    pub key: [u8; PUBLIC_KEY_LEN],
    /// The enrolment string, as it was given.
    string: String,
}

/// A device is its id and its key: either version of its string names it.
impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.key) == (&other.id, &other.key)
    }
}

/// A list of devices, line by line.
#[derive(Default)]
pub struct Devices {
    /// In order.
    lines: Vec<Line>,
    /// Whether the list differs from what was parsed.
    changed: bool,
}

/// A line without its newline.
enum Line {
    /// A comment or nothing; kept as it is.
    Other(Vec<u8>),
    /// A device.
    Device {
        /// Blanks before the string.
        before: Vec<u8>,
        /// What the string says.
        device: Device,
        /// Blanks after the string, and a comment.
        after: Vec<u8>,
    },
}

/// What is wrong with an enrolment string.
#[derive(Debug)]
pub struct Fault {
    /// The byte at fault, from 0.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

/// What is wrong with a list.
#[derive(Debug)]
pub struct LineFault {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub text: Vec<u8>,
    /// The fault; its place is one in the line.
    pub fault: Fault,
}

/// What some editors begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What adding a device did.
#[derive(Debug, PartialEq, Eq)]
pub enum Added {
    /// It was not in the list.
    New,
    /// It had another key.
    Replaced,
    /// It was there with this key.
    Known,
}

/// Parses an enrolment string.
pub fn parse_string(text: &[u8]) -> Result<Device, Fault> {
    let string = match std::str::from_utf8(text) {
        Ok(string) => string,
        Err(error) => {
            let end = error.valid_up_to();
            let before = text.get(..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
            let earlier = enrolment::parse_device(before).err().filter(|fault| fault.at < end);
            let what = earlier.map_or("not ASCII", |fault| fault.what.message()).to_owned();
            return Err(Fault { at: earlier.map_or(end, |fault| fault.at), what });
        }
    };
    match enrolment::parse_device(string) {
        Ok(device) => {
            Ok(Device { id: device.id.to_vec(), key: device.public_key, string: string.to_owned() })
        }
        Err(fault) => {
            let hint = if enrolment::parse_server(string).is_ok() {
                ": this is the string of a server"
            } else if enrolment::parse_device(&string.to_ascii_uppercase()).is_ok() {
                ": it must be in upper case"
            } else {
                ""
            };
            Err(Fault { at: fault.at, what: format!("{}{hint}", fault.what.message()) })
        }
    }
}

impl Devices {
    /// Parses a list. Whether its ids differ is [`Devices::repeated`]'s to say.
    pub fn parse(bytes: &[u8]) -> Result<Self, LineFault> {
        if bytes.starts_with(BYTE_ORDER_MARK) {
            let what = "a byte order mark: save the list without one".to_owned();
            let text = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
            return Err(LineFault { line: 1, text, fault: Fault { at: 0, what } });
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let lines = text.split(|byte| *byte == b'\n').enumerate().map(|(number, line)| {
            Line::parse(line).map_err(|fault| LineFault { line: number + 1, text: line.to_vec(), fault })
        });
        Ok(Self { lines: lines.collect::<Result<_, _>>()?, changed: false })
    }

    /// The text, which ends with a newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for line in &self.lines {
            match line {
                Line::Other(text) => out.extend_from_slice(text),
                Line::Device { before, device, after } => {
                    for part in [before, device.string.as_bytes(), after] {
                        out.extend_from_slice(part);
                    }
                }
            }
            out.push(b'\n');
        }
        out
    }

    /// The devices, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Device> {
        self.numbered().map(|(_, device)| device)
    }

    /// The devices, in order.
    pub fn into_devices(self) -> impl Iterator<Item = Device> {
        self.lines.into_iter().filter_map(|line| match line {
            Line::Device { device, .. } => Some(device),
            Line::Other(_) => None,
        })
    }

    /// Whether the list was changed since it was parsed.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The first two lines with the same device id.
    pub fn repeated(&self) -> Option<(usize, usize)> {
        let mut seen = HashMap::new();
        self.numbered().find_map(|(number, device)| {
            let first = seen.insert(device.id.as_slice(), number)?;
            Some((first, number))
        })
    }

    /// Adds a device at the end, or gives a known one its new key where it stands. Without `replace`, a known id with
    /// another key is an error: its line.
    pub fn add(&mut self, new: Device, replace: bool) -> Result<Added, usize> {
        let known = self.lines.iter_mut().enumerate().find_map(|(number, line)| match line {
            Line::Device { device, .. } if device.id == new.id => Some((number + 1, device)),
            _ => None,
        });
        let added = match known {
            Some((_, known)) if known.key == new.key => return Ok(Added::Known),
            Some((number, _)) if !replace => return Err(number),
            Some((_, known)) => {
                *known = new;
                Added::Replaced
            }
            None => {
                self.lines.push(Line::Device { before: Vec::new(), device: new, after: Vec::new() });
                Added::New
            }
        };
        self.changed = true;
        Ok(added)
    }

    /// Removes every line with this id; whether there was one.
    pub fn remove(&mut self, id: &[u8]) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| !matches!(line, Line::Device { device, .. } if device.id == id));
        let removed = self.lines.len() < before;
        self.changed |= removed;
        removed
    }

    /// The devices with their line numbers, from 1.
    fn numbered(&self) -> impl Iterator<Item = (usize, &Device)> {
        self.lines.iter().enumerate().filter_map(|(number, line)| match line {
            Line::Device { device, .. } => Some((number + 1, device)),
            Line::Other(_) => None,
        })
    }
}

impl Line {
    /// Parses a line. Spaces and tabs around the string are let pass, and a carriage return at the end; one within
    /// a line ends lines elsewhere, and what follows it must not go unseen.
    fn parse(line: &[u8]) -> Result<Self, Fault> {
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(at) = content.iter().position(|byte| *byte == b'\r') {
            return Err(Fault { at, what: "a carriage return within the line".to_owned() });
        }
        let blank = |byte: &u8| !matches!(byte, b' ' | b'\t');
        let text = content.split(|byte| *byte == b'#').next().unwrap_or_default();
        let start = text.iter().position(blank).unwrap_or(text.len());
        let end = text.iter().rposition(blank).map_or(start, |last| last + 1);
        let (before, rest) = line.split_at(start);
        let (string, after) = rest.split_at(end - start);
        if string.is_empty() {
            return Ok(Self::Other(line.to_vec()));
        }
        let device =
            parse_string(string).map_err(|fault| Fault { at: before.len() + fault.at, what: fault.what })?;
        Ok(Self::Device { before: before.to_vec(), device, after: after.to_vec() })
    }
}
