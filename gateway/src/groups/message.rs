//! Requests to a group as its owner writes them, and answers as it prints them.

use crate::coap::{Header, Type, Writer, option};

/// The methods by their names, from code 0.01 on.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"];

/// The code of a method, in whatever case it is written.
pub fn method(name: &str) -> Option<u8> {
    (1..).zip(METHODS).find(|(_, method)| method.eq_ignore_ascii_case(name)).map(|(code, _)| code)
}

/// The request before it is sealed: non-confirmable, as all requests to groups are.
pub struct Request<'a> {
    /// Its method.
    pub code: u8,
    /// Path and query, as in /light?dim=1.
    pub path: &'a str,
    /// Its Content-Format, if it has one.
    pub content_format: Option<u16>,
    /// Its No-Response option (RFC 7967), if it has one.
    pub no_response: Option<u32>,
    /// Its payload.
    pub payload: &'a [u8],
}

impl Request<'_> {
    /// The message.
    pub fn write(&self, id: u16, token: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1280);
        Header { kind: Type::NonConfirmable, code: self.code, id, token }.write(&mut bytes);
        let mut writer = Writer::new(&mut bytes);
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path, None),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        if !path.is_empty() {
            path.strip_suffix('/')
                .unwrap_or(path)
                .split('/')
                .for_each(|segment| writer.option(option::URI_PATH, segment.as_bytes()));
        }
        if let Some(format) = self.content_format {
            writer.uint(option::CONTENT_FORMAT, format.into());
        }
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            writer.option(option::URI_QUERY, part.as_bytes());
        }
        if let Some(value) = self.no_response {
            writer.uint(option::NO_RESPONSE, value);
        }
        writer.payload(self.payload);
        bytes
    }
}

/// Bytes as text that cannot drive a terminal: what is not printable is \xNN.
pub fn printable(bytes: &[u8]) -> String {
    let print = |byte: &u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(print).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_query_and_options() {
        let request = Request {
            code: 3,
            path: "/a/b?x=1&y",
            content_format: Some(65_003),
            no_response: Some(0),
            payload: b"on",
        };
        let expected = b"\x52\x03\x12\x34\xaa\xbb\xb1a\x01b\x12\xfd\xeb\x33x=1\x01y\xd0\xe6\xffon";
        assert_eq!(request.write(0x1234, &[0xaa, 0xbb]), expected);
        for path in ["", "/"] {
            let root = Request { code: 1, path, content_format: None, no_response: None, payload: b"" };
            assert_eq!(root.write(1, &[]), [0x50, 1, 0, 1]);
        }
    }

    #[test]
    fn methods_have_names() {
        assert_eq!([method("get"), method("ipatch"), method("GOT")], [Some(1), Some(7), None]);
    }

    #[test]
    fn nothing_drives_a_terminal() {
        assert_eq!(printable(b"on \x1b[2J\\\xff"), "on \\x1b[2J\\\\\\xff");
    }
}
