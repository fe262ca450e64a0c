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
        CHECK_STATUS(seal_response(carrier, s.server, &s.theirs, &out), LSCOAP_ERR_ANSWERED);
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
    if (!begin(profile)) {
        return;
    }
    for (enum carrier carrier = PAYLOAD; carrier < CARRIERS; carrier++) {
        struct object response;
        uint8_t out[PLAIN_LEN];
        size_t len = 0;
        if (!request(carrier)) {
            return;
        }
        CHECK_STATUS(seal_response(carrier, s.server, &s.theirs, &response), LSCOAP_OK);
        for (size_t back = 1; back <= 8; back++) {
            memset(out, CANARY, sizeof out);
            response.bytes[response.len - back] ^= 0x80;
            CHECK_STATUS(
                (carrier == PAYLOAD ? lscoap_open_response : lscoap_oscore_open_response)(
                    &world.session, &s.ours, response.bytes, response.len, BYTES(out), &len),
                LSCOAP_ERR_AUTHENTICATION);
            CHECK(memcmp(out, zeroes, sizeof out) == 0);
            response.bytes[response.len - back] ^= 0x80;
        }
        CHECK_STATUS(open_response(carrier, &world.session, &s.ours, &response), LSCOAP_OK);
    }
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
    CHECK_STATUS(lscoap_server_open_request(
                     &world.server, world.now_ms, (const uint8_t *)"\xb5other", 6, object.bytes,
                     object.len, BYTES(out.bytes), &out.len, &server, &theirs),
                 LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(server_open(MESSAGE, &object, &server, &theirs), LSCOAP_ERR_AUTHENTICATION);
    CHECK(open_request(PAYLOAD, &world.session, &object, &theirs) < 0);
    CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_OK);

    CHECK_STATUS(seal_response(PAYLOAD, server, &theirs, &other), LSCOAP_OK);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &s.ours, &other),
                 LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(open_response(MESSAGE, &world.session, &ours, &other), LSCOAP_ERR_AUTHENTICATION);
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
    const uint8_t *const plain = (const uint8_t *)PLAIN;
    const uint8_t *const path = (const uint8_t *)"\xb5index";
    if (!begin(profile) || !request(PAYLOAD)) {
        return;
    }
    for (size_t cap = 0; cap < s.request.len; cap++) {
        CHECK_STATUS(lscoap_seal_request(&world.session, path, 6, plain, PLAIN_LEN, out.bytes, cap,
                                         &out.len, &ours),
                     LSCOAP_ERR_CAPACITY);
    }
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &ours), LSCOAP_OK);
    CHECK(object.bytes[1] == s.request.bytes[1] + 1); /* the next number */
    CHECK_STATUS(lscoap_server_open_request(&world.server, world.now_ms, path, 6, object.bytes,
                                            object.len, out.bytes, PLAIN_LEN - 1, &out.len, &server,
                                            &theirs),
                 LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_OK);
    CHECK_STATUS(
        lscoap_seal_response(server, &theirs, plain, PLAIN_LEN, out.bytes, PLAIN_LEN + 8, &out.len),
        LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(seal_response(PAYLOAD, server, &theirs, &object), LSCOAP_OK);
    CHECK_STATUS(lscoap_open_response(&world.session, &ours, object.bytes, object.len, out.bytes,
                                      PLAIN_LEN - 1, &out.len),
                 LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &ours, &object), LSCOAP_OK);
}
