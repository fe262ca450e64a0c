use super::*;
use lscoap::coap::message::FETCH;

fn options_of(seen: &Seen) -> Vec<(u16, &[u8])> {
    seen.options.iter().map(|(number, value)| (*number, &**value)).collect()
}

#[test]
fn the_option_is_there_exactly_once_with_the_raw_id() {
    let mut world = World::default();
    let request = inner(POST, &[(3, b"gw"), (7, b"\x16\x33"), (11, b"a"), (15, b"q=1")], b"body");
    let seen = world.asks(1, &request);
    assert_eq!((seen.kind, seen.code, seen.token.len()), (Type::Confirmable, POST, 8));
    assert_ne!(seen.token, b"device");
    // What the device calls the gateway says nothing to the back-end.
    assert_eq!(options_of(&seen), [(11, &b"a"[..]), (15, b"q=1"), (65_010, b"d\x01")]);
    assert_eq!(seen.payload, b"body");
    // In front of options with higher numbers, too.
    let seen = world.asks(1, &inner(GET, &[(65_012, b"safe")], b""));
    assert_eq!(options_of(&seen), [(65_010, &b"d\x01"[..]), (65_012, b"safe")]);
    assert_eq!(world.refusal(GET, &[(65_010, b"d\x02")]), Some(code(4, 2)));
}

#[test]
fn the_path_begins_with_the_id_and_cannot_leave_it() {
    let mut world = World::of(Identity::Path);
    let seen = world.asks(1, &inner(GET, &[(4, b"e"), (11, b"a"), (11, b"b"), (15, b"q")], b""));
    let expected = [(4, &b"e"[..]), (11, b"d"), (11, b"6401"), (11, b"a"), (11, b"b"), (15, b"q")];
    assert_eq!(options_of(&seen), expected);
    assert_eq!(options_of(&world.asks(1, &inner(GET, &[], b""))), [(11, &b"d"[..]), (11, b"6401")]);
    assert_eq!(options_of(&world.asks(1, &inner(GET, &[(15, b"q")], b"")))[2], (15, &b"q"[..]));
    for bad in [".", "..", "/", "a/b", "../x", "%2e%2E", "%2e", "a%2fb", "%252e%252e"] {
        assert_eq!(world.refusal(GET, &[(11, b"x"), (11, bad.as_bytes())]), Some(code(4, 0)), "{bad}");
    }
    for good in ["...", "a.b", ".well-known", "%", "%zz", "100%", ""] {
        assert_eq!(world.refusal(GET, &[(11, good.as_bytes())]), None, "{good}");
    }
    assert_eq!(world.refusal(GET, &[(65_010, b"d\x02")]), Some(code(4, 2)));
    assert_eq!(World::default().refusal(GET, &[(11, b"..")]), None, "no matter where the path says nothing");
}

#[test]
fn the_query_begins_with_the_id_and_no_other_names_it() {
    let mut world = World::of(Identity::Query);
    let seen = world.asks(1, &inner(GET, &[(11, b"a"), (15, b"q=1"), (15, b"r"), (17, b"")], b""));
    let expected = [(11, &b"a"[..]), (15, b"lscoap-id=6401"), (15, b"q=1"), (15, b"r"), (17, b"")];
    assert_eq!(options_of(&seen), expected);
    assert_eq!(options_of(&world.asks(1, &inner(GET, &[], b""))), [(15, &b"lscoap-id=6401"[..])]);
    for bad in [
        "lscoap-id=66",
        "lscoap-id",
        "%6cscoap-id=66",
        "%6Cscoap-id=66",
        "%6c%73%63%6f%61%70%2d%69%64=66",
        "%6C%73%63%6F%61%70%2D%69%64=66",
        "lscoap%2did=66",
        "LSCOAP-ID=66",
        "%4cscoap-id=66",
        "lscoap-id%3d66",
        "a=b&lscoap-id=66",
        "a=b%26lscoap-id=66",
        "%256cscoap-id=66",
    ] {
        assert_eq!(world.refusal(GET, &[(15, b"a"), (15, bad.as_bytes())]), Some(code(4, 0)), "{bad}");
    }
    for good in ["lscoap", "id=66", "lscoap_id=1", "a=%zz", "%", "lscoap-%"] {
        assert_eq!(world.refusal(GET, &[(15, good.as_bytes())]), None, "{good}");
    }
}

#[test]
fn another_option_says_who_it_is_if_the_operator_says_so() {
    let mut world = World::new(|backend| backend.option = 65_014);
    assert_eq!(options_of(&world.asks(1, &inner(GET, &[], b""))), [(65_014, &b"d\x01"[..])]);
    assert_eq!(world.refusal(GET, &[(65_014, b"")]), Some(code(4, 2)));
    assert_eq!(world.refusal(GET, &[(65_010, b"")]), Some(code(4, 2)), "unknown, and unsafe");
}

