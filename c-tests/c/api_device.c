/* lscoap_device: null pointers, lengths, and calls out of order. */
#include "support.h"
#include <string.h>

/* POST /.well-known/lscoap as a device sends it: a header, a token of four bytes, options, marker.
 */
enum { HEAD = 8, HANDSHAKE_AT = 31, ROOM = HANDSHAKE_AT + LSCOAP_MESSAGE_MAX };

/* A device beside w's server. */
struct site {
    struct world w;
    lscoap_device device;
    lscoap_device_config config;
    uint8_t buffer[LSCOAP_DEVICE_BUFFER_MAX];
    lscoap_observation observation;
    uint8_t datagram[ROOM];
    size_t len;
    const uint8_t *bytes;
};

static const lscoap_request get = {.path = "/index", .code = 1};

static void site_init(struct check *t, struct site *s) {
    memset(s, 0, sizeof *s);
    world_init(t, &s->w, LSCOAP_EXPRESS);
    s->config.client = device_config("sensor-7", LSCOAP_EXPRESS);
    s->config.buffer = s->buffer;
    s->config.buffer_len = sizeof s->buffer;
    s->config.observations = &s->observation;
    s->config.observations_len = 1;
    s->config.carrier = LSCOAP_CARRIER_OSCORE;
    s->config.store_block = 100;
    CHECK_STATUS(lscoap_device_init(&s->device, &s->w.device_platform, &s->config), LSCOAP_OK);
}

static void site_wipe(struct site *s) {
    lscoap_device_wipe(&s->device);
    world_wipe(&s->w);
}

static lscoap_status site_poll(struct site *s) {
    return lscoap_device_poll(&s->device, s->w.now_ms, &s->bytes, &s->len);
}

static lscoap_status site_request(struct site *s, const lscoap_request *request) {
    return lscoap_device_request(&s->device, s->w.now_ms, request);
}

static lscoap_status site_receive(struct site *s) {
    return lscoap_device_receive(&s->device, s->w.now_ms, s->datagram, s->len);
}

/* What poll gave goes out. */
static void site_send(struct check *t, struct site *s) {
    if (CHECK(s->len <= sizeof s->datagram)) {
        memcpy(s->datagram, s->bytes, s->len);
    }
}

/* The server's X2 to what was sent is in s->datagram. */
static void site_answer_handshake(struct check *t, struct site *s) {
    static const uint8_t options[] = {0xc2, 0xfd, 0xe9, 0xff}; /* Content-Format 65001 */
    struct message in, out;

    site_send(t, s);
    CHECK(s->len > HANDSHAKE_AT && s->len <= sizeof s->datagram);
    in.len = s->len - HANDSHAKE_AT;
    memcpy(in.bytes, s->datagram + HANDSHAKE_AT, in.len);
    CHECK_STATUS(server_step(t, &s->w, &in, &out), LSCOAP_SEND);
    s->datagram[0] = 0x64;
    s->datagram[1] = 0x44;
    memcpy(s->datagram + HEAD, options, sizeof options);
    memcpy(s->datagram + HEAD + sizeof options, out.bytes, out.len);
    s->len = HEAD + sizeof options + out.len;
}

/* The server's 2.05 to what was sent is in s->datagram. */
static void site_answer(struct check *t, struct site *s) {
    lscoap_session *found;
    lscoap_exchange exchange;
    lscoap_io io = {s->datagram, 0, BYTES(s->datagram), 0, s->w.now_ms, NULL, 0};

    site_send(t, s);
    io.input_len = s->len;
    CHECK_STATUS(lscoap_server_unprotect_request(&s->w.server, &io, &found, &exchange), LSCOAP_OK);
    s->datagram[0] = 0x64;
    s->datagram[1] = 0x45;
    memcpy(s->datagram + HEAD, "\xffhello", 6);
    io.input_len = HEAD + 6;
    CHECK_STATUS(lscoap_protect_response(found, &io, &exchange), LSCOAP_OK);
    s->len = io.out_len;
}

