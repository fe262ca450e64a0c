/* The adapter's server: what arrives from a device that has a session, from others, and from
 * nobody's friends. The input decides which datagrams come, of which many are genuine requests,
 * whole or in blocks, with a fault or none. */
#include "coap_message.h"
#include "network.h"
#include "script.h"
#include "service.h"
#include "site.h"
#include "target.h"

#include <string.h>

enum {
    STEPS_MAX = 40,
    PLAIN_MAX = 3000,
    OBJECT_MAX = PLAIN_MAX + LSCOAP_REQUEST_OVERHEAD,
    BODY_UNIT = 16,
    PORT = 40000,
    PORTS = 3,

    OPTION_OBSERVE = 6,
    OPTION_URI_QUERY = 15,
    OPTION_BLOCK2 = 23,
    OPTION_BLOCK1 = 27,
    OPTION_REQUEST_TAG = 292
};

static struct {
    struct script script;
    lscoap_client client;
    lscoap_session session;
    uint16_t message_id;
    uint16_t port;
    uint8_t datagram[NETWORK_DATAGRAM_MAX]; /* the last one to the server */
    size_t datagram_len;
    uint8_t answer[NETWORK_DATAGRAM_MAX]; /* the last one of the server's */
    size_t answer_len;
    uint8_t object[OBJECT_MAX]; /* the last sealed one */
    size_t object_len;
    unsigned changes; /* how many requests that change something were sealed */
} world;

static uint8_t next(void) {
    uint8_t byte = 0;

    (void)script_byte(&world.script, &byte);
    return byte;
}

/* ---- the network ---- */

void network_server_sends(uint16_t port, const uint8_t *bytes, size_t len) {
    MUST(port >= PORT && port < PORT + PORTS && len <= sizeof world.answer);
    memcpy(world.answer, bytes, len);
    world.answer_len = len;
}

void network_client_sends(const uint8_t *bytes, size_t len) {
    (void)bytes;
    (void)len;
}

bool network_idle(void) {
    return false;
}

static void send_datagram(void) {
    network_to_server(world.port, world.datagram, world.datagram_len);
    service_run();
    MUST(service.changes <= world.changes); /* no forgery is executed, nothing is executed twice */
}

/* ---- datagrams ---- */

static void begin(struct coap_writer *writer, enum coap_type type, uint8_t code) {
    static const uint8_t token[COAP_TOKEN_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};

    *writer = (struct coap_writer){.bytes = world.datagram, .capacity = sizeof world.datagram};
    coap_write_header(writer, type, code, ++world.message_id, token, world.port - PORT + 4U);
}

/* A message of a handshake, and the device's next step with the answer. */
static void shake_hands(const uint8_t *message, size_t len) {
    struct coap_writer writer;

    begin(&writer, COAP_CON, COAP_POST);
    coap_write_path(&writer, "/" LSCOAP_LIBCOAP_PATH);
    coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, LSCOAP_CONTENT_FORMAT_HANDSHAKE);
    coap_write_payload(&writer, message, len);
    world.datagram_len = writer.len;
}

/* False: no answer, or not one that the device can do something with. */
static lscoap_status step(uint8_t *message, size_t *len) {
    struct coap_message answer;

    if (!coap_parse(world.answer, world.answer_len, &answer) || answer.payload_len == 0) {
        return LSCOAP_ERR_MALFORMED;
    }
    return lscoap_client_step(&world.client, answer.payload, answer.payload_len, message,
                              LSCOAP_MESSAGE_MAX, len);
}

/* With `resumed` without curve arithmetic. Each message may have a fault, but the first
 * handshake's. */
static void handshake(const lscoap_session *resumed, bool faults) {
    uint8_t message[LSCOAP_MESSAGE_MAX];
    size_t len = 0;
    lscoap_status status = lscoap_client_restart(&world.client);

    if (status == LSCOAP_OK && resumed != NULL) {
        status = lscoap_client_resume(&world.client, resumed);
    }
    if (status == LSCOAP_OK) {
        status = lscoap_client_step(&world.client, NULL, 0, message, sizeof message, &len);
    }
    while (status == LSCOAP_SEND) {
        shake_hands(message, len);
        if (faults && !script_change(&world.script, world.datagram, sizeof world.datagram,
                                     &world.datagram_len)) {
            return;
        }
        send_datagram();
        status = step(message, &len);
    }
    if (status == LSCOAP_READY) {
        lscoap_session_wipe(&world.session);
        MUST(lscoap_client_finish(&world.client, &world.session) == LSCOAP_OK);
    }
    MUST(faults || status == LSCOAP_READY);
}

