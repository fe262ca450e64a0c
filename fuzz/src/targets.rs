//! What is fuzzed. Each target is a small network in which the input decides what happens to the messages, so
//! that genuine handshakes with one fault are reached as well as garbage. `tests/corpus.rs` replays the corpus.

use super::script::{Script, profile, seed};
use super::toy::Toy;
use super::world::{AAD, NO_AAD, World};
use lscoap::Error;
use lscoap::crypto::sha256;
use lscoap::session::Session;

/// Of the second bit: whether every handshake but one a second needs a cookie.
fn begin(byte: u8, seed: u64) -> World {
    let mut world = World::new(profile(byte), seed);
    if byte & 2 != 0 {
        world.server.set_retry_rate(1);
    }
    world
}

/// What arrives at a client.
pub fn client_step(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| begin(byte, 7)) else { return };
    for _ in 0..8 {
        let request = world.from_client.clone();
        world.give_server(&request);
        let Some(answer) = script.change(&world.from_server.clone()) else { return };
        if world.give_client(&answer) {
            let _ = world.client.finish().expect("a ready client");
            world.give_client(&[]);
        }
    }
}

/// What arrives at a server.
pub fn server_step(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| begin(byte, 7)) else { return };
    for _ in 0..8 {
        let Some(request) = script.change(&world.from_client.clone()) else { return };
        world.give_server(&request);
        let Some(next) = script.byte() else { return };
        match next % 4 {
            0 => world.now_ms += u64::from(next) * 1000,
            1 => {
                world.client.restart().expect("a live client");
                world.give_client(&[]);
            }
            _ => {
                let answer = world.from_server.clone();
                if world.give_client(&answer) {
                    world.client.restart().expect("a live client");
                    world.give_client(&[]);
                }
            }
        }
    }
}

/// What arrives in a session, at either end.
pub fn open(input: &[u8]) {
    let mut script = Script(input);
    let Some((mut session, mut world)) =
        script.byte().and_then(|byte| World::new(profile(byte), seed(input)).sessions())
    else {
        return;
    };
    let mut buf = [0; 256];
    for _ in 0..16 {
        let Some(plaintext) = script.bytes(64) else { return };
        let sealed = session.seal_request(AAD, plaintext, &mut buf);
        let (len, mut ours) = sealed.expect("a live session");
        let genuine = buf[..len].to_vec();
        let Some(request) = script.change(&genuine) else { return };
        let opened = world.open_request(&request, &mut buf);
        let Ok(opened) = opened else {
            assert_ne!(request, genuine, "a genuine record was refused");
            continue;
        };
        assert_eq!((&request, &buf[..opened.len]), (&genuine, plaintext), "a forged record was opened");
        let theirs = world.slots[opened.slot].session_mut().expect("its session");
        let sealed = if plaintext.len() % 2 == 0 {
            theirs.seal_response(&opened.exchange, NO_AAD, plaintext, &mut buf)
        } else {
            theirs.seal_notification(&opened.exchange, NO_AAD, plaintext, &mut buf)
        };
        let genuine = buf[..sealed.expect("a confirmed session")].to_vec();
        let Some(response) = script.change(&genuine) else { return };
        match session.open_response(&mut ours, NO_AAD, &response, &mut buf) {
            Ok(len) => assert_eq!((&response, &buf[..len]), (&genuine, plaintext), "a forged answer"),
            Err(_) => assert_ne!(response, genuine, "a genuine answer was refused"),
        }
    }
}

/// What arrives at either end during resumptions, with a server that restarts, storage that fails and cookies.
pub fn resume(input: &[u8]) {
    let mut script = Script(input);
    let first = script.byte();
    let Some((mut session, mut world)) = first.and_then(|byte| begin(byte, seed(input)).sessions()) else {
        return;
    };
    world.confirm(&mut session);
    for _ in 0..6 {
        world.resume(&session);
        let Some((resumed, undisturbed)) = resumed(&mut script, &mut world) else { return };
        session = resumed;
        let mut buf = [0; 64];
        let (len, _) = session.seal_request(AAD, b"\x01", &mut buf).expect("a live session");
        let genuine = buf[..len].to_vec();
        let Some(request) = script.change(&genuine) else { return };
        match world.open_request(&request, &mut buf) {
            Ok(_) => assert_eq!(request, genuine, "a forged record was opened"),
            Err(_) if request == genuine => assert!(!undisturbed, "a genuine record was refused"),
            Err(_) => {}
        }
    }
}