/* A session, by the first request; what it has stored is in `blob`. */
static size_t site_connect(struct check *t, struct site *s, uint8_t *blob) {
    size_t blob_len;

    CHECK_STATUS(site_request(s, &get), LSCOAP_OK);
    CHECK_STATUS(site_poll(s), LSCOAP_SEND);
    site_answer_handshake(t, s);
    CHECK_STATUS(site_receive(s), LSCOAP_OK);
    CHECK_STATUS(site_poll(s), LSCOAP_SEND);
    site_answer(t, s);
    CHECK_STATUS(site_receive(s), LSCOAP_OK);
    CHECK_STATUS(site_poll(s), LSCOAP_STORE);
    CHECK(s->len > 0 && s->len <= LSCOAP_SESSION_BLOB_MAX);
    memcpy(blob, s->bytes, s->len);
    blob_len = s->len;
    CHECK_STATUS(lscoap_device_stored(&s->device, 0), LSCOAP_OK);
    CHECK_STATUS(site_poll(s), LSCOAP_DONE);
    CHECK(lscoap_device_code(&s->device) == 0x45);
    CHECK_STATUS(site_poll(s), LSCOAP_OK);
    return blob_len;
}

void case_null_in_device(struct check *t) {
    struct site s;
    lscoap_device other;
    lscoap_device_config config;
    lscoap_platform platform;
    const uint8_t *bytes = (const uint8_t *)"";
    size_t len = 12345;

    site_init(t, &s);
    platform = s.w.device_platform;
    memset(&other, 0, sizeof other);

    CHECK_STATUS(lscoap_device_init(NULL, &platform, &s.config), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_init(&other, NULL, &s.config), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_init(&other, &platform, NULL), LSCOAP_ERR_NULL);
    platform.random = NULL;
    CHECK_STATUS(lscoap_device_init(&other, &platform, &s.config), LSCOAP_ERR_NULL);
    platform = s.w.device_platform;
    config = s.config;
    config.buffer = NULL;
    CHECK_STATUS(lscoap_device_init(&other, &platform, &config), LSCOAP_ERR_NULL);
    config = s.config;
    config.observations = NULL;
    CHECK_STATUS(lscoap_device_init(&other, &platform, &config), LSCOAP_ERR_NULL);
    config = s.config;
    config.client.device_id = NULL;
    CHECK_STATUS(lscoap_device_init(&other, &platform, &config), LSCOAP_ERR_NULL);
    config = s.config;
    config.client.identity = NULL;
    CHECK_STATUS(lscoap_device_init(&other, &platform, &config), LSCOAP_ERR_NULL);
    config = s.config;
    config.client.server_key = NULL;
    CHECK_STATUS(lscoap_device_init(&other, &platform, &config), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_suspend(&other), LSCOAP_ERR_UNINITIALISED);

    CHECK_STATUS(lscoap_device_restore(NULL, s.datagram, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_restore(&s.device, NULL, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_request(NULL, 0, &get), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_cancel(NULL, 0, &get), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_cancel(&s.device, 0, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_receive(NULL, 0, s.datagram, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_receive(&s.device, 0, NULL, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_stored(NULL, 0), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_suspend(NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_moved(NULL, 0), LSCOAP_ERR_NULL);
    CHECK(lscoap_device_deadline(NULL) == UINT64_MAX);
    CHECK(lscoap_device_code(NULL) == 0);
    CHECK(lscoap_device_session(NULL) == NULL);
    CHECK(lscoap_extend_ms(NULL, 7) == 7);
    lscoap_device_wipe(NULL);

    /* With something to send: it is not lost. */
    CHECK_STATUS(site_request(&s, &get), LSCOAP_OK);
    CHECK_STATUS(lscoap_device_poll(NULL, s.w.now_ms, &bytes, &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_poll(&s.device, s.w.now_ms, NULL, &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_poll(&s.device, s.w.now_ms, &bytes, NULL), LSCOAP_ERR_NULL);
    CHECK(len == 12345 && s.w.device_source.calls == 0);
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    CHECK(s.len > HANDSHAKE_AT);
    site_wipe(&s);
}

/* A request whose pointers are null is none; no request at all only connects. */
void case_null_device_request(struct check *t) {
    struct site s;
    lscoap_request request = get;

    site_init(t, &s);
    request.path = NULL;
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_ARGUMENT);
    request = get;
    request.payload_len = 1; /* neither bytes nor `read` */
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);

    CHECK_STATUS(site_request(&s, NULL), LSCOAP_OK); /* only connects */
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    CHECK(lscoap_device_session(&s.device) == NULL);
    site_answer_handshake(t, &s);
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_DONE);
    CHECK(lscoap_device_code(&s.device) == 0);
    CHECK(lscoap_device_session(&s.device) != NULL);
    site_wipe(&s);
}

void case_device_lengths(struct check *t) {
    static const size_t buffers[] = {0, LSCOAP_DEVICE_BUFFER_MIN - 1, LSCOAP_DEVICE_BUFFER_MAX + 1};
    static char path[LSCOAP_DEVICE_BUFFER_MAX + 1];
    struct site s;
    lscoap_device_config config;
    lscoap_request request;

    site_init(t, &s);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        config = s.config;
        config.buffer_len = buffers[i];
        CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config),
                     LSCOAP_ERR_ARGUMENT);
    }
    config = s.config;
    config.client.device_id_len = 0;
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config), LSCOAP_ERR_ARGUMENT);
    config.client.device_id_len = LSCOAP_DEVICE_ID_MAX + 1;
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config), LSCOAP_ERR_ARGUMENT);
    config = s.config;
    config.carrier = LSCOAP_CARRIER_PAYLOAD + 1;
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config), LSCOAP_ERR_ARGUMENT);
    config = s.config;
    config.buffer_len = LSCOAP_DEVICE_BUFFER_MIN;
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config), LSCOAP_OK);

    /* A segment of 255 bytes does not fit this buffer; one of 256 is none. */
    memset(path, 'a', sizeof path);
    request = get;
    request.path = path;
    path[255] = 0;
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_TOO_LONG);
    path[255] = 'a';
    path[256] = 0;
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &s.config), LSCOAP_OK);
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_ARGUMENT);
    path[255] = 0;
    CHECK_STATUS(site_request(&s, &request), LSCOAP_OK);
    CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &request), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_ERR_CANCELLED);

    /* Methods are 1 to 31. */
    request = get;
    for (unsigned code = 0; code < 256; code++) {
        request.code = (uint8_t)code;
        if (code >= 1 && code <= 31) {
            CHECK_STATUS(site_request(&s, &request), LSCOAP_OK);
            CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &request), LSCOAP_OK);
            CHECK_STATUS(site_poll(&s), LSCOAP_ERR_CANCELLED);
        } else {
            CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_ARGUMENT);
        }
    }
    /* Observe is for GET and FETCH, where there is room. */
    request = get;
    request.flags = LSCOAP_OBSERVE;
    request.code = 2;
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_ARGUMENT);
    config = s.config;
    config.observations = NULL;
    config.observations_len = 0;
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config), LSCOAP_OK);
    request.code = 1;
    CHECK_STATUS(site_request(&s, &request), LSCOAP_ERR_CAPACITY);
    site_wipe(&s);
}

