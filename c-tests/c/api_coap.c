/* Whole CoAP messages in and out. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* GET /index?a=1, message id 0x1234, token 51 52 53 54, Accept 50. */
static const uint8_t get[] = "\x44\x01\x12\x34\x51\x52\x53\x54\xb5index\x43"
                             "a=1\x21\x32";
#define GET get, (sizeof get - 1)
/* 2.05, Content-Format 50, a body. */
static const uint8_t content[] = "\x64\x45\x12\x34\x51\x52\x53\x54\xc1\x32\xff{\"Data\":[]}";
#define CONTENT content, (sizeof content - 1)

enum { ROOM = 128 };

static lscoap_io io_of(const uint8_t *input, size_t input_len, uint8_t *out, size_t out_cap) {
    lscoap_io io = {input, input_len, out, out_cap, SIZE_MAX, 0, NULL, 0};

    return io;
}

/* A message, and the same in a buffer that is exactly as long, so that valgrind sees more. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len) {
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    if (copy != NULL && len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

void case_coap_round_trip(struct check *t) {
    for (int32_t carrier = LSCOAP_CARRIER_OSCORE; carrier <= LSCOAP_CARRIER_PAYLOAD; carrier++) {
        struct world w;
        lscoap_session device = {{0}}, *found = NULL;
        lscoap_exchange asked, answered;
        uint8_t sent[ROOM], received[ROOM], kid[LSCOAP_CID_MAX + 1] = {0};
        size_t kid_len = 0;
        lscoap_io io = io_of(GET, BYTES(sent));

        world_init(t, &w, LSCOAP_EXPRESS);
        connect(t, &w, &device);
        CHECK_STATUS(lscoap_protect_request(&device, carrier, &io, &asked), LSCOAP_OK);
        CHECK(io.out_len > sizeof get - 1 &&
              io.out_len <= sizeof get - 1 + LSCOAP_PROTECT_OVERHEAD);
        CHECK(!contains(sent, io.out_len, "\x21\x32", 2));
        CHECK(contains(sent, io.out_len, "index", 5) == (carrier == LSCOAP_CARRIER_PAYLOAD));

        io = io_of(sent, io.out_len, BYTES(received));
        io.now_ms = w.now_ms;
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered), LSCOAP_OK);
        CHECK(io.out_len == sizeof get - 1);
        CHECK_BYTES(received, get, sizeof get - 1);
        CHECK_STATUS(lscoap_session_recipient_id(found, BYTES(kid), &kid_len), LSCOAP_OK);
        CHECK(lscoap_server_session_of(&w.server, w.now_ms, kid, kid_len) == found);
        CHECK(lscoap_server_session_of(&w.server, w.now_ms, kid, kid_len + 1) == NULL);

        io = io_of(CONTENT, BYTES(sent));
        CHECK_STATUS(lscoap_protect_response(found, &io, &answered), LSCOAP_OK);
        CHECK(!contains(sent, io.out_len, "Data", 4));
        io = io_of(sent, io.out_len, BYTES(received));
        CHECK_STATUS(lscoap_unprotect_response(&device, &io, &asked), LSCOAP_OK);
        CHECK(io.out_len == sizeof content - 1);
        CHECK_BYTES(received, content, sizeof content - 1);
        io = io_of(sent, io.out_len, BYTES(received));
        CHECK(lscoap_unprotect_response(&device, &io, &asked) < 0);
        lscoap_session_wipe(&device);
        world_wipe(&w);
    }
}

/* One buffer, or two that overlap, give what two apart give. */
void case_coap_overlap(struct check *t) {
    for (size_t shift = 0; shift <= 2 * LSCOAP_PROTECT_OVERHEAD; shift += stride()) {
        struct world w;
        lscoap_session device = {{0}}, *found = NULL;
        lscoap_exchange asked, answered;
        uint8_t buffer[2 * ROOM];
        uint8_t *input = buffer + LSCOAP_PROTECT_OVERHEAD;
        lscoap_io io = io_of(input, sizeof get - 1, buffer + shift, ROOM);

        world_init(t, &w, LSCOAP_EXPRESS);
        connect(t, &w, &device);
        memcpy(input, get, sizeof get - 1);
        CHECK_STATUS(lscoap_protect_request(&device, LSCOAP_CARRIER_OSCORE, &io, &asked),
                     LSCOAP_OK);
        io = io_of(buffer + shift, io.out_len, input, ROOM);
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered), LSCOAP_OK);
        CHECK(io.out_len == sizeof get - 1);
        CHECK_BYTES(input, get, sizeof get - 1);
        lscoap_session_wipe(&device);
        world_wipe(&w);
    }
}

