/* Requests, answers and notifications: order, replay, and what does not open. */
#include "record.h"
#include <string.h>

/* Both ends of a session. */
struct link {
    struct world w;
    lscoap_session device;
    lscoap_session *server;
};

static void link_init(struct check *t, struct link *l, int32_t profile) {
    memset(l, 0, sizeof *l);
    world_init(t, &l->w, profile);
    l->server = establish(t, &l->w, &l->device);
}

void case_requests_and_answers(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct link l;
        struct object object;
        lscoap_exchange ours, theirs;
        link_init(t, &l, profile);
        for (int i = 0; i < 300; i++) { /* past the first byte of the number */
            CHECK_STATUS(seal_request(&l.device, &object, &ours), LSCOAP_OK);
            CHECK(object.len == PLAIN_LEN + (i + 1 < 256 ? 11 : 12));
            CHECK(object.bytes[0] < 0x10);
            CHECK(!contains(object.bytes, object.len, "Data", 4));
            CHECK_STATUS(server_open(&l.w, &object, &theirs), LSCOAP_OK);
            CHECK_STATUS(seal_response(l.server, &theirs, &object), LSCOAP_OK);
            CHECK(object.len == PLAIN_LEN + 9);
            CHECK_STATUS(open_response(&l.device, &ours, &object), LSCOAP_OK);
        }
        world_wipe(&l.w);
    }
}

/* The other way round: the server's requests carry the client's id, which is usually empty. */
void case_requests_of_the_server(struct check *t) {
    static const char *const cids[] = {"", "c", "1234567"};
    for (size_t i = 0; i < sizeof cids / sizeof *cids; i++) {
        struct link l;
        struct object object;
        lscoap_exchange ours, theirs;
        lscoap_client_config config = device_config("sensor-7", LSCOAP_EXPRESS);
        config.cid = (const uint8_t *)cids[i];
        config.cid_len = strlen(cids[i]);
        link_init(t, &l, LSCOAP_EXPRESS);
        world_device(t, &l.w, &config);
        l.server = establish(t, &l.w, &l.device);
        CHECK_STATUS(seal_request(l.server, &object, &ours), LSCOAP_OK);
        CHECK(object.len == PLAIN_LEN + 10 + config.cid_len);
        CHECK_STATUS(open_request(&l.device, &object, &theirs), LSCOAP_OK);
        CHECK_STATUS(open_request(&l.device, &object, &theirs), LSCOAP_ERR_REPLAY);
        CHECK_STATUS(seal_response(&l.device, &theirs, &object), LSCOAP_OK);
        CHECK_STATUS(open_response(l.server, &ours, &object), LSCOAP_OK);
        CHECK_STATUS(seal_notification(&l.device, &theirs, &object), LSCOAP_OK);
        CHECK_STATUS(open_response(l.server, &ours, &object), LSCOAP_OK);
        /* An end does not take back what it sent. */
        CHECK_STATUS(seal_request(&l.device, &object, &ours), LSCOAP_OK);
        CHECK(open_request(&l.device, &object, &theirs) < 0);
        world_wipe(&l.w);
    }
}

void case_replay_window(struct check *t) {
    enum { N = 70 };
    struct link l;
    struct object objects[N];
    lscoap_exchange ours[N], theirs;
    link_init(t, &l, LSCOAP_EXPRESS);
    for (int i = 0; i < N; i++) {
        CHECK_STATUS(seal_request(&l.device, &objects[i], &ours[i]), LSCOAP_OK);
    }
    CHECK_STATUS(server_open(&l.w, &objects[N - 1], &theirs), LSCOAP_OK);
    CHECK_STATUS(server_open(&l.w, &objects[N - 1], &theirs), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(server_open(&l.w, &objects[N - 1 - 64], &theirs), LSCOAP_ERR_REPLAY);
    for (int i = N - 1 - 63; i < N - 1; i++) {
        CHECK_STATUS(server_open(&l.w, &objects[i], &theirs), LSCOAP_OK);
    }
    for (int i = 0; i < N; i++) {
        CHECK_STATUS(server_open(&l.w, &objects[i], &theirs), LSCOAP_ERR_REPLAY);
    }
    world_wipe(&l.w);
}

/* A replay is refused before it costs the caller its buffer. */
void case_replay_leaves_the_output(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        if (record_opens(op)) {
            struct stage s;
            uint8_t out[128];
            stage_init(t, &s, op);
            memcpy(out, s.out, sizeof out);
            stage_succeeds(t, &s);
            s.call.out = out;
            CHECK_STATUS(record(&s.call), LSCOAP_ERR_REPLAY);
            CHECK_FILLED(out, CANARY, sizeof out);
            stage_wipe(&s);
        }
    }
}

