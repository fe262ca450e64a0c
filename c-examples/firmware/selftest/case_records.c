/* Objects that come twice, are forged, or do not fit. */
#include "cases.h"
#include "records.h"
#include <string.h>

/* A session with a request of the device's that the server has opened. */
static struct {
    lscoap_session *server;
    lscoap_exchange ours, theirs;
    struct object request;
} s;

static bool request(enum carrier carrier) {
    return CHECK_STATUS(seal_request(carrier, &world.session, &s.request, &s.ours), LSCOAP_OK) &&
           CHECK_STATUS(server_open(carrier, &s.request, &s.server, &s.theirs), LSCOAP_OK);
}

static bool begin(int32_t profile) {
    world_init(profile);
    return handshake(NULL);
}

/* Requests and answers open once; a request is answered once without a number. */
void case_replay(int32_t profile) {
    if (!begin(profile)) {
        return;
    }
    for (enum carrier carrier = PAYLOAD; carrier < CARRIERS; carrier++) {
        struct object response, notification, out;
        lscoap_session *server;
        lscoap_exchange exchange;
        if (!request(carrier)) {
            return;
        }
        CHECK_STATUS(server_open(carrier, &s.request, &server, &exchange), LSCOAP_ERR_REPLAY);
        CHECK_STATUS(seal_response(carrier, s.server, &s.theirs, &response), LSCOAP_OK);
        if (carrier == PAYLOAD) { /* whole messages are numbered from the second on */
            CHECK_STATUS(seal_response(carrier, s.server, &s.theirs, &out), LSCOAP_ERR_ANSWERED);
        }
        CHECK_STATUS(seal_notification(carrier, s.server, &s.theirs, &notification), LSCOAP_OK);
        CHECK_STATUS(open_response(carrier, &world.session, &s.ours, &response), LSCOAP_OK);
        CHECK_STATUS(open_response(carrier, &world.session, &s.ours, &response), LSCOAP_ERR_REPLAY);
        CHECK_STATUS(open_response(carrier, &world.session, &s.ours, &notification), LSCOAP_OK);
        CHECK_STATUS(open_response(carrier, &world.session, &s.ours, &notification),
                     LSCOAP_ERR_REPLAY);
        CHECK_STATUS(server_open(carrier, &s.request, &server, &exchange), LSCOAP_ERR_REPLAY);
    }
}

/* Where the plaintext would be there are zeroes, and the genuine object still opens. */
void case_wrong_tag(int32_t profile) {
    static const uint8_t zeroes[PLAIN_LEN];
    struct object response;
    if (!begin(profile) || !request(PAYLOAD)) {
        return;
    }
    CHECK_STATUS(seal_response(PAYLOAD, s.server, &s.theirs, &response), LSCOAP_OK);
    for (size_t back = 1; back <= 8; back++) {
        uint8_t out[PLAIN_LEN];
        lscoap_io io = {
            .input = response.bytes, .input_len = response.len, .out = out, .out_cap = sizeof out};
        memset(out, CANARY, sizeof out);
        response.bytes[response.len - back] ^= 0x80;
        CHECK_STATUS(lscoap_open_response(&world.session, &io, &s.ours), LSCOAP_ERR_AUTHENTICATION);
        CHECK(memcmp(out, zeroes, sizeof out) == 0);
        response.bytes[response.len - back] ^= 0x80;
    }
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &s.ours, &response), LSCOAP_OK);
}

/* An object opens for its path, its carrier, its direction and its request, and not elsewhere. */
void case_wrong_place(int32_t profile) {
    struct object object, other, out;
    lscoap_exchange ours, theirs;
    lscoap_session *server;
    if (!begin(profile) || !request(PAYLOAD)) {
        return;
    }
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &ours), LSCOAP_OK);
    lscoap_io io = {.input = object.bytes,
                    .input_len = object.len,
                    .out = out.bytes,
                    .out_cap = sizeof out.bytes,
                    .now_ms = world.now_ms,
                    .aad = (const uint8_t *)"\xb5other",
                    .aad_len = 6};
    CHECK_STATUS(lscoap_server_open_request(&world.server, &io, &server, &theirs),
                 LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(server_open(MESSAGE, &object, &server, &theirs), LSCOAP_ERR_MALFORMED);
    CHECK(open_request(PAYLOAD, &world.session, &object, &theirs) < 0);
    CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_OK);

    CHECK_STATUS(seal_response(PAYLOAD, server, &theirs, &other), LSCOAP_OK);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &s.ours, &other),
                 LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &ours, &other), LSCOAP_OK);
}

/* The device is proved by its first request: until then the server's end is silent. */
void case_unconfirmed(int32_t profile) {
    struct object object, out;
    lscoap_exchange ours, theirs;
    world_init(profile);
    if (!handshake(NULL)) {
        return;
    }
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &ours), LSCOAP_OK);
    lscoap_session *server =
        lscoap_server_find(&world.server, world.now_ms, object.bytes, object.len);
    memset(&theirs, 0, sizeof theirs);
    if (CHECK(server != NULL)) {
        CHECK_STATUS(seal_request(PAYLOAD, server, &out, &theirs), LSCOAP_ERR_STATE);
        CHECK_STATUS(seal_response(PAYLOAD, server, &theirs, &out), LSCOAP_ERR_STATE);
        CHECK_STATUS(seal_notification(PAYLOAD, server, &theirs, &out), LSCOAP_ERR_STATE);
        CHECK_STATUS(open_request(PAYLOAD, server, &object, &theirs), LSCOAP_ERR_STATE);
        CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_OK);
        CHECK_STATUS(seal_request(PAYLOAD, server, &out, &theirs), LSCOAP_OK);
    }
}

/* One byte too few: nothing is used up, and with enough of them it works. */
void case_object_capacity(int32_t profile) {
    struct object object, out;
    lscoap_exchange ours, theirs;
    lscoap_session *server;
    lscoap_io io = {.input = (const uint8_t *)PLAIN,
                    .input_len = PLAIN_LEN,
                    .out = out.bytes,
                    .now_ms = world.now_ms,
                    .aad = (const uint8_t *)"\xb5index",
                    .aad_len = 6};
    if (!begin(profile) || !request(PAYLOAD)) {
        return;
    }
    for (io.out_cap = 0; io.out_cap < s.request.len; io.out_cap++) {
        CHECK_STATUS(lscoap_seal_request(&world.session, &io, &ours), LSCOAP_ERR_CAPACITY);
    }
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &ours), LSCOAP_OK);
    CHECK(object.bytes[1] == s.request.bytes[1] + 1); /* the next number */
    io.input = object.bytes;
    io.input_len = object.len;
    io.out_cap = PLAIN_LEN - 1;
    CHECK_STATUS(lscoap_server_open_request(&world.server, &io, &server, &theirs),
                 LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_OK);
    io.input = (const uint8_t *)PLAIN;
    io.input_len = PLAIN_LEN;
    io.out_cap = PLAIN_LEN + 8;
    CHECK_STATUS(lscoap_seal_response(server, &io, &theirs), LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(seal_response(PAYLOAD, server, &theirs, &object), LSCOAP_OK);
    io.input = object.bytes;
    io.input_len = object.len;
    io.out_cap = PLAIN_LEN - 1;
    CHECK_STATUS(lscoap_open_response(&world.session, &io, &ours), LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &ours, &object), LSCOAP_OK);
}