/* Datagrams of any length, cut off and empty ones, change nothing: the right one is still taken. */
void case_device_datagrams(struct check *t) {
    struct site s;
    uint8_t answer[ROOM];
    size_t len;

    site_init(t, &s);
    CHECK_STATUS(site_request(&s, &get), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    site_answer_handshake(t, &s);
    memcpy(answer, s.datagram, s.len);
    len = s.len;
    CHECK_STATUS(lscoap_device_receive(&s.device, s.w.now_ms, NULL, 0), LSCOAP_OK);
    for (s.len = 0; s.len < HEAD; s.len += 1) { /* no header, or no token */
        memcpy(s.datagram, answer, s.len);
        CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    }
    memcpy(s.datagram, answer, len);
    s.len = len;
    s.datagram[4] ^= 1; /* another's token */
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    memcpy(s.datagram, "\x40\x01\x12\x34", 4); /* a request, untouched */
    s.len = 4;
    CHECK_STATUS(site_receive(&s), LSCOAP_ERR_UNEXPECTED);
    CHECK_BYTES(s.datagram, "\x40\x01\x12\x34", 4);
    CHECK(lscoap_device_session(&s.device) == NULL);
    memcpy(s.datagram, answer, len);
    s.len = len;
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK(lscoap_device_session(&s.device) != NULL);
    site_wipe(&s);
}

void case_device_uninitialised(struct check *t) {
    struct site s;
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    size_t blob_len;

    site_init(t, &s);
    blob_len = site_connect(t, &s, blob);
    lscoap_device_wipe(&s.device);
    for (int wiped = 1; wiped >= 0; wiped--) {
        if (wiped == 0) {
            memset(&s.device, 0, sizeof s.device);
        }
        s.len = 4;
        CHECK_STATUS(lscoap_device_restore(&s.device, blob, blob_len), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(site_request(&s, &get), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(site_request(&s, NULL), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(lscoap_device_cancel(&s.device, 0, &get), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(site_receive(&s), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(site_poll(&s), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(lscoap_device_stored(&s.device, 0), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(lscoap_device_suspend(&s.device), LSCOAP_ERR_UNINITIALISED);
        CHECK_STATUS(lscoap_device_moved(&s.device, 0), LSCOAP_ERR_UNINITIALISED);
        CHECK(lscoap_device_deadline(&s.device) == UINT64_MAX);
        CHECK(lscoap_device_code(&s.device) == 0);
        CHECK(lscoap_device_session(&s.device) == NULL);
    }
    site_wipe(&s);
}

void case_device_order(struct check *t) {
    struct site s;
    lscoap_device_config config;
    lscoap_request other = {.path = "other", .code = 1};
    uint8_t blob[LSCOAP_SESSION_BLOB_MAX];
    size_t blob_len;

    site_init(t, &s);
    /* Nothing is under way. */
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);
    CHECK(lscoap_device_deadline(&s.device) == UINT64_MAX);
    CHECK_STATUS(lscoap_device_stored(&s.device, 0), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &get), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_suspend(&s.device), LSCOAP_OK); /* without a session */
    CHECK_STATUS(lscoap_device_moved(&s.device, s.w.now_ms), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);

    /* One request at a time, which ends once. */
    CHECK_STATUS(site_request(&s, &get), LSCOAP_OK);
    CHECK(lscoap_device_deadline(&s.device) == s.w.now_ms);
    CHECK_STATUS(site_request(&s, &get), LSCOAP_ERR_STATE);
    CHECK_STATUS(site_request(&s, &other), LSCOAP_ERR_STATE);
    CHECK_STATUS(site_request(&s, NULL), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &other), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &get), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_ERR_CANCELLED);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);
    CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &get), LSCOAP_ERR_STATE);

    /* With a session there is nothing to restore, and what was stored is said once. */
    blob_len = site_connect(t, &s, blob);
    CHECK_STATUS(lscoap_device_restore(&s.device, blob, blob_len), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_stored(&s.device, 0), LSCOAP_ERR_STATE);

    /* After a restart: a whole blob, before any request. */
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &s.config), LSCOAP_OK);
    for (size_t len = 0; len < blob_len; len++) {
        CHECK_STATUS(lscoap_device_restore(&s.device, blob, len), LSCOAP_ERR_MALFORMED);
    }
    CHECK(lscoap_device_session(&s.device) == NULL);
    CHECK_STATUS(site_request(&s, &get), LSCOAP_OK);
    CHECK_STATUS(lscoap_device_restore(&s.device, blob, blob_len), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_cancel(&s.device, s.w.now_ms, &get), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_ERR_CANCELLED);
    CHECK_STATUS(lscoap_device_restore(&s.device, blob, blob_len), LSCOAP_OK);
    CHECK(lscoap_device_session(&s.device) != NULL);

    /* Nothing is sealed before its number is stored. */
    CHECK_STATUS(site_request(&s, &get), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_STORE);
    CHECK_STATUS(site_poll(&s), LSCOAP_STORE); /* until it is said */
    CHECK_STATUS(lscoap_device_stored(&s.device, 1), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_ERR_STORAGE);
    CHECK_STATUS(site_request(&s, &get), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_STORE);
    CHECK_STATUS(lscoap_device_stored(&s.device, 0), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    site_answer(t, &s);
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_DONE);

    /* A device that stores nothing. */
    config = s.config;
    config.store_block = 0;
    CHECK_STATUS(lscoap_device_init(&s.device, &s.w.device_platform, &config), LSCOAP_OK);
    CHECK_STATUS(lscoap_device_suspend(&s.device), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_restore(&s.device, blob, blob_len), LSCOAP_ERR_STATE);
    site_wipe(&s);
}