/* What a sealed request looks like from outside, by bits. */
enum {
    AS_NON = 1,
    AS_POST = 2,
    WITH_OBSERVE = 4,
    WITH_QUERY = 8,
    WITH_BLOCK2 = 16,
    WITH_TAG = 32,
    AS_OSCORE = 64, /* and then not AS_POST, but ... */
    WITH_BLOCK1 = 2
};

static void seal(uint8_t kind) {
    static uint8_t plain[PLAIN_MAX];
    static const uint8_t path[] = {0xb5, 'i', 'n', 'd', 'e', 'x', 0x41, 'q'};
    const uint8_t *bytes;
    size_t len = script_bytes(&world.script, 255, &bytes);
    size_t fill = next() % 128 * (size_t)BODY_UNIT;
    lscoap_exchange exchange;

    memcpy(plain, bytes, len);
    memset(plain + len, 'x', fill);
    if (len > 0 && plain[0] != COAP_GET && plain[0] != COAP_FETCH) {
        world.changes++;
    }
    lscoap_io io = {.input = plain,
                    .input_len = len + fill,
                    .out = world.object,
                    .out_cap = sizeof world.object,
                    .aad = path,
                    .aad_len = (kind & WITH_QUERY) != 0 ? 8 : 6};

    world.object_len =
        lscoap_seal_request(&world.session, &io, &exchange) == LSCOAP_OK ? io.out_len : 0;
}

/* A block of the sealed object, or all of it with a size exponent of 7. */
static void send_object(uint8_t kind, uint8_t block) {
    struct coap_writer writer;
    const size_t szx = block & 7U;
    const size_t size = (size_t)16 << szx;
    const size_t number = block >> 3;
    size_t offset = szx == 7 ? 0 : number * size;
    size_t len = offset < world.object_len ? world.object_len - offset : 0;
    bool more = szx != 7 && len > size;

    len = more ? size : len;
    len = len < 1300 ? len : 1300;
    begin(&writer, (kind & AS_NON) != 0 ? COAP_NON : COAP_CON,
          (kind & AS_POST) != 0 ? COAP_POST : COAP_FETCH);
    if ((kind & WITH_OBSERVE) != 0) {
        coap_write_uint_option(&writer, OPTION_OBSERVE, next() & 1U);
    }
    coap_write_path(&writer, "/" SERVICE_PATH);
    coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, LSCOAP_CONTENT_FORMAT_SEALED);
    if ((kind & WITH_QUERY) != 0) {
        coap_write_option(&writer, OPTION_URI_QUERY, "q", 1);
    }
    if ((kind & WITH_BLOCK2) != 0) {
        coap_write_uint_option(&writer, OPTION_BLOCK2, next());
    }
    if (szx != 7) {
        coap_write_uint_option(&writer, OPTION_BLOCK1,
                               (uint32_t)(number << 4 | (more ? 8U : 0U) | szx));
    }
    if ((kind & WITH_TAG) != 0) {
        coap_write_option(&writer, OPTION_REQUEST_TAG, "12345678", 8);
    }
    if (offset < world.object_len) {
        coap_write_payload(&writer, world.object + offset, len);
    }
    world.datagram_len = writer.len;
    send_datagram();
}

