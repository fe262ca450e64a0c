//! Whole CoAP messages, in both carriers.

use super::script::{Script, profile, seed};
use super::world::World;
use lscoap::Error;
use lscoap::coap::{Carrier, refuse};

const CARRIERS: [Carrier; 2] = [Carrier::Oscore, Carrier::Payload];

/// What the application says: bytes of the script's, behind a good header or as they are.
fn said(script: &mut Script<'_>, first: u8, code: u8) -> Option<Vec<u8>> {
    let bytes = script.bytes(120)?;
    Some(if script.byte()? % 8 == 0 { bytes.to_vec() } else { [&[first, code, 0, 1], bytes].concat() })
}

/// What is said and what arrives, at either end of a session.
pub fn messages(input: &[u8]) {
    let mut script = Script(input);
    let first = script.byte();
    let sessions = first.and_then(|byte| World::new(profile(byte), seed(input)).sessions());
    let Some((mut session, mut world)) = sessions else { return };
    let mut buf = [0; 256];
    for _ in 0..16 {
        let Some(byte) = script.byte() else { return };
        let carrier = CARRIERS[usize::from(byte & 1)];
        let Some(request) = said(&mut script, 0x40, 1 + (byte >> 1) % 7) else { return };
        buf[..request.len()].copy_from_slice(&request);
        let Ok((len, mut ours)) = session.protect_request(carrier, &mut buf, request.len()) else { continue };
        let genuine = buf[..len].to_vec();
        let Some(changed) = script.change(&genuine) else { return };
        let Some(room) = buf.get_mut(..changed.len()) else { continue };
        room.copy_from_slice(&changed);
        let opened = match world.unprotect_request(&mut buf, changed.len()) {
            Ok(opened) => opened,
            Err(error) => {
                assert!(changed != genuine || error == Error::BadOption, "a genuine request: {error:?}");
                let _ = refuse(error, &mut buf, changed.len());
                continue;
            }
        };
        assert_eq!(buf[1], request[1], "another method");
        assert!(opened.len <= changed.len(), "unprotecting grew");
        let theirs = world.slots[opened.slot].session_mut().expect("its session");
        assert_eq!(theirs.is_for(&changed), Ok(()), "opened by a session that it does not name");
        for _ in 0..=byte >> 4 & 1 {
            let Some(answer) = said(&mut script, 0x60, 0x45) else { return };
            buf[..answer.len()].copy_from_slice(&answer);
            let Ok(len) = theirs.protect_response(&opened.exchange, &mut buf, answer.len()) else { continue };
            let genuine = buf[..len].to_vec();
            let Some(changed) = script.change(&genuine) else { return };
            let Some(room) = buf.get_mut(..changed.len()) else { continue };
            room.copy_from_slice(&changed);
            match session.unprotect_response(&mut ours, &mut buf, changed.len()) {
                Ok(_) => assert_eq!(buf[1], answer[1], "another answer"),
                Err(error) => assert_ne!(changed, genuine, "a genuine answer: {error:?}"),
            }
        }
    }
}