/* A device whose callbacks try everything with it, and how often they ran. */
struct trying {
    struct check *t;
    struct site *s;
    lscoap_platform platform;
    unsigned taken, read, drawn;
};

static void try_all(struct trying *trying) {
    struct check *t = trying->t;
    struct site *s = trying->s;
    lscoap_device *device = &s->device;
    uint8_t datagram[ROOM] = {0x40};
    const uint8_t *bytes;
    size_t len;

    CHECK_STATUS(lscoap_device_init(device, &trying->platform, &s->config), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_restore(device, datagram, 4), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_request(device, 0, NULL), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_cancel(device, 0, &get), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_receive(device, 0, datagram, sizeof datagram), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_poll(device, 0, &bytes, &len), LSCOAP_ERR_STATE);
    CHECK(lscoap_device_deadline(device) == UINT64_MAX);
    CHECK_STATUS(lscoap_device_stored(device, 0), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_suspend(device), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_device_moved(device, 0), LSCOAP_ERR_STATE);
    CHECK(lscoap_device_code(device) == 0);
    CHECK(lscoap_device_session(device) == NULL);
    lscoap_device_wipe(device);
}

static int take_and_try(void *context, const lscoap_piece *piece) {
    struct trying *trying = context;
    struct check *t = trying->t;
    trying->taken++;
    CHECK(piece->code == 0x45 && piece->payload_len == 5);
    try_all(trying);
    return 0;
}

