#include "record.h"
#include <string.h>

lscoap_status record(const struct record_call *c) {
    lscoap_io io = {c->input, c->input_len, c->out, c->out_cap, 0, c->now_ms, c->aad, c->aad_len};
    lscoap_status status;
    io.out_len = *c->out_len;
    switch (c->op) {
    case SEAL_REQUEST:
        status = lscoap_seal_request(c->session, &io, c->exchange);
        break;
    case OPEN_REQUEST:
        status = lscoap_open_request(c->session, &io, c->exchange);
        break;
    case SEAL_RESPONSE:
        status = lscoap_seal_response(c->session, &io, c->exchange);
        break;
    case SEAL_NOTIFICATION:
        status = lscoap_seal_notification(c->session, &io, c->exchange);
        break;
    case OPEN_RESPONSE:
        status = lscoap_open_response(c->session, &io, c->exchange);
        break;
    default:
        status = lscoap_server_open_request(c->server, &io, c->found, c->exchange);
    }
    *c->out_len = io.out_len;
    return status;
}

const char *record_name(int op) {
    static const char *const names[OPS] = {
        "seal_request",      "open_request",  "seal_response",
        "seal_notification", "open_response", "server_open_request",
    };
    return names[op];
}

bool record_opens(int op) {
    return op == OPEN_REQUEST || op == OPEN_RESPONSE || op == SERVER_OPEN;
}

bool record_has_aad(int op) {
    return op == SEAL_REQUEST || op == OPEN_REQUEST || op == SERVER_OPEN;
}

bool record_answers(int op) {
    return op == SEAL_RESPONSE || op == SEAL_NOTIFICATION || op == OPEN_RESPONSE;
}

/* A call on PLAIN or on an object, the rest to be filled in. */
static struct record_call prepared(int op, lscoap_session *session, const void *input,
                                   size_t input_len, uint8_t *out, size_t out_cap, size_t *out_len,
                                   lscoap_exchange *exchange) {
    struct record_call call;
    memset(&call, 0, sizeof call);
    call.op = op;
    call.session = session;
    call.aad = (const uint8_t *)"\xb5index";
    call.aad_len = 6;
    call.input = input;
    call.input_len = input_len;
    call.out = out;
    call.out_cap = out_cap;
    call.out_len = out_len;
    call.exchange = exchange;
    return call;
}

static lscoap_status seal(int op, lscoap_session *session, lscoap_exchange *exchange,
                          struct object *object) {
    struct record_call call =
        prepared(op, session, PLAIN, PLAIN_LEN, BYTES(object->bytes), &object->len, exchange);
    return record(&call);
}

/* What opens, but not as PLAIN, counts as a fault of the library's. */
static lscoap_status opened(const struct record_call *prepared_call) {
    struct record_call call = *prepared_call;
    size_t len = 0;
    uint8_t out[sizeof(struct object)];
    call.out = out;
    call.out_cap = sizeof out;
    call.out_len = &len;
    lscoap_status status = record(&call);
    if (status == LSCOAP_OK && (len != PLAIN_LEN || memcmp(out, PLAIN, PLAIN_LEN) != 0)) {
        return -1000;
    }
    return status;
}

lscoap_status seal_request(lscoap_session *session, struct object *object,
                           lscoap_exchange *exchange) {
    return seal(SEAL_REQUEST, session, exchange, object);
}

lscoap_status seal_response(lscoap_session *session, lscoap_exchange *exchange,
                            struct object *object) {
    return seal(SEAL_RESPONSE, session, exchange, object);
}

lscoap_status seal_notification(lscoap_session *session, lscoap_exchange *exchange,
                                struct object *object) {
    return seal(SEAL_NOTIFICATION, session, exchange, object);
}

lscoap_status open_request(lscoap_session *session, const struct object *object,
                           lscoap_exchange *exchange) {
    struct record_call call =
        prepared(OPEN_REQUEST, session, object->bytes, object->len, NULL, 0, NULL, exchange);
    return opened(&call);
}

