//! The paper's /index, answered here: for benchmarks and a first try. Its readings never change.

use super::{Event, Port, Reply, Request, SessionKey, Ticket, Upstream};
use crate::coap::{Block, Frame, Header, Options, SZX_MAX, Type, Writer, code, option};
use crate::net::Outbox;
use lscoap::coap::check_options;
use lscoap::coap::option::uint_value;

/// application/json.
const JSON: u32 = 50;
/// As long as what secure_server makes fresh for each request.
const BODY: &str = concat!(
    "{\"Data\":[{\"timeStamp\":1764331200.000,\"value\":21.25},{\"timeStamp\":1764331140.000,\"value\":21.5},",
    "{\"timeStamp\":1764331080.000,\"value\":21.75},{\"timeStamp\":1764331020.000,\"value\":22},",
    "{\"timeStamp\":1764330960.000,\"value\":21.875},{\"timeStamp\":1764330900.000,\"value\":21.625}]}"
);

/// A server of one resource.
#[derive(Default)]
pub struct Index {
    outbox: Outbox<Port>,
}

impl Index {
    /// It.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A block of the body, and whether there is more behind it.
fn part_of_body(block: Block) -> Option<(&'static [u8], bool)> {
    let rest = BODY.as_bytes().get(block.offset()..).filter(|rest| !rest.is_empty())?;
    Some((rest.get(..block.size()).unwrap_or(rest), rest.len() > block.size()))
}

/// Writes the answer, or says which code it is.
fn answer(message: &[u8], answer: &mut Vec<u8>) -> Result<(), u8> {
    let frame = Frame::read(message).map_err(|_| code(4, 0))?;
    check_options(message, &[option::ACCEPT, option::BLOCK2]).map_err(|_| code(4, 2))?;
    let mut path = Options::of(message, &frame).filter(|(number, _)| *number == option::URI_PATH);
    if path.next().is_none_or(|(_, segment)| segment != b"index") || path.next().is_some() {
        return Err(code(4, 4));
    }
    if frame.code != code(0, 1) {
        return Err(code(4, 5));
    }
    let number_of = |wanted: u16| {
        let value = Options::of(message, &frame).find(|(number, _)| *number == wanted)?;
        Some(uint_value(value.1))
    };
    if number_of(option::ACCEPT).is_some_and(|format| format != Ok(JSON)) {
        return Err(code(4, 6));
    }
    let block = match number_of(option::BLOCK2) {
        Some(value) => {
            let block = value.ok().map(Block::of).filter(|block| block.szx <= SZX_MAX);
            Some(block.ok_or(code(4, 0))?)
        }
        None => None,
    };
    let (part, more) = match block {
        Some(block) => part_of_body(block).ok_or(code(4, 0))?,
        None => (BODY.as_bytes(), false),
    };
    Header { kind: Type::Acknowledgement, code: code(2, 5), id: 0, token: &[] }.write(answer);
    let mut writer = Writer::new(answer);
    writer.uint(option::CONTENT_FORMAT, JSON);
    if let Some(block) = block {
        writer.uint(option::BLOCK2, Block { more, ..block }.value());
    }
    writer.payload(part);
    Ok(())
}

impl Upstream for Index {
    fn request(&mut self, _: u64, request: &Request<'_>, buffer: &mut Vec<u8>) -> Reply {
        answer(request.message, buffer).map_or_else(Reply::Refused, |()| Reply::Now)
    }

    fn cancel(&mut self, _: u64, _: Ticket) {}

    fn session_ended(&mut self, _: u64, _: SessionKey) {}

    fn received(&mut self, _: u64, _: Port, _: &[u8], _: &mut Vec<Event>) {}

    fn unreachable(&mut self, _: u64, _: Port, _: &mut Vec<Event>) {}

    fn poll(&mut self, _: u64, _: &mut Vec<Event>) {}

    fn next_ms(&self) -> Option<u64> {
        None
    }

    fn outbox(&mut self) -> &mut Outbox<Port> {
        &mut self.outbox
    }

    fn pending(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered to a method with these options: the code, and the options and payload.
    fn ask(method: u8, options: &[(u16, &[u8])]) -> (u8, Vec<u8>) {
        let mut message = Vec::new();
        Header { kind: Type::Confirmable, code: method, id: 7, token: b"abc" }.write(&mut message);
        let mut writer = Writer::new(&mut message);
        options.iter().for_each(|(number, value)| writer.option(*number, value));
        let session = SessionKey { slot: 0, fingerprint: [0; 8] };
        let request = Request {
            ticket: 1,
            session,
            device_id: b"d",
            message: &message,
            observation: None,
            in_one: false,
        };
        let mut answer = Vec::new();
        match Index::new().request(0, &request, &mut answer) {
            Reply::Now => (answer[1], answer[4..].to_vec()),
            Reply::Refused(code) if answer.is_empty() => (code, Vec::new()),
            reply => panic!("{reply:?} {answer:?}"),
        }
    }

    #[test]
    fn index_is_got_and_nothing_else() {
        let path = (option::URI_PATH, &b"index"[..]);
        let (got, rest) = ask(1, &[path]);
        assert_eq!((got, &rest[..3]), (code(2, 5), &[0xc1, 50, 0xff][..]));
        assert_eq!(&rest[3..], BODY.as_bytes());
        let parsed: serde_json::Value = serde_json::from_slice(&rest[3..]).unwrap();
        assert_eq!(parsed["Data"].as_array().unwrap().len(), 6);
        for (method, options, expected) in [
            (1, &[][..], code(4, 4)),
            (1, &[path, (option::URI_PATH, b"x")], code(4, 4)),
            (1, &[(option::URI_PATH, b"Index")], code(4, 4)),
            (2, &[path], code(4, 5)),
            (1, &[path, (option::ACCEPT, &[50])], code(2, 5)),
            (1, &[path, (option::ACCEPT, &[60])], code(4, 6)),
            (1, &[(5, b""), path], code(4, 2)),
            (1, &[path, (option::BLOCK2, &[7])], code(4, 0)),
            (1, &[path, (option::BLOCK2, &[0xff, 0xf0])], code(4, 0)),
        ] {
            assert_eq!(ask(method, options).0, expected, "{method} {options:?}");
        }
    }

    #[test]
    fn blocks_make_the_body() {
        for exponent in 0..7_u32 {
            let mut body = Vec::new();
            for number in 0..=u32::MAX >> 12 {
                let value = option::uint(number << 4 | exponent);
                let (got, rest) = ask(1, &[(option::URI_PATH, b"index"), (option::BLOCK2, value.as_slice())]);
                assert_eq!(got, code(2, 5));
                let message = [&[0x40, got, 0, 0], &*rest].concat();
                let frame = Frame::read(&message).unwrap();
                let block = Options::of(&message, &frame).find(|(number, _)| *number == option::BLOCK2);
                let block = uint_value(block.unwrap().1).unwrap();
                body.extend_from_slice(frame.payload(&message));
                let more = body.len() < BODY.len();
                assert_eq!(block, number << 4 | u32::from(more) << 3 | exponent);
                if !more {
                    break;
                }
            }
            assert_eq!(body, BODY.as_bytes(), "{exponent}");
        }
    }
}