/// A resumption, and whether nothing but messages were tampered with; or the input has ended, or too much went wrong.
fn resumed(script: &mut Script<'_>, world: &mut World) -> Option<(Session<Toy>, bool)> {
    let mut undisturbed = true;
    for _ in 0..6 {
        let fault = script.byte()?;
        match fault % 8 {
            0 => world.restart_server(),
            1 => world.now_ms += u64::from(fault) * 1000,
            2 => world.directory.is_broken ^= true,
            3 => world.enrol_or_forget(),
            _ => {}
        }
        undisturbed &= fault % 8 > 3 && !world.directory.is_broken && world.knows_device();
        let request = script.change(&world.from_client.clone())?;
        world.give_server(&request);
        let answer = script.change(&world.from_server.clone())?;
        if world.give_client(&answer) {
            return Some((world.client.finish().expect("a ready client"), undisturbed));
        }
    }
    None
}

/// What a device or a server reads out of its storage.
pub fn stored(input: &[u8]) {
    let mut script = Script(input);
    let Some(first) = script.byte() else { return };
    let Some((mut session, mut world)) = World::new(profile(first), seed(input)).sessions() else { return };
    world.confirm(&mut session);
    let mut genuine = Vec::new();
    if first & 2 == 0 {
        let kept = session.store(4, |blob| {
            genuine = blob.to_vec();
            Ok(())
        });
        kept.expect("a client's session");
    } else {
        genuine = world.record().to_vec();
    }
    let Some(mut blob) = script.change(&genuine).and_then(|blob| script.change(&blob)) else { return };
    if first & 4 != 0 {
        // As whoever can write to the storage would.
        mend(&mut blob);
    }
    if first & 2 == 0 {
        restore(&mut world, &blob, &genuine);
    } else {
        load(&mut world, &session, &blob, &genuine);
    }
}

/// Makes a blob's check right, by the rule of `src/stored.rs`.
fn mend(blob: &mut [u8]) {
    if let Some((body, check)) = blob.split_last_chunk_mut::<8>() {
        check.copy_from_slice(&sha256::<Toy>(&[b"LSCoAP-1 stored", body])[..8]);
    }
}

fn restore(world: &mut World, blob: &[u8], genuine: &[u8]) {
    let mut session = match Session::<Toy>::restore(blob) {
        Ok(session) => session,
        Err(error) => {
            assert!(error == Error::Malformed && blob != genuine, "{error:?}");
            return;
        }
    };
    let mut buf = [0; 64];
    assert_eq!(session.seal_request(AAD, b"", &mut buf).err(), Some(Error::Unstored));
    let kept = session.store(0, |again| {
        assert_eq!(again, blob, "a session has one form");
        Ok(())
    });
    kept.expect("a client's session");
    session.store(4, |_| Ok(())).expect("a client's session");
    if let Ok((len, _)) = session.seal_request(AAD, b"\x01", &mut buf) {
        let object = buf[..len].to_vec();
        let opened = world.open_request(&object, &mut buf);
        assert!(opened.is_ok() || blob != genuine, "a genuine record was refused");
    }
}

fn load(world: &mut World, session: &Session<Toy>, blob: &[u8], genuine: &[u8]) {
    let is_genuine = blob == genuine;
    world.store(blob);
    world.restart_server();
    world.resume(session);
    let request = world.from_client.clone();
    world.give_server(&request);
    let answer = world.from_server.clone();
    if !world.give_client(&answer) {
        assert!(!is_genuine, "a genuine record was not resumed");
        return;
    }
    let mut session = world.client.finish().expect("a ready client");
    world.confirm(&mut session);
}