lscoap_status open_response(lscoap_session *session, lscoap_exchange *exchange,
                            const struct object *object) {
    struct record_call call =
        prepared(OPEN_RESPONSE, session, object->bytes, object->len, NULL, 0, NULL, exchange);
    return opened(&call);
}

lscoap_status server_open(struct world *w, const struct object *object, lscoap_exchange *exchange) {
    lscoap_session *found;
    struct record_call call =
        prepared(SERVER_OPEN, NULL, object->bytes, object->len, NULL, 0, NULL, exchange);
    call.server = &w->server;
    call.now_ms = w->now_ms;
    call.found = &found;
    return opened(&call);
}

void stage_init(struct check *t, struct stage *s, int op) {
    memset(s, 0, sizeof *s);
    world_init(t, &s->world, LSCOAP_EXPRESS);
    stage_set(t, s, op);
}

void stage_set(struct check *t, struct stage *s, int op) {
    struct object object;
    t->note = record_name(op);
    lscoap_exchange exchange, other;
    memset(s->out, CANARY, sizeof s->out);
    memset(&exchange, CANARY, sizeof exchange);
    s->out_len = 12345;
    s->server = establish(t, &s->world, &s->device);

    lscoap_session *session = &s->device;
    if (!record_opens(op)) {
        memcpy(object.bytes, PLAIN, PLAIN_LEN);
        object.len = PLAIN_LEN;
    }
    switch (op) {
    case SEAL_REQUEST:
        break;
    case OPEN_REQUEST:
        CHECK_STATUS(seal_request(s->server, &object, &other), LSCOAP_OK);
        break;
    case OPEN_RESPONSE: {
        struct object request;
        CHECK_STATUS(seal_request(&s->device, &request, &exchange), LSCOAP_OK);
        CHECK_STATUS(server_open(&s->world, &request, &other), LSCOAP_OK);
        CHECK_STATUS(seal_response(s->server, &other, &object), LSCOAP_OK);
        break;
    }
    case SERVER_OPEN:
        CHECK_STATUS(seal_request(&s->device, &object, &other), LSCOAP_OK);
        session = NULL;
        break;
    default: { /* an answer of the server's */
        struct object request;
        CHECK_STATUS(seal_request(&s->device, &request, &other), LSCOAP_OK);
        CHECK_STATUS(server_open(&s->world, &request, &exchange), LSCOAP_OK);
        session = s->server;
    }
    }
    memcpy(s->input, object.bytes, object.len);
    s->exchange = exchange;
    s->exchange_before = exchange;
    s->call = prepared(op, session, s->input, object.len, BYTES(s->out), &s->out_len, &s->exchange);
    s->call.server = &s->world.server;
    s->call.now_ms = s->world.now_ms;
    s->call.found = &s->found;

    /* What the call will need is known from the shape of RFC 8613's objects. */
    switch (op) {
    case SEAL_REQUEST:
        s->need = 1 + 1 + 1 + PLAIN_LEN + 8; /* flags, Partial IV, kid, tag */
        break;
    case SEAL_RESPONSE:
        s->need = 1 + PLAIN_LEN + 8;
        break;
    case SEAL_NOTIFICATION:
        s->need = 1 + 1 + PLAIN_LEN + 8;
        break;
    default:
        s->need = PLAIN_LEN;
    }
}

void stage_untouched(struct check *t, const struct stage *s) {
    CHECK_FILLED(s->out, CANARY, sizeof s->out);
    CHECK(s->out_len == 12345);
    CHECK(s->found == NULL);
    CHECK_BYTES(&s->exchange, &s->exchange_before, sizeof s->exchange);
}

void stage_succeeds(struct check *t, struct stage *s) {
    if (CHECK_STATUS(record(&s->call), LSCOAP_OK)) {
        CHECK(*s->call.out_len == s->need);
        if (record_opens(s->call.op)) {
            CHECK_BYTES(s->call.out, PLAIN, PLAIN_LEN);
        }
        if (s->call.op == SERVER_OPEN) {
            CHECK(s->found == s->server);
        }
    }
}

void stage_wipe(struct stage *s) {
    lscoap_session_wipe(&s->device);
    world_wipe(&s->world);
}
