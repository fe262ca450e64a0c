//! Groups: what arrives in one, and what its members and its owner say to each other.

use super::script::{Script, seed};
use super::testing::Numbers;
use super::toy::Toy;
use lscoap::Error;
use lscoap::coap::Carrier;
use lscoap::group::{
    Address, Env, Group, GroupConfig, GroupExchange, GroupMessage, Member, MemberConfig, Mode, Place, flag,
    write_leave,
};
use lscoap::session;

const LAMP: &[u8] = b"lamp-1";
const SLOTS: u8 = 4;

/// An owner with one member, which asks as often as it likes.
struct World {
    platform: Numbers,
    places: Vec<Place>,
    group: Group<Toy>,
    member: Member<Toy>,
    now_ms: u64,
}

impl World {
    fn new(byte: u8, seed: u64) -> Self {
        let modes = [flag::SIGNED, flag::TAGGED, flag::SIGNED | flag::TAGGED][usize::from(byte % 3)];
        let flags = modes | byte & flag::ANSWERS | byte & flag::TIMED;
        let slots = if flags & flag::TAGGED != 0 { SLOTS } else { 0 };
        let config = GroupConfig { number: 7, flags, slots, address: Address::default() };
        let mut world = Self {
            platform: Numbers::from_seed(seed),
            places: (0..SLOTS).map(|_| Place::default()).collect(),
            group: Group::new(),
            member: Member::new(),
            now_ms: 0,
        };
        world.run(|group, env| group.create((), env, &config)).expect("a group that can be");
        let max_age_s = if byte & 0x40 == 0 { 0 } else { 60 };
        world.member.init((), &MemberConfig { max_age_s, verify_ms: 0, ask_ms: 1 });
        world
    }

    fn run<R>(&mut self, work: impl FnOnce(&mut Group<Toy>, &mut Env<'_, Numbers>) -> R) -> R {
        let Self { platform, places, group, now_ms, .. } = self;
        work(group, &mut Env { platform, places, now_ms: *now_ms, save: None })
    }

    fn ask(&mut self) -> GroupMessage {
        let mut ask = GroupMessage::new();
        self.now_ms += 10_000; // as often as it gets a JOIN
        self.member.ask(self.now_ms, &mut ask).expect("it waited");
        ask
    }

    fn answer(&mut self, ask: &[u8]) -> Result<GroupMessage, Error> {
        let mut answer = GroupMessage::new();
        self.run(|group, env| group.answer_ask(env, LAMP, ask, &mut answer))?;
        Ok(answer)
    }

    fn join(&mut self) {
        let ask = self.ask();
        let answer = self.answer(&ask).expect("a genuine ASK");
        self.member.answer(self.now_ms, &answer).expect("a genuine JOIN");
    }

    fn mode(&self, byte: u8) -> Mode {
        match self.group.flags() & (flag::SIGNED | flag::TAGGED) {
            flag::SIGNED => Mode::Signed,
            flag::TAGGED => Mode::Tagged,
            _ if byte & 1 == 0 => Mode::Signed,
            _ => Mode::Tagged,
        }
    }
}

/// What arrives at a member, and what of its answers arrives at the owner: objects.
pub fn group_objects(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| World::new(byte, seed(input))) else { return };
    world.join();
    for _ in 0..16 {
        let Some(byte) = script.byte() else { return };
        let mode = world.mode(byte);
        let carrier =
            if byte & 2 == 0 { session::Carrier::Oscore } else { session::Carrier::Payload(b"\xb5light") };
        world.now_ms += u64::from(byte >> 2) * 500;
        let Some(said) = script.bytes(32) else { return };
        let plaintext = [&[1], said].concat();
        let (mut object, mut out) = ([0; 160], [0; 160]);
        let sealed = world.group.seal_request(mode, world.now_ms, carrier, &plaintext, &mut object);
        let (len, mut ours) = sealed.expect("a mode that the group has");
        let genuine = &object[..len];
        let Some(request) = script.change(genuine) else { return };
        let opened = world.member.open_request(world.now_ms, carrier, &request, &mut out);
        let mut theirs = match opened {
            Ok((len, how, exchange)) => {
                assert_eq!((&out[..len], how), (&plaintext[..], mode), "a forged request was opened");
                exchange
            }
            Err(error) => {
                assert!(request != genuine || error == Error::Budget, "a genuine request: {error:?}");
                continue;
            }
        };
        let again = world.member.open_request(world.now_ms, carrier, &request, &mut out).map(|_| ());
        assert_eq!(again, Err(Error::Replay));
        answered(&mut script, &mut world, &mut ours, &mut theirs);
    }
}

/// The member answers, and the answer arrives.
fn answered(
    script: &mut Script<'_>,
    world: &mut World,
    ours: &mut GroupExchange,
    theirs: &mut GroupExchange,
) {
    let (mut object, mut out) = ([0; 64], [0; 256]);
    let Ok(len) = world.member.seal_answer(theirs, b"\x45\xff21", &mut object) else {
        assert!(!world.member.answers());
        return;
    };
    let genuine = &object[..len];
    let Some(answer) = script.change(genuine) else { return };
    match world.group.open_answer(&world.places, ours, &answer, &mut out) {
        Ok((len, kid)) => {
            assert_eq!((&answer[..], &out[..len], kid), (genuine, &b"\x45\xff21"[..], 1), "forged")
        }
        Err(error) => assert_ne!(answer, genuine, "a genuine answer: {error:?}"),
    }
}