#[test]
fn what_is_not_passed_on() {
    let mut world = World::default();
    assert_eq!(world.refusal(GET, &[(35, b"coap://elsewhere/")]), Some(code(5, 5)));
    assert_eq!(world.refusal(GET, &[(39, b"coap")]), Some(code(5, 5)));
    for option in [2, 10, 19, 31, 43, 2050, 65_003, 65_535] {
        assert_eq!(world.refusal(GET, &[(option, b"x")]), Some(code(4, 2)), "{option} is unsafe");
    }
    assert_eq!(world.refusal(GET, &[(9, b"")]), Some(code(4, 2)), "OSCORE");
    for (option, value) in [(3, vec![]), (6, vec![0; 4]), (11, vec![b'a'; 256]), (15, vec![b'a'; 256])] {
        assert_eq!(world.refusal(GET, &[(option, &value)]), Some(code(4, 2)), "{option} of that length");
    }
    for option in [6, 14, 23, 27, 258] {
        assert_eq!(world.refusal(GET, &[(option, b""), (option, b"")]), Some(code(4, 2)), "{option} twice");
    }
    assert_eq!(world.refusal(CONTENT, &[]), Some(code(4, 0)), "not a request");
    assert_eq!(world.ask_again(1, b"\x50", None), Asked::Refused(code(4, 0)));
    assert_eq!(world.ask_again(1, b"\x40\x01\x00\x00\xff", None), Asked::Refused(code(4, 0)));
    assert_eq!(world.proxy.pending(), 0);
    assert_eq!(world.sent(), []);
}

#[test]
fn everything_else_is_passed_on_as_it_is() {
    let mut world = World::default();
    let options: [(u16, &[u8]); 13] = [
        (1, b"tag"),       // If-Match
        (4, b"etag"),      // ETag
        (12, b"\x32"),     // Content-Format
        (14, b"\x3c"),     // Max-Age
        (17, b"\x32"),     // Accept
        (21, b""),         // critical, safe to forward: the back-end's to refuse
        (23, b"\x06"),     // Block2
        (27, b"\x06"),     // Block1
        (28, b"\x10"),     // Size2
        (60, b"\x10\x00"), // Size1
        (252, b"echo"),    // Echo
        (258, b"\x02"),    // No-Response
        (292, b"tag"),     // Request-Tag
    ];
    for method in [GET, POST, PUT, code(0, 4), FETCH, code(0, 6), code(0, 7)] {
        let seen = world.asks(1, &inner(method, &options, b"body"));
        assert_eq!((seen.code, &seen.payload[..]), (method, &b"body"[..]));
        assert_eq!(options_of(&seen)[..13], options);
        world.answers(&seen, CHANGED, &[]);
    }
}

#[test]
fn hops_are_counted() {
    let mut world = World::default();
    let seen = world.asks(1, &inner(GET, &[(16, b"\x10")], b""));
    assert_eq!(options_of(&seen)[0], (16, &b"\x0f"[..]));
    assert_eq!(world.refusal(GET, &[(16, b"\x01")]), Some(code(5, 8)));
    for bad in [&b""[..], b"\0", b"\x01\x02"] {
        assert_eq!(world.refusal(GET, &[(16, bad)]), Some(code(4, 0)));
    }
}

#[test]
fn answers_do_not_say_who_it_is() {
    for identity in [Identity::Option, Identity::Path, Identity::Query] {
        let mut world = World::of(identity);
        let seen = world.get(1);
        let options: [(u16, &[u8]); 4] = [(4, b"e"), (12, b""), (65_010, b"d\x02"), (65_010, b"d\x01")];
        let events = world.answers(&seen, CONTENT, &options);
        let [Event::Answer { message, is_last: true, .. }] = &events[..] else { panic!("{events:?}") };
        let answer = read(0, message);
        assert_eq!(options_of(&answer), options[..2]);
        assert_eq!((answer.code, &answer.payload[..], &answer.token[..]), (CONTENT, &b"body"[..], &b""[..]));
    }
}

#[test]
fn answers_that_may_not_be_passed_on_are_bad() {
    for option in [2, 9, 11, 35, 65_003] {
        let mut world = World::default();
        let seen = world.get(1);
        assert_eq!(failure(&world.answers(&seen, CONTENT, &[(option, b"x")])), (1, code(5, 2)), "{option}");
        assert_eq!(world.proxy.pending(), 0);
    }
    let mut world = World::default();
    let seen = world.get(1);
    let mut datagram = message(Type::Acknowledgement, CONTENT, seen.id, &seen.token, &[], b"");
    datagram.push(0xff);
    assert_eq!(failure(&world.says(seen.port, &datagram)), (1, code(5, 2)));
    let seen = world.get(1);
    assert_eq!(failure(&world.answers(&seen, GET, &[])), (2, code(5, 2)), "a request is no answer");
}
