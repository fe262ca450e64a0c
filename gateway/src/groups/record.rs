//! A group as it is stored: what it is, who is allowed in, and its secrets. The lines are those of `secure_server --group`'s file, of one
//! group. What they say may never come back from a copy: numbers of requests would be used twice.

use lscoap::group::flag;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use zeroize::Zeroizing;

/// The most addresses beside the group's own.
pub const COPIES_MAX: usize = 4;
/// The most devices of a group without places.
pub const MEMBERS_MAX: usize = 1024;

/// A device that is allowed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// Its id.
    pub id: Vec<u8>,
    /// Its kid; 0: none, or it has not asked yet.
    pub kid: u8,
}

/// What is stored of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number.
    pub number: u16,
    /// See [`flag`].
    pub flags: u8,
    /// Room for members in the tagged mode.
    pub slots: u8,
    /// Where requests go.
    pub address: SocketAddr,
    /// Where else, for members that no multicast reaches.
    pub copies: Vec<SocketAddr>,
    /// Who is allowed in.
    pub allowed: Vec<Allowed>,
    /// Of [`lscoap::group::Group::store`].
    pub state: Zeroizing<Vec<u8>>,
}

/// The words of flags, in the order in which they are written.
const FLAGS: [(&str, u8); 4] =
    [("signed", flag::SIGNED), ("tagged", flag::TAGGED), ("answers", flag::ANSWERS), ("timed", flag::TIMED)];

/// "signed,answers" as flags; `None` for another word.
pub fn read_flags(text: &str) -> Option<u8> {
    text.split(',')
        .try_fold(0, |flags, word| FLAGS.iter().find(|(name, _)| *name == word).map(|(_, flag)| flags | flag))
}

/// Flags as words.
pub fn print_flags(flags: u8) -> String {
    let words: Vec<_> = FLAGS.iter().filter(|(_, flag)| flags & flag != 0).map(|(name, _)| *name).collect();
    words.join(",")
}

/// What follows "name=" in a word.
pub fn value<'a>(word: Option<&'a str>, name: &str) -> Option<&'a str> {
    word?.strip_prefix(name)?.strip_prefix('=')
}

/// The words address=HEX port=NUMBER.
pub fn read_address<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<SocketAddr> {
    let bytes = hex::decode(value(words.next(), "address")?).ok()?;
    let port = value(words.next(), "port")?.parse().ok()?;
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(&*bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(&*bytes).ok()?),
    };
    Some(SocketAddr::new(address, port))
}

/// The bytes of an address.
pub fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn print_address(address: &SocketAddr) -> String {
    format!("address={} port={}", hex::encode(address_bytes(address.ip())), address.port())
}

impl Record {
    /// As it is stored.
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it from the start: what grows leaves copies behind.
        let room = 256 + 96 * (self.copies.len() + self.allowed.len()) + 2 * self.state.len();
        let mut text = Zeroizing::new(String::with_capacity(room));
        let _ = writeln!(
            text,
            "group {} {} slots={} {}",
            self.number,
            print_flags(self.flags),
            self.slots,
            print_address(&self.address)
        );
        for copy in &self.copies {
            let _ = writeln!(text, "copy {}", print_address(copy));
        }
        for allowed in &self.allowed {
            let _ = writeln!(text, "member kid={} id={}", allowed.kid, hex::encode(&allowed.id));
        }
        text.push_str("state ");
        self.state.iter().for_each(|byte| {
            let _ = write!(text, "{byte:02x}");
        });
        text.push('\n');
        debug_assert!(text.len() <= room);
        Zeroizing::new(std::mem::take(&mut *text).into_bytes())
    }

    /// Of what was stored; `None` where that is damaged.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let mut lines = text.split('\n');
        let mut words = lines.next()?.split(' ');
        (words.next() == Some("group")).then_some(())?;
        let number = words.next()?.parse().ok()?;
        let flags = read_flags(words.next()?)?;
        let slots = value(words.next(), "slots")?.parse().ok()?;
        let address = read_address(&mut words)?;
        let mut record = Self {
            number,
            flags,
            slots,
            address,
            copies: Vec::new(),
            allowed: Vec::new(),
            state: Zeroizing::new(Vec::new()),
        };
        for line in lines {
            let mut words = line.split(' ');
            match words.next()? {
                "copy" => record.copies.push(read_address(&mut words)?),
                "member" => {
                    let kid = value(words.next(), "kid")?.parse().ok()?;
                    let id = hex::decode(value(words.next(), "id")?).ok()?;
                    record.allowed.push(Allowed { id, kid });
                }
                "state" => record.state = Zeroizing::new(hex::decode(words.next()?).ok()?),
                _ => return None,
            }
            words.next().is_none().then_some(())?;
        }
        (!record.state.is_empty()).then_some(record)
    }

    /// Whether a device is allowed in.
    pub fn allows(&self, id: &[u8]) -> bool {
        self.allowed.iter().any(|allowed| allowed.id == id)
    }

    /// Writes down who has a kid.
    pub fn give_kid(&mut self, kid: u8, id: Option<&[u8]>) {
        for allowed in &mut self.allowed {
            if allowed.kid == kid {
                allowed.kid = 0;
            }
            if id == Some(&*allowed.id) {
                allowed.kid = kid;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            number: 2,
            flags: flag::SIGNED | flag::ANSWERS,
            slots: 0,
            address: "239.192.0.1:5683".parse().unwrap(),
            copies: vec!["[fd00::7]:5684".parse().unwrap()],
            allowed: vec![Allowed { id: b"lamp-1".to_vec(), kid: 3 }, Allowed { id: vec![0], kid: 0 }],
            state: Zeroizing::new(vec![1, 0xab, 0]),
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        assert_eq!(Record::read(&record().write()), Some(record()));
    }

    #[test]
    fn what_is_cut_off_or_changed_is_no_record() {
        let whole = record().write();
        for len in 0..whole.len() {
            assert_eq!(Record::read(&whole[..len]), None, "{len}");
        }
        for (from, to) in
            [("signed", "singed"), ("port=5683", "port=70000"), ("kid=3", "kid=300"), (" id=", " ")]
        {
            let text = std::str::from_utf8(&whole).unwrap().replacen(from, to, 1);
            assert_eq!(Record::read(text.as_bytes()), None, "{to}");
        }
    }

    #[test]
    fn a_kid_is_one_devices() {
        let mut record = record();
        record.give_kid(3, Some(&[0]));
        assert_eq!(record.allowed.iter().map(|allowed| allowed.kid).collect::<Vec<_>>(), [0, 3]);
        record.give_kid(3, None);
        assert!(record.allowed.iter().all(|allowed| allowed.kid == 0));
    }
}
