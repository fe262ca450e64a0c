/* The firmware's client: what arrives while it shakes hands and while it waits for answers. The
 * input decides what it asks for and what becomes of each answer. */
#include "script.h"
#include "secure_session.h"
#include "site.h"
#include "target.h"

#include <string.h>

enum { CALLS_MAX = 6, QUEUE_MAX = 4, PLAIN_MAX = 512, STEP_MS = 400, CONNECT = 0xC0, PUT = 3 };

struct datagram {
    uint8_t bytes[COAP_DATAGRAM_MAX];
    size_t len;
};

static struct {
    struct script script;
    uint32_t now_ms;
    struct datagram queue[QUEUE_MAX]; /* to the device */
    size_t queued;
    uint8_t genuine[PLAIN_MAX]; /* the plaintexts that the server has sealed for this call */
    size_t genuine_len;
    unsigned changes; /* how often the call was executed, if it changes something */
} world;

/* ---- the server ---- */

/* Code, options and payload of an answer, by the input. */
static size_t plaintext(uint8_t *out, size_t capacity) {
    const uint8_t *bytes;
    size_t len = script_bytes(&world.script, capacity, &bytes);

    if (len == 0) {
        out[0] = COAP_CODE(2, 4);
        return 1;
    }
    memcpy(out, bytes, len);
    return len;
}

static size_t answer_request(const struct coap_message *request, uint8_t *out, size_t capacity) {
    static const uint8_t path[] = {0xb5, 'i', 'n', 'd', 'e', 'x'};
    uint8_t plain[PLAIN_MAX] = {0};
    lscoap_io io = {.input = request->payload,
                    .input_len = request->payload_len,
                    .out = plain,
                    .out_cap = sizeof plain,
                    .now_ms = world.now_ms,
                    .aad = path,
                    .aad_len = sizeof path};
    lscoap_session *session;
    lscoap_exchange exchange;

    if (lscoap_server_open_request(site_server(), &io, &session, &exchange) != LSCOAP_OK) {
        return 0; /* sent again, or sent in a session that is gone */
    }
    world.changes += plain[0] == COAP_POST || plain[0] == PUT;
    world.genuine_len = plaintext(world.genuine, sizeof world.genuine);
    io = (lscoap_io){
        .input = world.genuine, .input_len = world.genuine_len, .out = out, .out_cap = capacity};
    MUST(lscoap_seal_response(session, &io, &exchange) == LSCOAP_OK);
    return io.out_len;
}

static size_t answer_handshake(const struct coap_message *request, uint8_t *out, size_t capacity) {
    lscoap_io io = {.input = request->payload,
                    .input_len = request->payload_len,
                    .out = out,
                    .out_cap = capacity,
                    .now_ms = world.now_ms};
    const lscoap_status status = lscoap_server_step(site_server(), &(lscoap_sender){0}, &io, NULL);

    return status == LSCOAP_SEND || status == LSCOAP_REFUSED ? io.out_len : 0;
}

/* ---- the network ---- */

static void queue(const struct datagram *datagram) {
    if (world.queued < QUEUE_MAX) {
        world.queue[world.queued++] = *datagram;
    }
}

/* The genuine answer to a request of the device's; nothing if there is none. */
static void answer(const struct coap_message *request, struct datagram *reply) {
    struct coap_writer writer = {.bytes = reply->bytes, .capacity = sizeof reply->bytes};
    uint8_t payload[COAP_DATAGRAM_MAX];
    const bool handshake = request->content_format == LSCOAP_CONTENT_FORMAT_HANDSHAKE;
    size_t len = handshake ? answer_handshake(request, payload, sizeof payload)
                           : answer_request(request, payload, sizeof payload);

    reply->len = 0;
    if (len > 0) {
        coap_write_header(&writer, COAP_ACK, COAP_CODE(2, handshake ? 4 : 5), request->id,
                          request->token, request->token_len);
        coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT,
                               handshake ? LSCOAP_CONTENT_FORMAT_HANDSHAKE
                                         : LSCOAP_CONTENT_FORMAT_SEALED);
        coap_write_payload(&writer, payload, len);
        reply->len = writer.overflow ? 0 : writer.len;
    }
}

/* A datagram that has the header of an answer, and the rest from the input. */
static void forge(const struct coap_message *request, uint8_t kind, struct datagram *out) {
    static const enum coap_type types[] = {COAP_CON, COAP_NON, COAP_ACK, COAP_RST};
    struct coap_writer writer = {.bytes = out->bytes, .capacity = sizeof out->bytes};
    const bool empty = (kind & 4U) != 0;
    uint8_t code = COAP_CODE(2, 5);
    const uint8_t *bytes;
    size_t len;

    if (!empty) {
        (void)script_byte(&world.script, &code);
    }
    coap_write_header(&writer, types[kind & 3U], empty ? COAP_EMPTY : code, request->id,
                      request->token, empty ? 0 : request->token_len);
    len = empty ? 0 : script_bytes(&world.script, 255, &bytes);
    if (len > 0) {
        memcpy(writer.bytes + writer.len, bytes, len);
    }
    out->len = writer.len + len;
}

