//! Every truncation and every change of one bit, of every message, at both ends and in every state: it is refused or
//! taken for the first message of somebody else, and in either case the conversation goes on to its end. The curve is
//! a toy, so that the hundreds of thousands of cases take seconds; those where the curve matters are in `points.rs`.

mod points;
#[path = "../../src/testing.rs"]
mod testing;
#[path = "../../fuzz/src/toy.rs"]
mod toy;
mod world;

use lscoap::wire::Type;
use std::collections::BTreeMap;
use world::{Begin, Flow, Stage, World};

const FLOWS: [Flow; 6] = {
    const fn flow(begin: Begin, crowd: bool) -> Flow {
        Flow { begin, crowd }
    }
    [
        flow(Begin::Signed, false),
        flow(Begin::Signed, true),
        flow(Begin::Express, false),
        flow(Begin::Express, true),
        flow(Begin::Resume, false),
        flow(Begin::Resume, true),
    ]
};

/// Every message of a conversation without faults.
fn messages(flow: Flow) -> Vec<Vec<u8>> {
    let mut world = World::new(flow);
    let mut messages = Vec::new();
    while world.stage != Stage::Done {
        messages.push(world.on_its_way.clone());
        world.deliver();
    }
    messages
}

/// One message of each kind, of all conversations, and the alerts.
fn one_of_each() -> Vec<Vec<u8>> {
    let mut kinds = BTreeMap::new();
    for message in FLOWS.into_iter().flat_map(messages) {
        kinds.entry((message[0], message.len())).or_insert(message);
    }
    let alerts = (1..=5).map(|code| vec![0x1f, code]);
    let all: Vec<_> = kinds.into_values().chain(alerts).collect();
    let has = |kind: &Type| all.iter().any(|message| Type::of(message) == Some(*kind));
    assert!(Type::ALL.iter().all(has), "a type of message is missing");
    // Those, RETRIED around each first message, request, response, notification, alerts.
    assert!(all.len() >= 8 + 1 + 3 + 3 + 5, "{}", all.len());
    all
}

/// What is made of a message by cutting it off, or by changing one bit.
fn changed(message: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..message.len()).map(|len| message[..len].to_vec());
    let flipped = (0..8 * message.len()).map(|bit| {
        let mut message = message.to_vec();
        message[bit / 8] ^= 1 << (bit % 8);
        message
    });
    cut.chain(flipped)
}

/// Gives each message to one end of the conversation after so many messages; how many it took for somebody's.
fn give_all<'a>(
    flow: Flow,
    arrived: usize,
    hostile: impl Iterator<Item = &'a Vec<u8>>,
    give: fn(&mut World, &[u8]) -> bool,
) -> usize {
    let mut world = World::after(flow, arrived);
    let mut taken = 0;
    for message in hostile {
        if give(&mut world, message) {
            taken += 1;
            world.go_on();
            world = World::after(flow, arrived);
        }
    }
    world.go_on();
    taken
}

fn to_client(world: &mut World, message: &[u8]) -> bool {
    let taken = world.hostile_to_client(message);
    if taken && message[0] == 0x12 {
        // The client has committed to this M2: the genuine one comes too late.
        world.go_on_anew();
    }
    taken
}

fn check(flow: Flow) {
    let own = messages(flow);
    let others: Vec<_> = one_of_each().into_iter().filter(|message| !own.contains(message)).collect();
    let made: Vec<_> = own.iter().chain(&others).flat_map(|message| changed(message)).collect();
    // Changes of one message may give another that was really sent.
    let made: Vec<_> = made.into_iter().filter(|message| !own.contains(message)).collect();
    let mut taken = [0; 2];
    for arrived in 0..=own.len() {
        // Replays of what has arrived, and what belongs elsewhere.
        let hostile = || made.iter().chain(&own[..arrived]).chain(&others);
        taken[0] += give_all(flow, arrived, hostile(), World::hostile_to_server);
        taken[1] += give_all(flow, arrived, hostile(), to_client);
    }
    println!("{flow:?}: {} states, {} messages, taken {taken:?}", own.len() + 1, made.len());
    assert!(taken[0] > 0, "an M1 with another id of a client is as good as any");
}

#[test]
fn signed() {
    check(FLOWS[0]);
}

#[test]
fn signed_in_a_crowd() {
    check(FLOWS[1]);
}

#[test]
fn express() {
    check(FLOWS[2]);
}

#[test]
fn express_in_a_crowd() {
    check(FLOWS[3]);
}

#[test]
fn resume() {
    check(FLOWS[4]);
}

#[test]
fn resume_in_a_crowd() {
    check(FLOWS[5]);
}