/* One answer without a number for each request, whichever copy of the exchange, whichever carrier.
 */
void case_one_answer(struct check *t) {
    struct link l;
    struct object request, answer, other;
    lscoap_exchange ours, theirs, copy;
    link_init(t, &l, LSCOAP_EXPRESS);
    CHECK_STATUS(seal_request(&l.device, &request, &ours), LSCOAP_OK);
    CHECK_STATUS(server_open(&l.w, &request, &theirs), LSCOAP_OK);
    copy = theirs;
    CHECK_STATUS(seal_response(l.server, &theirs, &answer), LSCOAP_OK);
    CHECK_STATUS(seal_response(l.server, &theirs, &other), LSCOAP_ERR_ANSWERED);
    CHECK_STATUS(seal_response(l.server, &copy, &other), LSCOAP_ERR_ANSWERED);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(seal_notification(l.server, &copy, &other), LSCOAP_OK);
        CHECK(other.len == PLAIN_LEN + 10);
        if (i == 0) {
            CHECK_STATUS(open_response(&l.device, &ours, &answer), LSCOAP_OK);
        }
        CHECK_STATUS(open_response(&l.device, &ours, &answer), LSCOAP_ERR_REPLAY);
        CHECK_STATUS(open_response(&l.device, &ours, &other), LSCOAP_OK);
        CHECK_STATUS(open_response(&l.device, &ours, &other), LSCOAP_ERR_REPLAY);
    }
    /* Between the answers, other requests go on. */
    CHECK_STATUS(try_request(t, &l.w, &l.device), LSCOAP_OK);
    world_wipe(&l.w);
}