static void device_sends(void *context, const uint8_t *bytes, size_t len) {
    static struct datagram sent, reply;
    struct coap_message request;
    uint8_t what;

    (void)context;
    memcpy(sent.bytes, bytes, len);
    MUST(coap_parse(sent.bytes, len, &request));
    if (request.code == COAP_EMPTY) {
        return;
    }
    answer(&request, &reply);
    while (script_byte(&world.script, &what) && what % 4 != 0) {
        static struct datagram other;

        other = reply;
        if (what % 4 == 1) {
            forge(&request, what >> 2, &other);
        } else if (!script_change(&world.script, other.bytes, sizeof other.bytes, &other.len)) {
            break;
        }
        queue(&other);
    }
    if (reply.len > 0 && (what & 4) == 0) {
        queue(&reply);
    }
}

static size_t device_receives(void *context, uint8_t *bytes, size_t capacity) {
    size_t len;

    (void)context;
    if (world.queued == 0) {
        return 0;
    }
    len = world.queue[0].len < capacity ? world.queue[0].len : capacity;
    memcpy(bytes, world.queue[0].bytes, len);
    memmove(world.queue, world.queue + 1, --world.queued * sizeof *world.queue);
    return len;
}

static uint32_t device_now_ms(void *context) {
    (void)context;
    return world.now_ms;
}

static int device_random(void *context, uint8_t *out, size_t len) {
    const lscoap_platform platform = site_platform();

    return platform.random(context, out, len);
}

static void device_waits(void *context) {
    (void)context;
    world.now_ms += STEP_MS;
}

/* ---- the device ---- */

static void do_request(struct secure_session *session, uint8_t method) {
    static const uint8_t codes[] = {COAP_GET, COAP_POST, COAP_FETCH, PUT};
    struct coap_request wanted = {.code = codes[method & 3U],
                                  .path = "/index",
                                  .content_format =
                                      (method & 4U) != 0 ? COAP_FORMAT_JSON : COAP_NO_FORMAT,
                                  .at_least_once = (method & 8U) != 0};
    struct coap_message got;

    wanted.payload_len = script_bytes(&world.script, 255, &wanted.payload);
    world.genuine_len = 0;
    world.changes = 0;
    if (secure_request(session, &wanted, &got) == LSCOAP_OK) {
        /* Nothing but what the server has sealed for it is ever delivered. */
        MUST(world.genuine_len >= 1 && got.code == world.genuine[0]);
        MUST(got.payload_len < world.genuine_len &&
             (got.payload_len == 0 ||
              memcmp(got.payload, world.genuine + world.genuine_len - got.payload_len,
                     got.payload_len) == 0));
    }
    /* No POST is executed twice that must not be. */
    MUST(wanted.code == PUT || wanted.at_least_once || world.changes <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len) {
    static struct coap_client coap;
    static struct secure_session session, initial;
    static bool initialised; /* once, since it is curve arithmetic */
    const lscoap_platform platform = site_platform();
    const lscoap_client_config config = site_client_config(LSCOAP_SIGNED);
    const struct coap_io io = {.send = device_sends,
                               .receive = device_receives,
                               .now_ms = device_now_ms,
                               .random = device_random,
                               .wait = device_waits};
    size_t blob_len;
    const uint8_t *blob;
    uint8_t call;

    site_begin(input, len);
    memset(&world, 0, sizeof world);
    world.script = (struct script){input, len};
    world.now_ms = UINT32_MAX - 10000; /* wraps soon */
    coap_client_init(&coap, &io);
    if (!initialised) {
        MUST(secure_init(&initial, &coap, &platform, &config, NULL) == LSCOAP_OK);
        initialised = true;
    }
    session = initial;
    secure_use_storage(&session, site_write_nothing, NULL);
    blob = site_session_blob(&blob_len);
    MUST(secure_restore(&session, &platform, blob, blob_len) == LSCOAP_OK);
    for (int calls = 0; calls < CALLS_MAX && script_byte(&world.script, &call); calls++) {
        if (call == CONNECT) { /* seldom: curve arithmetic is slow */
            (void)secure_connect(&session);
        } else {
            do_request(&session, call);
        }
    }
    secure_wipe(&session);
    return 0;
}
