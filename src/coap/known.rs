//! Options that nobody here knows.

use super::message::Frame;
use super::option::{
    ACCEPT, BLOCK1, BLOCK2, IF_NONE_MATCH, OSCORE, PROXY_SCHEME, PROXY_URI, Reader, URI_HOST, URI_PATH,
    URI_PORT, URI_QUERY, is_critical,
};
use crate::error::Error;

/// Whether a request may be carried out by a resource that reads the options in `known`: every critical option is
/// one of those or says where the request goes (Uri-Host, -Port, -Path and -Query), and none stands twice that may stand
/// once (RFC 7252 sections 5.4.1 and 5.4.5). An option that RFC 7252 and 7959 do not have may stand as often as it likes.
///
/// # Errors
/// [`Error::BadOption`]: answer 4.02, under seal, before anything is done. [`Error::Malformed`]: not a message.
pub fn check_options(message: &[u8], known: &[u16]) -> Result<(), Error> {
    let mut reader = Reader::new(Frame::read(message)?.options);
    let mut before = None;
    while let Some(found) = reader.next(message)? {
        let number = found.number;
        let is_known =
            known.contains(&number) || matches!(number, URI_HOST | URI_PORT | URI_PATH | URI_QUERY);
        if is_critical(number) && (!is_known || before == Some(number) && stands_once(number)) {
            return Err(Error::BadOption);
        }
        before = Some(number);
    }
    Ok(())
}

/// Of the critical options.
fn stands_once(number: u16) -> bool {
    matches!(
        number,
        URI_HOST | IF_NONE_MATCH | URI_PORT | OSCORE | ACCEPT | BLOCK2 | BLOCK1 | PROXY_URI | PROXY_SCHEME
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7252 sections 5.4.1 and 5.4.5: what nobody reads is refused if it is critical, and so is what stands too often.
    #[test]
    fn options_that_nobody_reads() {
        const IF_MATCH: u16 = 1;
        const OWN: u16 = 65_001;
        let ask = |options: &[u16], known: &[u16]| {
            let mut message = std::vec![0x40, 1, 0, 1];
            let mut before = 0;
            for number in options {
                let delta = *number - before;
                before = *number;
                match delta {
                    0..=12 => message.push(u8::try_from(delta << 4).unwrap()),
                    13..=268 => message.extend([0xd0, u8::try_from(delta - 13).unwrap()]),
                    _ => message.extend([&[0xe0][..], &(delta - 269).to_be_bytes()].concat()),
                }
            }
            check_options(&message, known)
        };
        for number in [IF_MATCH, 5, 9, 17, 19, 23, 27, 35, 39, OWN] {
            assert_eq!(ask(&[number], &[]), Err(Error::BadOption), "{number}");
            assert_eq!(ask(&[number], &[2, number, 4]), Ok(()), "{number}");
            let twice = ask(&[number, number], &[number]);
            let may_repeat = matches!(number, IF_MATCH | 19 | OWN);
            assert_eq!(twice, if may_repeat { Ok(()) } else { Err(Error::BadOption) }, "{number}");
        }
        // Elective ones are passed over, however often they stand; where a request goes is always known.
        assert_eq!(ask(&[4, 4, 6, 12, 12, 14, 60, 65_000], &[]), Ok(()));
        assert_eq!(ask(&[3, 7, 11, 11, 15, 15], &[]), Ok(()));
        assert_eq!(ask(&[3, 3], &[]), Err(Error::BadOption));
        assert_eq!(ask(&[7, 7], &[]), Err(Error::BadOption));
        for len in 0..4 {
            assert_eq!(check_options(&[0x40, 1, 0, 1][..len], &[]), Err(Error::Malformed));
        }
    }
}