void case_notifications_rise(struct check *t) {
    struct link l;
    struct object request, first, notes[3];
    lscoap_exchange ours, theirs;
    link_init(t, &l, LSCOAP_SIGNED);
    CHECK_STATUS(seal_request(&l.device, &request, &ours), LSCOAP_OK);
    CHECK_STATUS(server_open(&l.w, &request, &theirs), LSCOAP_OK);
    CHECK_STATUS(seal_response(l.server, &theirs, &first), LSCOAP_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(seal_notification(l.server, &theirs, &notes[i]), LSCOAP_OK);
    }
    CHECK_STATUS(open_response(&l.device, &ours, &notes[1]), LSCOAP_OK);
    CHECK_STATUS(open_response(&l.device, &ours, &notes[0]), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(open_response(&l.device, &ours, &first), LSCOAP_ERR_REPLAY); /* too late */
    CHECK_STATUS(open_response(&l.device, &ours, &notes[1]), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(open_response(&l.device, &ours, &notes[2]), LSCOAP_OK);
    world_wipe(&l.w);
}

/* A request that the window has forgotten gets a numbered answer: its own nonce may have been used.
 */
void case_forgotten_request(struct check *t) {
    struct link l;
    struct object request, answer;
    lscoap_exchange ours, theirs, answered;
    link_init(t, &l, LSCOAP_EXPRESS);
    CHECK_STATUS(seal_request(&l.device, &request, &ours), LSCOAP_OK);
    CHECK_STATUS(server_open(&l.w, &request, &theirs), LSCOAP_OK);
    answered = theirs;
    for (int i = 0; i < 64; i++) {
        if (i == 63) { /* the last moment */
            CHECK_STATUS(seal_response(l.server, &answered, &answer), LSCOAP_OK);
            CHECK(answer.len == PLAIN_LEN + 9);
            CHECK_STATUS(seal_response(l.server, &answered, &answer), LSCOAP_ERR_ANSWERED);
        }
        CHECK_STATUS(try_request(t, &l.w, &l.device), LSCOAP_OK);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(seal_response(l.server, &theirs, &answer), LSCOAP_OK);
        CHECK(answer.len == PLAIN_LEN + 10);
        CHECK_STATUS(open_response(&l.device, &ours, &answer), LSCOAP_OK);
    }
    world_wipe(&l.w);
}

/* An answer fits its own request alone. */
void case_answers_do_not_stray(struct check *t) {
    struct link l;
    struct object request, answer, note;
    lscoap_exchange ours[2], theirs[2];
    link_init(t, &l, LSCOAP_EXPRESS);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(seal_request(&l.device, &request, &ours[i]), LSCOAP_OK);
        CHECK_STATUS(server_open(&l.w, &request, &theirs[i]), LSCOAP_OK);
    }
    CHECK_STATUS(seal_response(l.server, &theirs[0], &answer), LSCOAP_OK);
    CHECK_STATUS(seal_notification(l.server, &theirs[0], &note), LSCOAP_OK);
    CHECK_STATUS(open_response(&l.device, &ours[1], &answer), LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(open_response(&l.device, &ours[1], &note), LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(open_response(&l.device, &ours[0], &answer), LSCOAP_OK);
    CHECK_STATUS(open_response(&l.device, &ours[0], &note), LSCOAP_OK);
    world_wipe(&l.w);
}

/* An exchange of another session, or of the other direction, leads to no nonce. */
void case_foreign_exchange(struct check *t) {
    struct link a, b;
    struct object request, other_request, answer;
    lscoap_exchange ours_a, theirs_a, ours_b, theirs_b;
    link_init(t, &a, LSCOAP_EXPRESS);
    link_init(t, &b, LSCOAP_EXPRESS);
    b.w.device_source.state = 77;
    b.server = establish(t, &b.w, &b.device);
    CHECK_STATUS(seal_request(&a.device, &request, &ours_a), LSCOAP_OK);
    CHECK_STATUS(seal_request(&b.device, &other_request, &ours_b), LSCOAP_OK);
    CHECK(server_open(&b.w, &request, &theirs_b) < 0); /* nor does its record open there */
    CHECK_STATUS(server_open(&a.w, &request, &theirs_a), LSCOAP_OK);
    CHECK_STATUS(server_open(&b.w, &other_request, &theirs_b), LSCOAP_OK);
    CHECK_STATUS(seal_response(b.server, &theirs_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(seal_notification(b.server, &theirs_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(seal_response(a.server, &ours_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(seal_response(&a.device, &ours_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(seal_notification(&a.device, &ours_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(seal_response(a.server, &theirs_a, &answer), LSCOAP_OK);
    CHECK_STATUS(open_response(&b.device, &ours_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(open_response(&a.device, &ours_b, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(open_response(&a.device, &theirs_a, &answer), LSCOAP_ERR_STATE);
    CHECK_STATUS(open_response(&b.device, &ours_b, &answer), LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(open_response(&a.device, &ours_a, &answer), LSCOAP_OK);
    world_wipe(&a.w);
    world_wipe(&b.w);
}

/* What is made for one carrier never opens as the other, not even without additional data. */
void case_carriers_do_not_mix(struct check *t) {
    static const uint8_t whole[] = {0x40, 1, 0, 0, 0xff, 'x'};
    struct link l;
    uint8_t message[64], object[64], out[64];
    size_t len;
    lscoap_exchange ours, theirs;
    lscoap_session *found;
    link_init(t, &l, LSCOAP_EXPRESS);
    lscoap_io io = {whole, sizeof whole, BYTES(message), 0, 0, NULL, 0};
    CHECK_STATUS(lscoap_protect_request(&l.device, LSCOAP_CARRIER_OSCORE, &io, &ours), LSCOAP_OK);
    /* 40 02 00 00 | 93 | 09 number kid | ff | ciphertext: option and payload, one after the other
     */
    CHECK(message[4] == 0x93 && message[5] == 0x09 && message[8] == 0xff);
    memcpy(object, message + 5, 3);
    len = io.out_len - 9;
    memcpy(object + 3, message + 9, len);
    CHECK_STATUS(server_open_bytes(&l.w.server, l.w.now_ms, NULL, 0, object, 3 + len, BYTES(out),
                                   &len, &found, &theirs),
                 LSCOAP_ERR_AUTHENTICATION);

    CHECK_STATUS(seal_request_bytes(&l.device, NULL, 0, whole + 3, 3, BYTES(object), &len, &ours),
                 LSCOAP_OK);
    memcpy(message + 5, object, 3);
    memcpy(message + 9, object + 3, len - 3);
    io = (lscoap_io){message, 9 + len - 3, BYTES(out), 0, l.w.now_ms, NULL, 0};
    CHECK_STATUS(lscoap_server_unprotect_request(&l.w.server, &io, &found, &theirs),
                 LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(server_open_bytes(&l.w.server, l.w.now_ms, NULL, 0, object, len, BYTES(out), &len,
                                   &found, &theirs),
                 LSCOAP_OK);
    world_wipe(&l.w);
}

/* Every bit of every byte; then the record itself still opens. */
void case_damaged_records(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        if (!record_opens(op)) {
            continue;
        }
        struct stage s;
        stage_init(t, &s, op);
        struct record_call call = s.call;
        for (size_t bit = 0; bit < 8 * s.call.input_len; bit++) {
            uint8_t damaged[128], out[128];
            memcpy(damaged, s.input, s.call.input_len);
            damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
            memset(out, CANARY, sizeof out);
            call.input = damaged;
            call.out = out;
            lscoap_status status = record(&call);
            CHECK(status == LSCOAP_ERR_MALFORMED || status == LSCOAP_ERR_UNKNOWN_SESSION ||
                  status == LSCOAP_ERR_AUTHENTICATION || status == LSCOAP_ERR_REPLAY);
            if (status == LSCOAP_ERR_AUTHENTICATION) { /* no plaintext that nobody vouches for */
                size_t zeroes = 0;
                while (zeroes < sizeof out && out[zeroes] == 0) {
                    zeroes++;
                }
                CHECK(zeroes + 5 >= PLAIN_LEN && zeroes <= PLAIN_LEN + 5);
                CHECK_FILLED(out + zeroes, CANARY, sizeof out - zeroes);
            } else {
                CHECK_FILLED(out, CANARY, sizeof out);
            }
        }
        stage_untouched(t, &s);
        stage_succeeds(t, &s);
        stage_wipe(&s);
    }
}

/* Records to sessions that are not theirs. */
void case_unknown_session(struct check *t) {
    struct link l;
    struct object object;
    lscoap_exchange ours, theirs;
    uint8_t alert[2];
    link_init(t, &l, LSCOAP_EXPRESS);
    CHECK_STATUS(seal_request(&l.device, &object, &ours), LSCOAP_OK);
    uint8_t kid = object.bytes[2];
    for (unsigned other = 0; other < 256; other++) {
        if (other != kid) {
            object.bytes[2] = (uint8_t)other;
            CHECK_STATUS(server_open(&l.w, &object, &theirs), LSCOAP_ERR_UNKNOWN_SESSION);
            CHECK(lscoap_server_find(&l.w.server, l.w.now_ms, object.bytes, object.len) == NULL);
        }
    }
    CHECK(lscoap_record_refusal(LSCOAP_ERR_UNKNOWN_SESSION, alert) == (4 << 5 | 1));
    CHECK(alert[0] == 0x1f && alert[1] == 5);
    object.bytes[2] = kid;
    CHECK(lscoap_server_find(&l.w.server, l.w.now_ms, object.bytes, object.len) == l.server);
    CHECK_STATUS(server_open(&l.w, &object, &theirs), LSCOAP_OK);
    world_wipe(&l.w);
}