/* A request in an OSCORE option, whose blocks are inside. */
static void send_oscore(uint8_t kind) {
    struct coap_writer writer;
    static const uint8_t fill[1024] = {'y'};
    const uint8_t code = next() & 7U;
    size_t len = next() * (size_t)4;
    lscoap_exchange exchange;
    lscoap_io io = {
        .input = world.datagram, .out = world.datagram, .out_cap = sizeof world.datagram};

    begin(&writer, (kind & AS_NON) != 0 ? COAP_NON : COAP_CON, code);
    if ((kind & WITH_OBSERVE) != 0) {
        coap_write_uint_option(&writer, OPTION_OBSERVE, next() & 1U);
    }
    coap_write_path(&writer, "/" SERVICE_PATH);
    if ((kind & WITH_QUERY) != 0) {
        coap_write_option(&writer, OPTION_URI_QUERY, "q", 1);
    }
    if ((kind & WITH_BLOCK2) != 0) {
        coap_write_uint_option(&writer, OPTION_BLOCK2, next());
    }
    if ((kind & WITH_BLOCK1) != 0) {
        const uint8_t block = next();

        coap_write_uint_option(&writer, OPTION_BLOCK1, block);
        len = (size_t)16 << (block & 7U) < sizeof fill ? (size_t)16 << (block & 7U) : sizeof fill;
    }
    if ((kind & WITH_TAG) != 0) {
        coap_write_option(&writer, OPTION_REQUEST_TAG, "12345678", 8);
    }
    if (len > 0) {
        coap_write_payload(&writer, fill, len);
    }
    if (code != COAP_GET && code != COAP_FETCH) {
        world.changes++;
    }
    io.input_len = writer.len;
    if (lscoap_protect_request(&world.session, LSCOAP_CARRIER_OSCORE, &io, &exchange) ==
        LSCOAP_OK) {
        world.datagram_len = io.out_len;
        send_datagram();
    }
}

/* ---- what happens ---- */

static void happen(uint8_t what) {
    const uint8_t *bytes;
    uint8_t kind;

    world.port = (uint16_t)(PORT + (what >> 4) % PORTS);
    switch (what & 15U) {
    case 0: /* anything */
        world.datagram_len = script_bytes(&world.script, 255, &bytes);
        memcpy(world.datagram, bytes, world.datagram_len);
        send_datagram();
        break;
    case 1: /* the last datagram again, or what is like it */
        if (script_change(&world.script, world.datagram, sizeof world.datagram,
                          &world.datagram_len)) {
            send_datagram();
        }
        break;
    case 2:
        network_advance(next() * 1000U);
        lscoap_libcoap_server_poll(service.server);
        service_run();
        break;
    case 3:
        service.body_len = SERVICE_ECHO + next() * (size_t)BODY_UNIT;
        lscoap_libcoap_notify(service.resource);
        service_run();
        break;
    case 4:
        handshake(&world.session, true);
        break;
    case 5: /* seldom: curve arithmetic is slow */
        if (what == 0xF5) {
            handshake(NULL, true);
        }
        break;
    case 6: /* what the server has sent comes back, acknowledged or not wanted */
        memcpy(world.datagram, world.answer, world.answer_len);
        world.datagram_len = world.answer_len < 4 ? world.answer_len : 4;
        world.datagram[0] = next();
        world.datagram[1] = 0;
        send_datagram();
        break;
    case 7: /* more of a request */
    case 8:
    case 9:
        kind = next();
        send_object(kind, next());
        break;
    default:
        kind = next();
        if ((kind & AS_OSCORE) != 0) {
            send_oscore(kind);
            break;
        }
        seal(kind);
        send_object(kind, (what & 1U) != 0 ? 7 : next());
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len) {
    static lscoap_client initial;
    static bool initialised; /* once, since it is curve arithmetic */
    const lscoap_platform platform = site_platform();
    uint8_t what;
    size_t blob_len;
    const uint8_t *blob;

    site_begin(input, len);
    if (!initialised) {
        const lscoap_client_config config = site_client_config(LSCOAP_SIGNED);

        MUST(lscoap_client_init(&initial, &platform, &config) == LSCOAP_OK);
        initialised = true;
    }
    memset(&world, 0, sizeof world);
    world.script = (struct script){input, len};
    world.client = initial;
    world.port = PORT;
    blob = site_session_blob(&blob_len);
    MUST(lscoap_session_restore(&world.session, &platform, blob, blob_len) == LSCOAP_OK);
    service_begin();
    handshake(&world.session, false);
    for (int steps = 0; steps < STEPS_MAX && script_byte(&world.script, &what); steps++) {
        happen(what);
    }
    service_end();
    lscoap_client_wipe(&world.client);
    lscoap_session_wipe(&world.session);
    return 0;
}
