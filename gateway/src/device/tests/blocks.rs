//! Blocks outside.

use super::*;

pub fn blocks(datagram: &[u8], tag: Option<&[u8]>, szx: u8) -> Vec<Vec<u8>> {
    let frame = Frame::read(datagram).unwrap();
    let payload = frame.payload(datagram).to_vec();
    let size = 16 << szx;
    let count = payload.len().div_ceil(size);
    (0..count)
        .map(|number| {
            let more = number + 1 < count;
            let block = Block { number: number as u32, more, szx };
            let mut bytes = Vec::new();
            let header = Header::read(datagram).unwrap();
            let id = 5000 + number as u16;
            Header { id, token: &id.to_be_bytes().repeat(2), ..header }.write(&mut bytes);
            let mut options: Vec<(u16, Vec<u8>)> =
                Options::of(datagram, &frame).map(|(number, value)| (number, value.to_vec())).collect();
            let value = block.value() as u8;
            assert!(block.value() < 256);
            options.push((27, vec![value]));
            options.extend(tag.map(|tag| (292, tag.to_vec())));
            options.sort_by_key(|(number, _)| *number);
            let mut writer = Writer::new(&mut bytes);
            options.iter().for_each(|(number, value)| writer.option(*number, value));
            writer.payload(payload.chunks(size).nth(number).unwrap());
            bytes
        })
        .collect()
}

pub fn put(world: &mut World, device: &mut Device, len: usize) -> (Vec<u8>, Exchange) {
    let id = world.next_id();
    let message = request(3, id, b"toke", &[(11, b"big")], &vec![b'p'; len]);
    device.protect(&message)
}

#[test]
fn a_request_in_blocks_is_one_request() {
    for (carrier, tag) in [
        (Carrier::Payload, Some(&b"request1"[..])),
        (Carrier::Payload, None),
        (Carrier::Oscore, Some(b"request1")),
    ] {
        let mut world = World::new(false);
        let mut device = Device::connect(&mut world, 1, Profile::Express, carrier);
        let (datagram, mut exchange) = put(&mut world, &mut device, 3000);
        let parts_of = blocks(&datagram, tag, 6);
        for part in &parts_of[..2] {
            for _ in 0..2 {
                let sent = world.send(device.peer, part);
                assert_eq!((sent[0][1], value(&sent[0], 27)), (0x5f, value(part, 27)));
            }
        }
        assert!(world.send(device.peer, &parts_of[2]).is_empty());
        let (ticket, _, _, inner, _) = world.front.upstream.asked[0].clone();
        assert_eq!((inner[1], parts(&inner).1.len(), value(&inner, 27)), (3, 3000, None));
        // The last one again: it is under way. A late one of before: it is a part of that, where the transfer has a name.
        assert_eq!(world.send(device.peer, &parts_of[2])[0][1], 0);
        let late = if tag.is_some() { 0x5f } else { 0x88 };
        assert_eq!(world.send(device.peer, &parts_of[1])[0][1], late);
        let sent = world.answered(ticket, true, answer(0x44, &[], b"done"), device.peer);
        let opened = device.unprotect(&mut exchange, &sent[0]).unwrap();
        assert_eq!(parts(&opened), (0x44, b"done".to_vec()));
        assert!(value(&sent[0], 27).is_some());
        assert_eq!(world.front.upstream.asked.len(), 1);
        // Its answer was lost: it is there.
        let again = world.send(device.peer, &parts_of[2]);
        assert_eq!(parts(&again[0]).1, parts(&sent[0]).1);
        assert_eq!(world.front.upstream.asked.len(), 1);
    }
}

#[test]
fn blocks_without_a_beginning_or_a_session() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let (datagram, _) = put(&mut world, &mut device, 3000);
    let parts_of = blocks(&datagram, Some(b"request1"), 6);
    assert_eq!(world.send(device.peer, &parts_of[1])[0][1], 0x88);
    assert_eq!(world.send(device.peer, &parts_of[2])[0][1], 0x88);
    let strange = request(2, 9, b"toke", &[(11, b"big"), (12, &[0xfd, 0xea]), (27, &[0x0e])], &[9; 1024]);
    let refused = world.send(at(5), &strange);
    assert!(matches!(refused[0][1], 0x80 | 0x81));
    assert!(world.front.upstream.asked.is_empty());
}