static int read_and_try(void *context, size_t offset, uint8_t *out, size_t len) {
    struct trying *trying = context;
    trying->read++;
    memset(out, (int)offset, len);
    try_all(trying);
    return 0;
}

static int draw_and_try(void *context, uint8_t *out, size_t len) {
    struct trying *trying = context;
    const lscoap_platform *platform = &trying->s->w.device_platform;
    trying->drawn++;
    try_all(trying);
    return platform->random(platform->context, out, len);
}

/* A callback gets nowhere with the device that runs it, which goes on. */
void case_device_callbacks(struct check *t) {
    struct site s;
    struct trying trying = {t, &s, {0}, 0, 0, 0};
    lscoap_request post = {.path = "/index", .code = 2, .payload_len = 4, .context = &trying};

    site_init(t, &s);
    s.config.store_block = 0;
    post.read = read_and_try;
    post.take = take_and_try;
    trying.platform = s.w.device_platform;
    trying.platform.random = draw_and_try;
    trying.platform.context = &trying;
    CHECK_STATUS(lscoap_device_init(&s.device, &trying.platform, &s.config), LSCOAP_OK);
    CHECK_STATUS(site_request(&s, &post), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    site_answer_handshake(t, &s);
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    site_answer(t, &s);
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK(trying.taken == 1 && trying.read > 0 && trying.drawn > 0);
    CHECK_STATUS(site_poll(&s), LSCOAP_DONE);
    CHECK(lscoap_device_code(&s.device) == 0x45 && lscoap_device_session(&s.device) != NULL);
    site_wipe(&s);
}

/* A member of a group has the device connect and ask; one that is not to ask has it do nothing. */
void case_device_members(struct check *t) {
    struct site s;
    lscoap_member members[2];
    lscoap_device none = {{0}};

    memset(members, 0, sizeof members);
    site_init(t, &s);
    CHECK_STATUS(lscoap_device_set_members(NULL, members, 2, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_set_members(&s.device, NULL, 2, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_device_set_members(&none, members, 2, 1), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_device_set_members(&s.device, members, 2, 1), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);
    CHECK(lscoap_device_deadline(&s.device) == UINT64_MAX);

    CHECK_STATUS(lscoap_member_init(&members[1], NULL, NULL), LSCOAP_OK);
    s.w.now_ms += 1;
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    site_answer_handshake(t, &s);
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_SEND);
    CHECK(lscoap_member_ask_due(&members[1]) == s.w.now_ms + 60000);
    /* The server has no group: whatever it answers, it is asked again a minute later. */
    site_answer(t, &s);
    CHECK_STATUS(site_receive(&s), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_STORE);
    CHECK_STATUS(lscoap_device_stored(&s.device, 0), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);
    CHECK(lscoap_device_deadline(&s.device) - s.w.now_ms - 60000 <= 1);

    lscoap_member_wake(NULL);
    lscoap_member_wake(&members[0]);
    CHECK(lscoap_member_ask_due(&members[0]) == UINT64_MAX);
    CHECK_STATUS(lscoap_device_set_members(&s.device, NULL, 0, 0), LSCOAP_OK);
    CHECK_STATUS(site_poll(&s), LSCOAP_OK);
    CHECK(lscoap_device_deadline(&s.device) == UINT64_MAX);
    site_wipe(&s);
}
