#include "records.h"
#include <string.h>

/* Uri-Path: index, in CoAP's encoding. */
static const uint8_t path[] = {0xb5, 'i', 'n', 'd', 'e', 'x'};
static const uint8_t *const plain = (const uint8_t *)PLAIN;

enum { CONTENT = 2 << 5 | 5 };

static lscoap_io io_of(const uint8_t *input, size_t len, struct object *out) {
    return (lscoap_io){.input = input,
                       .input_len = len,
                       .out = out->bytes,
                       .out_cap = sizeof out->bytes,
                       .now_ms = world.now_ms,
                       .aad = path,
                       .aad_len = sizeof path};
}

/* What is sealed: PLAIN, or the message that says the same; as a response where it answers. */
static size_t plain_of(enum carrier carrier, bool answers, uint8_t out[HEADER_LEN + PLAIN_LEN]) {
    if (carrier == PAYLOAD) {
        memcpy(out, plain, PLAIN_LEN);
        return PLAIN_LEN;
    }
    memset(out, 0, HEADER_LEN);
    out[0] = 0x40;
    out[1] = answers ? CONTENT : plain[0];
    memcpy(out + HEADER_LEN, plain + 1, PLAIN_LEN - 1);
    return HEADER_LEN + PLAIN_LEN - 1;
}

lscoap_status seal_request(enum carrier carrier, lscoap_session *session, struct object *object,
                           lscoap_exchange *exchange) {
    uint8_t bytes[HEADER_LEN + PLAIN_LEN];
    lscoap_io io = io_of(bytes, plain_of(carrier, false, bytes), object);
    const lscoap_status status =
        carrier == PAYLOAD ? lscoap_seal_request(session, &io, exchange)
                           : lscoap_protect_request(session, LSCOAP_CARRIER_OSCORE, &io, exchange);
    object->len = io.out_len;
    return status;
}

static lscoap_status answer(enum carrier carrier, lscoap_session *session,
                            const lscoap_exchange *exchange, struct object *object,
                            lscoap_status (*seal)(lscoap_session *session, lscoap_io *io,
                                                  const lscoap_exchange *exchange)) {
    uint8_t bytes[HEADER_LEN + PLAIN_LEN];
    lscoap_io io = io_of(bytes, plain_of(carrier, true, bytes), object);
    const lscoap_status status =
        (carrier == PAYLOAD ? seal : lscoap_protect_response)(session, &io, exchange);
    object->len = io.out_len;
    return status;
}

lscoap_status seal_response(enum carrier carrier, lscoap_session *session,
                            const lscoap_exchange *exchange, struct object *object) {
    return answer(carrier, session, exchange, object, lscoap_seal_response);
}

lscoap_status seal_notification(enum carrier carrier, lscoap_session *session,
                                const lscoap_exchange *exchange, struct object *object) {
    return answer(carrier, session, exchange, object, lscoap_seal_notification);
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

static lscoap_status checked(enum carrier carrier, bool answers, lscoap_status status,
                             const struct object *out, size_t len) {
    if (status == LSCOAP_OK) {
        uint8_t expected[HEADER_LEN + PLAIN_LEN];
        CHECK(len == plain_of(carrier, answers, expected) &&
              memcmp(out->bytes, expected, len) == 0);
    } else {
        CHECK(status < 0 && (carrier == MESSAGE || tells_nothing(out)));
    }
    return status;
}

lscoap_status open_request(enum carrier carrier, lscoap_session *session,
                           const struct object *object, lscoap_exchange *exchange) {
    struct object out;
    lscoap_io io = io_of(object->bytes, object->len, &out);
    prepare(&out);
    const lscoap_status status =
        (carrier == PAYLOAD ? lscoap_open_request : lscoap_unprotect_request)(session, &io,
                                                                              exchange);
    return checked(carrier, false, status, &out, io.out_len);
}

lscoap_status open_response(enum carrier carrier, lscoap_session *session,
                            lscoap_exchange *exchange, const struct object *object) {
    struct object out;
    lscoap_io io = io_of(object->bytes, object->len, &out);
    prepare(&out);
    const lscoap_status status =
        (carrier == PAYLOAD ? lscoap_open_response : lscoap_unprotect_response)(session, &io,
                                                                                exchange);
    return checked(carrier, true, status, &out, io.out_len);
}

lscoap_status server_open(enum carrier carrier, const struct object *object,
                          lscoap_session **session, lscoap_exchange *exchange) {
    struct object out;
    lscoap_io io = io_of(object->bytes, object->len, &out);
    prepare(&out);
    *session = NULL;
    const lscoap_status status =
        (carrier == PAYLOAD ? lscoap_server_open_request : lscoap_server_unprotect_request)(
            &world.server, &io, session, exchange);
    return checked(carrier, false, status, &out, io.out_len);
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