/* Too little room, and no more than is said: exactly so much is enough. */
void case_coap_capacity(struct check *t) {
    struct world w;
    lscoap_session device = {{0}}, *found = NULL;
    lscoap_exchange asked, answered;
    uint8_t sent[ROOM], received[ROOM];
    lscoap_io io = io_of(GET, BYTES(sent));
    size_t len;

    world_init(t, &w, LSCOAP_SIGNED);
    connect(t, &w, &device);
    CHECK_STATUS(lscoap_protect_request(&device, LSCOAP_CARRIER_PAYLOAD, &io, &asked), LSCOAP_OK);
    len = io.out_len;
    for (size_t cap = 0; cap < len; cap++) {
        io = io_of(GET, sent, cap);
        CHECK_STATUS(lscoap_protect_request(&device, LSCOAP_CARRIER_PAYLOAD, &io, &asked),
                     LSCOAP_ERR_CAPACITY);
        CHECK(io.out_len == SIZE_MAX);
    }
    io = io_of(GET, sent, len);
    CHECK_STATUS(lscoap_protect_request(&device, LSCOAP_CARRIER_PAYLOAD, &io, &asked), LSCOAP_OK);
    for (size_t cap = 0; cap < len; cap++) {
        io = io_of(sent, len, received, cap);
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered),
                     LSCOAP_ERR_CAPACITY);
    }
    io = io_of(sent, len, received, len);
    CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered), LSCOAP_OK);
    lscoap_session_wipe(&device);
    world_wipe(&w);
}