#[test]
fn a_long_answer_goes_in_blocks() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    world.front.upstream.at_once = Some(answer(0x45, &[], &[b'a'; 2500]));
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    let first = world.send(device.peer, &datagram).remove(0);
    let etag = value(&first, 4).unwrap();
    assert_eq!((value(&first, 23), parts(&first).1.len()), (Some(vec![0x0e]), 1024));
    let mut object = parts(&first).1;
    let frame = Frame::read(&datagram).unwrap();
    for number in 1..3_u8 {
        // As clients ask: the same Uri options, another token, no payload.
        let mut options: Vec<(u16, Vec<u8>)> =
            Options::of(&datagram, &frame).map(|(number, value)| (number, value.to_vec())).collect();
        options.push((23, vec![number << 4 | 6]));
        options.sort_by_key(|(number, _)| *number);
        let options: Vec<_> = options.iter().map(|(number, value)| (*number, &**value)).collect();
        let ask = request(5, 100 + u16::from(number), &[number; 4], &options, &[]);
        let block = world.send(device.peer, &ask).remove(0);
        assert_eq!(value(&block, 4), Some(etag.clone()));
        object.extend(parts(&block).1);
    }
    let whole = {
        let mut bytes = Vec::new();
        Header { token: b"toke", ..Header::read(&first).unwrap() }.write(&mut bytes);
        Writer::new(&mut bytes).option(12, &[0xfd, 0xea]);
        bytes.push(0xff);
        bytes.extend(object);
        bytes
    };
    let opened = device.unprotect(&mut exchange, &whole).unwrap();
    assert_eq!(parts(&opened).1, [b'a'; 2500]);
    // What is asked for by nobody's request.
    let ask = request(5, 200, b"toke", &[(11, b"else"), (12, &[0xfd, 0xea]), (23, &[0x16])], &[]);
    assert_eq!(world.send(device.peer, &ask)[0][1], 0x88);
    // In an OSCORE option blocks are inside.
    let mut device = Device::connect(&mut world, 2, Profile::Express, Carrier::Oscore);
    let (datagram, mut exchange) = device.get(&mut world, b"toke", &[]);
    let sent = world.send(device.peer, &datagram);
    assert_eq!(parts(&device.unprotect(&mut exchange, &sent[0]).unwrap()).1, [b'a'; 2500]);
}

/// Strangers put garbage together with a kid that they have seen; what is known of devices' transfers stays.
#[test]
fn garbage_in_blocks_pushes_out_no_transfer() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let (datagram, _) = put(&mut world, &mut device, 300);
    for number in 0..50_u8 {
        let mut garbage = datagram.clone();
        *garbage.last_mut().unwrap() ^= number | 1;
        let parts_of = blocks(&garbage, Some(&[number; 8]), 3);
        assert!(parts_of.len() > 1);
        for part in parts_of {
            world.send(device.peer, &part);
        }
    }
    assert!(world.front.assembled.is_empty() && world.front.upstream.asked.is_empty());
}

#[test]
fn blocks_of_an_answer_are_there_as_long_as_the_answer() {
    let mut world = World::new(false);
    world.front.upstream.at_once = Some(answer(0x45, &[], &[b'a'; 1500]));
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let mut busy = Device::connect(&mut world, 2, Profile::Express, Carrier::Payload);
    let (datagram, _) = device.get(&mut world, b"toke", &[]);
    world.send(device.peer, &datagram);
    for number in 0..1000_u16 {
        let (datagram, _) = busy.get(&mut world, b"toke", &[]);
        world.send(at(2000 + number), &datagram);
    }
    let ask = request(5, 100, b"ask1", &[(11, b"index"), (12, &[0xfd, 0xea]), (23, &[0x16])], &[]);
    assert_eq!(world.send(device.peer, &ask)[0][1], 0x45);
}

/// Who knows a connection id can begin transfers in its name. They take no place from those of the device itself.
#[test]
fn what_strangers_begin_takes_no_place() {
    let mut world = World::new(false);
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    let (datagram, _) = put(&mut world, &mut device, 3000);
    for number in 0..9_u8 {
        let parts_of = blocks(&datagram, Some(&[number; 8]), 6);
        let stranger = Peer { address: ([198, 51, 100, number], 9).into(), ..at(9) };
        let codes = [0, 1].map(|block| world.send(stranger, &parts_of[block])[0][1]);
        assert_eq!(codes == [0x5f; 2], number < 2, "{number}");
    }
    let parts_of = blocks(&datagram, Some(b"request1"), 6);
    assert_eq!([0, 1].map(|block| world.send(device.peer, &parts_of[block])[0][1]), [0x5f; 2]);
    assert!(world.send(device.peer, &parts_of[2]).is_empty());
    assert_eq!(world.front.upstream.asked.len(), 1);
}

/// A block that is missing is said to be, although a request before it went the same way: blocks without a Request-Tag.
#[test]
fn another_transfer_without_a_name_is_not_the_one_before() {
    let mut world = World::new(false);
    world.front.upstream.at_once = Some(answer(0x44, &[], b"ok"));
    let mut device = Device::connect(&mut world, 1, Profile::Express, Carrier::Payload);
    for _ in 0..2 {
        let (datagram, mut exchange) = put(&mut world, &mut device, 3000);
        let parts_of = blocks(&datagram, None, 6);
        assert_eq!(world.send(device.peer, &parts_of[0])[0][1], 0x5f);
        assert_eq!(world.send(device.peer, &parts_of[2])[0][1], 0x88, "one is missing");
        assert_eq!(world.send(device.peer, &parts_of[1])[0][1], 0x5f);
        let sent = world.send(device.peer, &parts_of[2]);
        assert_eq!(device.unprotect(&mut exchange, &sent[0]).map(|message| message[1]), Ok(0x44));
        assert_eq!(world.send(device.peer, &parts_of[2]), sent, "once more the same");
    }
    assert_eq!(world.front.upstream.asked.len(), 2);
}
