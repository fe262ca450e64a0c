#include "records.h"
#include <string.h>

/* Uri-Path: index, in CoAP's encoding. */
static const uint8_t path[] = {0xb5, 'i', 'n', 'd', 'e', 'x'};
static const uint8_t *const plain = (const uint8_t *)PLAIN;

lscoap_status seal_request(enum carrier carrier, lscoap_session *session, struct object *object,
                           lscoap_exchange *exchange) {
    return carrier == PAYLOAD
               ? lscoap_seal_request(session, BYTES(path), plain, PLAIN_LEN, BYTES(object->bytes),
                                     &object->len, exchange)
               : lscoap_oscore_seal_request(session, plain, PLAIN_LEN, BYTES(object->bytes),
                                            &object->len, exchange);
}

lscoap_status seal_response(enum carrier carrier, lscoap_session *session,
                            const lscoap_exchange *exchange, struct object *object) {
    return (carrier == PAYLOAD ? lscoap_seal_response : lscoap_oscore_seal_response)(
        session, exchange, plain, PLAIN_LEN, BYTES(object->bytes), &object->len);
}

lscoap_status seal_notification(enum carrier carrier, lscoap_session *session,
                                const lscoap_exchange *exchange, struct object *object) {
    return (carrier == PAYLOAD ? lscoap_seal_notification : lscoap_oscore_seal_notification)(
        session, exchange, plain, PLAIN_LEN, BYTES(object->bytes), &object->len);
}

static void prepare(struct object *out) {
    memset(out, CANARY, sizeof *out);
}

/* An object that does not open may leave zeroes, and nothing else. */
static bool tells_nothing(const struct object *out) {
    for (size_t i = 0; i < sizeof out->bytes; i++) {
        if (out->bytes[i] != 0 && out->bytes[i] != CANARY) {
            return false;
        }
    }
    return true;
}

static lscoap_status checked(lscoap_status status, const struct object *out) {
    if (status == LSCOAP_OK) {
        CHECK(out->len == PLAIN_LEN && memcmp(out->bytes, PLAIN, PLAIN_LEN) == 0);
    } else {
        CHECK(status < 0 && tells_nothing(out));
    }
    return status;
}

lscoap_status open_request(enum carrier carrier, lscoap_session *session,
                           const struct object *object, lscoap_exchange *exchange) {
    struct object out;
    prepare(&out);
    return checked(carrier == PAYLOAD
                       ? lscoap_open_request(session, BYTES(path), object->bytes, object->len,
                                             BYTES(out.bytes), &out.len, exchange)
                       : lscoap_oscore_open_request(session, object->bytes, object->len,
                                                    BYTES(out.bytes), &out.len, exchange),
                   &out);
}

lscoap_status open_response(enum carrier carrier, lscoap_session *session,
                            lscoap_exchange *exchange, const struct object *object) {
    struct object out;
    prepare(&out);
    return checked((carrier == PAYLOAD ? lscoap_open_response : lscoap_oscore_open_response)(
                       session, exchange, object->bytes, object->len, BYTES(out.bytes), &out.len),
                   &out);
}

lscoap_status server_open(enum carrier carrier, const struct object *object,
                          lscoap_session **session, lscoap_exchange *exchange) {
    struct object out;
    prepare(&out);
    *session = NULL;
    return checked(
        carrier == PAYLOAD
            ? lscoap_server_open_request(&world.server, world.now_ms, BYTES(path), object->bytes,
                                         object->len, BYTES(out.bytes), &out.len, session, exchange)
            : lscoap_server_oscore_open_request(&world.server, world.now_ms, object->bytes,
                                                object->len, BYTES(out.bytes), &out.len, session,
                                                exchange),
        &out);
}

lscoap_session *confirm(void) {
    struct object object;
    lscoap_exchange ours, theirs;
    lscoap_session *server = NULL;
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &ours), LSCOAP_OK);
    CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_OK);
    return server;
}

lscoap_session *establish(int32_t profile) {
    world_init(profile);
    return handshake(NULL) ? confirm() : NULL;
}
