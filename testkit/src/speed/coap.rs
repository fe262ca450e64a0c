//! As much of CoAP as the load needs: confirmable requests out, piggybacked answers in.

use std::io;

/// 0.01
pub const GET: u8 = 0x01;
/// 0.02
pub const POST: u8 = 0x02;
/// 0.05
pub const FETCH: u8 = 0x05;
/// 2.05
pub const CONTENT: u8 = 0x45;

/// Content-Format of handshake messages.
pub const HANDSHAKE: u16 = 65001;
/// Content-Format of sealed objects.
pub const SEALED: u16 = 65002;

/// `.well-known/lscoap` as Uri-Path options.
pub const HANDSHAKE_PATH: &[u8] = b"\xbb.well-known\x06lscoap";
/// `index` as a Uri-Path option.
pub const INDEX_PATH: &[u8] = b"\xb5index";

/// Writes a confirmable request whose path is given as encoded options, with a payload if there is a format for it.
pub fn request(out: &mut Vec<u8>, code: u8, id: u16, path: &[u8], body: Option<(u16, &[u8])>) {
    let [high, low] = id.to_be_bytes();
    out.clear();
    out.extend([0x42, code, high, low, high, low]); // CON, a token of two bytes
    out.extend(path);
    if let Some((format, payload)) = body {
        out.push(0x12); // Content-Format is the option after Uri-Path
        out.extend(format.to_be_bytes());
        out.push(0xFF);
        out.extend(payload);
    }
}

/// What an answer says.
pub struct Answer<'a> {
    /// Its code.
    pub code: u8,
    /// Its payload.
    pub payload: &'a [u8],
}

/// Reads the acknowledgement with the answer to the request of that message id.
pub fn answer(datagram: &[u8], id: u16) -> io::Result<Answer<'_>> {
    read(datagram, id).ok_or_else(|| io::Error::other("not the answer that was awaited"))
}

fn read(datagram: &[u8], id: u16) -> Option<Answer<'_>> {
    let (header, rest) = datagram.split_at_checked(4)?;
    let is_ack = header[0] >> 4 == 0b0110;
    let mut options = rest.get(usize::from(header[0] & 15)..)?;
    if !is_ack || header[2..4] != id.to_be_bytes() {
        return None;
    }
    while let Some((first, rest)) = options.split_first() {
        if *first == 0xFF {
            return Some(Answer { code: header[1], payload: rest });
        }
        let (rest, _) = extended(rest, first >> 4)?;
        let (rest, length) = extended(rest, first & 15)?;
        options = rest.get(length..)?;
    }
    Some(Answer { code: header[1], payload: &[] })
}

/// A nibble of an option's head with what extends it.
fn extended(rest: &[u8], nibble: u8) -> Option<(&[u8], usize)> {
    match nibble {
        13 => rest.split_first().map(|(byte, rest)| (rest, usize::from(*byte) + 13)),
        14 => {
            rest.split_first_chunk().map(|(word, rest)| (rest, usize::from(u16::from_be_bytes(*word)) + 269))
        }
        15 => None,
        _ => Some((rest, usize::from(nibble))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers() {
        let mut out = vec![];
        request(&mut out, FETCH, 0x1234, INDEX_PATH, Some((SEALED, b"x")));
        assert_eq!(out, b"\x42\x05\x12\x34\x12\x34\xb5index\x12\xfd\xea\xffx");
        let bytes = b"\x62\x45\x12\x34\x12\x34\x4fETag-long\xd1\x05\x07\xffbody";
        assert!(answer(bytes, 0x1234).is_err(), "an option longer than the rest");
        let bytes = b"\x62\x45\x12\x34\x12\x34\x44ETag\xd1\x05\x07\xffbody";
        let got = answer(bytes, 0x1234).unwrap();
        assert_eq!((got.code, got.payload), (CONTENT, &b"body"[..]));
        assert!(answer(bytes, 0x1235).is_err());
        assert!(answer(&bytes[..3], 0x1234).is_err());
    }
}