/// The same as whole messages.
pub fn group_messages(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| World::new(byte, seed(input))) else { return };
    world.join();
    let mut buf = [0; 400];
    for _ in 0..16 {
        let Some(byte) = script.byte() else { return };
        let (mode, carrier) =
            (world.mode(byte), if byte & 2 == 0 { Carrier::Oscore } else { Carrier::Payload });
        let Some(rest) = script.bytes(64) else { return };
        let request = [&[0x52, 1 + byte % 7, 0x12, 0x34, 1, 2], rest].concat();
        buf[..request.len()].copy_from_slice(&request);
        let protected = world.group.protect_request(mode, world.now_ms, carrier, &mut buf, request.len());
        let Ok((len, mut ours)) = protected else { continue };
        let genuine = buf[..len].to_vec();
        let Some(changed) = script.change(&genuine) else { return };
        buf[..changed.len()].copy_from_slice(&changed);
        let opened = world.member.unprotect_request(world.now_ms, &mut buf, changed.len());
        let mut theirs = match opened {
            Ok((len, how, exchange)) => {
                assert!(len <= changed.len(), "unprotecting grew");
                assert_eq!((buf[1], how), (request[1], mode), "another method or mode");
                exchange
            }
            Err(error) => {
                let expected = matches!(error, Error::Budget | Error::BadOption);
                assert!(changed != genuine || expected, "a genuine request: {error:?}");
                continue;
            }
        };
        let Some(rest) = script.bytes(64) else { return };
        let answer = [&[0x52, 0x45, 0x43, 0x21, 1, 2], rest].concat();
        buf[..answer.len()].copy_from_slice(&answer);
        let Ok(len) = world.member.protect_answer(&mut theirs, &mut buf, answer.len()) else { continue };
        let genuine = buf[..len].to_vec();
        let Some(changed) = script.change(&genuine) else { return };
        buf[..changed.len()].copy_from_slice(&changed);
        match world.group.unprotect_answer(&world.places, &mut ours, &mut buf, changed.len()) {
            Ok((_, kid)) => assert_eq!((kid, buf[1]), (1, 0x45), "another answer"),
            Err(error) => assert_ne!(changed, genuine, "a genuine answer: {error:?}"),
        }
    }
}

/// What owner and member say to each other in their session, and what comes back from storage.
pub fn group_membership(input: &[u8]) {
    let mut script = Script(input);
    let Some(mut world) = script.byte().map(|byte| World::new(byte, seed(input))) else { return };
    for _ in 0..24 {
        let Some(byte) = script.byte() else { return };
        let mut message = GroupMessage::new();
        match byte % 6 {
            0 => {
                let genuine = world.ask();
                let Some(ask) = script.change(&genuine) else { return };
                let Ok(answer) = world.answer(&ask) else {
                    // Unless a changed JOIN has made it a member of another group.
                    let is_ours = matches!(genuine.get(1..3), Some([0, 0 | 7]));
                    assert!(ask != genuine.as_slice() || !is_ours, "a genuine ASK was refused");
                    continue;
                };
                let Some(changed) = script.change(&answer) else { return };
                let taken = world.member.answer(world.now_ms, &changed);
                let is_genuine = ask == genuine.as_slice() && changed == answer.as_slice();
                assert!(taken.is_ok() || !is_genuine, "{taken:?}");
            }
            1 => {
                world.run(|group, env| group.rekey(env, None, &mut message)).expect("there are epochs");
                let Some(notice) = script.change(&message) else { return };
                let _ = world.member.notice(&notice);
            }
            2 => {
                write_leave(7, &mut message);
                let Some(leave) = script.change(&message) else { return };
                let mut notice = GroupMessage::new();
                let _ = world.run(|group, env| group.take_leave(env, LAMP, &leave, &mut notice));
            }
            3 => {
                let mut blob = Vec::new();
                let stored = world.member.store(|bytes| {
                    blob = bytes.to_vec();
                    Ok(())
                });
                let Some(changed) = script.change(&blob) else { return };
                let restored = world.member.restore(
                    (),
                    &MemberConfig { ask_ms: 1, ..MemberConfig::default() },
                    &changed,
                );
                assert!(restored.is_ok() || stored.is_err() || changed != blob, "{restored:?}");
            }
            4 => world.now_ms += u64::from(byte) * 1000,
            _ => {
                let (mut object, mut out) = ([0; 160], [0; 160]);
                let (mode, carrier) = (world.mode(byte >> 4), session::Carrier::Oscore);
                let sealed = world.group.seal_request(mode, world.now_ms, carrier, b"\x01", &mut object);
                let (len, _) = sealed.expect("a mode that the group has");
                let Some(request) = script.change(&object[..len]) else { return };
                if let Ok((len, ..)) = world.member.open_request(world.now_ms, carrier, &request, &mut out) {
                    assert_eq!(&out[..len], b"\x01", "a forged request was opened");
                }
            }
        }
    }
}