void case_coap_null(struct check *t) {
    struct world w;
    lscoap_session device = {{0}}, empty = {{0}}, *found = NULL;
    lscoap_server no_server;
    lscoap_exchange exchange;
    const uint16_t accept[] = {17};
    uint8_t out[ROOM];
    size_t len;
    lscoap_io io = io_of(GET, BYTES(out));
    lscoap_io no_input = io_of(NULL, 1, BYTES(out));
    lscoap_io no_out = io_of(GET, NULL, 1);

    world_init(t, &w, LSCOAP_SIGNED);
    connect(t, &w, &device);
    memset(&no_server, 0, sizeof no_server);
    CHECK_STATUS(lscoap_protect_request(NULL, 1, &io, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_protect_request(&device, 1, NULL, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_protect_request(&device, 1, &io, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_protect_request(&device, 1, &no_input, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_protect_request(&device, 1, &no_out, &exchange), LSCOAP_ERR_NULL);
    for (int32_t carrier = -1; carrier < 4; carrier += carrier == 0 ? 3 : 1) {
        CHECK_STATUS(lscoap_protect_request(&device, carrier, &io, &exchange), LSCOAP_ERR_ARGUMENT);
    }
    CHECK_STATUS(lscoap_protect_request(&empty, 1, &io, &exchange), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_unprotect_request(NULL, &io, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_unprotect_request(&empty, &io, &exchange), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_unprotect_request(&device, &io, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_unprotect_request(&device, NULL, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_protect_response(&device, &io, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_protect_response(NULL, &io, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_unprotect_response(NULL, &io, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_unprotect_response(&device, &io, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_unprotect_request(NULL, &io, &found, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, NULL, &exchange), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_unprotect_request(&w.server, NULL, &found, &exchange),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_unprotect_request(&no_server, &io, &found, &exchange),
                 LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_refusal(LSCOAP_ERR_REPLAY, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_refusal(LSCOAP_ERR_REPLAY, &no_input), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_check_options(GET, NULL, 0), LSCOAP_ERR_BAD_OPTION); /* Accept */
    CHECK_STATUS(lscoap_check_options(GET, accept, 1), LSCOAP_OK);
    CHECK_STATUS(lscoap_check_options(GET, NULL, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_check_options(NULL, 1, accept, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_check_options(get, 3, accept, 1), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_session_recipient_id(NULL, BYTES(out), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_recipient_id(&empty, BYTES(out), &len), LSCOAP_ERR_UNINITIALISED);
    CHECK(lscoap_server_session_of(NULL, 0, out, 1) == NULL);
    CHECK(lscoap_server_session_of(&no_server, 0, out, 1) == NULL);
    lscoap_session_wipe(&device);
    world_wipe(&w);
}

/* What is not sealed is told apart, and what does not open is refused as the carrier has it. */
void case_coap_refusals(struct check *t) {
    static const struct {
        int32_t carrier;
        uint8_t replayed;
        size_t len; /* of the refusal, behind header and token */
    } cases[] = {{LSCOAP_CARRIER_OSCORE, 4 << 5 | 1, 2}, {LSCOAP_CARRIER_PAYLOAD, 4 << 5, 6}};
    struct world w;
    lscoap_session device = {{0}}, *found = NULL;
    lscoap_exchange asked, answered;
    uint8_t sent[ROOM], received[ROOM], refusal[ROOM];
    lscoap_io io = io_of(GET, BYTES(received));

    world_init(t, &w, LSCOAP_EXPRESS);
    connect(t, &w, &device);
    CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered),
                 LSCOAP_ERR_UNEXPECTED);
    for (size_t i = 0; i < 2; i++) {
        size_t len;

        io = io_of(GET, BYTES(sent));
        CHECK_STATUS(lscoap_protect_request(&device, cases[i].carrier, &io, &asked), LSCOAP_OK);
        len = io.out_len;
        sent[len - 1] ^= 1;
        io = io_of(sent, len, BYTES(received));
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered),
                     LSCOAP_ERR_AUTHENTICATION);
        io = io_of(received, len, BYTES(refusal)); /* what is left of it will do */
        CHECK_STATUS(lscoap_refusal(LSCOAP_ERR_AUTHENTICATION, &io), LSCOAP_OK);
        CHECK(io.out_len == 8 + cases[i].len && refusal[0] == 0x64 && refusal[1] == 4 << 5);
        CHECK_BYTES(refusal + 2, sent + 2, 6);
        sent[len - 1] ^= 1;
        io = io_of(sent, len, BYTES(received));
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered), LSCOAP_OK);
        io = io_of(sent, len, BYTES(received));
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered),
                     LSCOAP_ERR_REPLAY);
        io = io_of(sent, len, BYTES(refusal));
        CHECK_STATUS(lscoap_refusal(LSCOAP_ERR_REPLAY, &io), LSCOAP_OK);
        CHECK(io.out_len == 8 + cases[i].len && refusal[1] == cases[i].replayed);
        io = io_of(refusal, io.out_len, BYTES(received));
        CHECK_STATUS(lscoap_unprotect_response(&device, &io, &asked), LSCOAP_ERR_UNEXPECTED);
    }
    lscoap_session_wipe(&device);
    world_wipe(&w);
}

/* Every truncation and every changed byte of a sealed message, in a buffer without a byte more. */
void case_coap_damaged(struct check *t) {
    for (int32_t carrier = LSCOAP_CARRIER_OSCORE; carrier <= LSCOAP_CARRIER_PAYLOAD; carrier++) {
        struct world w;
        lscoap_session device = {{0}}, *found = NULL;
        lscoap_exchange asked, answered;
        uint8_t sent[ROOM];
        lscoap_io io = io_of(GET, BYTES(sent));
        size_t len;

        world_init(t, &w, LSCOAP_EXPRESS);
        connect(t, &w, &device);
        CHECK_STATUS(lscoap_protect_request(&device, carrier, &io, &asked), LSCOAP_OK);
        len = io.out_len;
        for (size_t at = 0; at < len; at += stride()) {
            uint8_t *cut = copy_of(sent, at);
            uint8_t *changed = copy_of(sent, len);

            CHECK(cut != NULL && changed != NULL);
            if (cut == NULL || changed == NULL) {
                free(cut);
                free(changed);
                break;
            }
            io = io_of(cut, at, cut, at);
            CHECK(lscoap_server_unprotect_request(&w.server, &io, &found, &answered) < 0);
            if (at >= 8) { /* type, message id and token are the message layer's */
                changed[at] ^= 0x55;
                io = io_of(changed, len, changed, len);
                CHECK(lscoap_server_unprotect_request(&w.server, &io, &found, &answered) < 0);
            }
            free(cut);
            free(changed);
        }
        io = io_of(sent, len, BYTES(sent));
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &answered), LSCOAP_OK);
        lscoap_session_wipe(&device);
        world_wipe(&w);
    }
}
