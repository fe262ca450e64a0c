#include "support.h"
#include <stdlib.h>
#include <string.h>

#if defined(__has_include) && !defined(__cppcheck__)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define DEFINED(memory, len) (void)VALGRIND_MAKE_MEM_DEFINED(memory, len)
#endif
#endif
#ifndef DEFINED
#define DEFINED(memory, len) (void)0
#endif

/* The identities of the protocol's test vectors. */
const uint8_t device_secret[LSCOAP_SECRET_KEY_LEN] = {
    0xb8, 0x90, 0xb1, 0x50, 0xf0, 0xd9, 0x67, 0x23, 0xbf, 0xb2, 0x39, 0x59, 0x9c, 0x55, 0x34, 0xbe,
    0x9a, 0x84, 0xb6, 0x13, 0x87, 0x20, 0x40, 0xeb, 0xe0, 0x0e, 0xf3, 0x95, 0x25, 0xa7, 0x79, 0x47};
const uint8_t device_key[LSCOAP_PUBLIC_KEY_LEN] = {
    0x02, 0x43, 0x07, 0x07, 0xef, 0xdf, 0x2c, 0x3d, 0xd7, 0xea, 0xe5,
    0x38, 0x8a, 0x5c, 0xdf, 0xdf, 0x96, 0x5c, 0x45, 0x72, 0x7d, 0xf9,
    0x14, 0xd5, 0x45, 0xa0, 0x2a, 0x1d, 0x58, 0x9a, 0x15, 0x24, 0x8d};
const uint8_t server_secret[LSCOAP_SECRET_KEY_LEN] = {
    0x5d, 0x8e, 0xe1, 0x5a, 0x3a, 0x49, 0xc9, 0xc3, 0x74, 0x72, 0x08, 0x2f, 0x68, 0xc7, 0x2d, 0x38,
    0x2c, 0x75, 0xca, 0x97, 0x8f, 0x4b, 0xba, 0x59, 0xb6, 0x0b, 0x6d, 0x01, 0x23, 0x50, 0x92, 0x45};
const uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN] = {
    0x02, 0xca, 0xbb, 0x5e, 0x8f, 0xf9, 0x70, 0xb3, 0xb2, 0xa9, 0x96,
    0x0a, 0x84, 0xb5, 0x4a, 0x45, 0xa3, 0x0e, 0xad, 0x6b, 0x79, 0xc1,
    0x15, 0x71, 0x1b, 0x71, 0xbd, 0x27, 0x6a, 0x41, 0xdc, 0x8a, 0xa8};

int source_random(void *context, uint8_t *out, size_t len) {
    struct source *source = context;
    if (++source->calls == source->fails_at) {
        memset(out, 0x77, len);
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        source->state = source->state * 6364136223846793005u + 1442695040888963407u;
        out[i] = source->constant ? 0x11 : (uint8_t)(source->state >> 56);
    }
    return 0;
}

uint64_t source_unique(void *context) {
    struct source *source = context;
    source->unique_calls++;
    return source->unique_calls;
}

int directory_find(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    struct directory *directory = context;
    directory->calls++;
    directory->last_id_len = id_len;
    memcpy(directory->last_id, id, id_len);
    memcpy(public_key, directory->key, LSCOAP_PUBLIC_KEY_LEN); /* also where it refuses */
    return id_len >= 7 && memcmp(id, "sensor-", 7) == 0 ? 0 : -1;
}

lscoap_client_config device_config(const char *id, int32_t profile) {
    lscoap_client_config config;
    memset(&config, 0, sizeof config);
    config.device_id = (const uint8_t *)id;
    config.device_id_len = strlen(id);
    config.identity = device_secret;
    config.server_key = server_key;
    config.profile = profile;
    return config;
}

void world_init(struct check *t, struct world *w, int32_t profile) {
    lscoap_client_config config = device_config("sensor-7", profile);
    memset(w, 0, sizeof *w);
    w->device_source.state = 1;
    w->server_source.state = 2;
    w->now_ms = 1000000;
    memcpy(w->directory.key, device_key, sizeof device_key);
    w->device_platform.context = &w->device_source;
    w->device_platform.random = source_random;
    w->server_platform.context = &w->server_source;
    w->server_platform.random = source_random;
    w->server_platform.unique = source_unique;
    w->server_config.identity = server_secret;
    w->server_config.find_device = directory_find;
    w->server_config.retry_rate = UINT32_MAX; /* the tests' clock stands still */
    w->server_config.find_device_context = &w->directory;
    CHECK_STATUS(
        lscoap_server_init(&w->server, &w->server_platform, &w->server_config, w->slots, SLOTS),
        LSCOAP_OK);
    world_device(t, w, &config);
}

void world_device(struct check *t, struct world *w, const lscoap_client_config *config) {
    CHECK_STATUS(lscoap_client_init(&w->client, &w->device_platform, config), LSCOAP_OK);
}

void world_wipe(struct world *w) {
    lscoap_client_wipe(&w->client);
    lscoap_server_wipe(&w->server);
}

static void check_step(struct check *t, lscoap_status status, struct message *out,
                       const uint8_t *buffer, size_t len) {
    if (status < 0) {
        CHECK_FILLED(buffer, CANARY, LSCOAP_MESSAGE_MAX);
        CHECK(len == 12345);
        out->len = 0;
    } else {
        CHECK(len <= LSCOAP_MESSAGE_MAX);
        memcpy(out->bytes, buffer, len);
        out->len = len;
    }
}

lscoap_status client_step(struct check *t, struct world *w, const struct message *in,
                          struct message *out) {
    uint8_t buffer[LSCOAP_MESSAGE_MAX];
    size_t len = 12345;
    memset(buffer, CANARY, sizeof buffer);
    lscoap_status status = lscoap_client_step(&w->client, in == NULL ? NULL : in->bytes,
                                              in == NULL ? 0 : in->len, BYTES(buffer), &len);
    check_step(t, status, out, buffer, len);
    return status;
}

lscoap_status server_step(struct check *t, struct world *w, const struct message *in,
                          struct message *out) {
    uint8_t buffer[LSCOAP_MESSAGE_MAX];
    size_t len = 12345;
    memset(buffer, CANARY, sizeof buffer);
    lscoap_status status = step_bytes(&w->server, (const uint8_t *)"peer", 4, NULL, 0, w->now_ms,
                                      in->bytes, in->len, BYTES(buffer), &len);
    check_step(t, status, out, buffer, len);
    return status;
}

bool is_answer(lscoap_status status, const struct message *answer) {
    return status == LSCOAP_SEND ||
           (status == LSCOAP_REFUSED && answer->len == 17 && answer->bytes[0] == 0x19);
}

lscoap_status step_bytes(lscoap_server *server, const uint8_t *peer, size_t peer_len,
                         const uint8_t *source, size_t source_len, uint64_t now_ms,
                         const uint8_t *input, size_t input_len, uint8_t *out, size_t out_cap,
                         size_t *out_len) {
    lscoap_sender from = {peer, peer_len, source, source_len};
    lscoap_io io = {input, input_len, out, out_cap, *out_len, now_ms, NULL, 0};
    lscoap_status status = lscoap_server_step(server, &from, &io, NULL);
    *out_len = io.out_len;
    return status;
}

lscoap_status seal_request_bytes(lscoap_session *session, const uint8_t *aad, size_t aad_len,
                                 const uint8_t *input, size_t input_len, uint8_t *out,
                                 size_t out_cap, size_t *out_len, lscoap_exchange *exchange) {
    lscoap_io io = {input, input_len, out, out_cap, 0, 0, aad, aad_len};
    lscoap_status status = lscoap_seal_request(session, &io, exchange);
    *out_len = io.out_len;
    return status;
}

lscoap_status server_open_bytes(lscoap_server *server, uint64_t now_ms, const uint8_t *aad,
                                size_t aad_len, const uint8_t *input, size_t input_len,
                                uint8_t *out, size_t out_cap, size_t *out_len,
                                lscoap_session **session, lscoap_exchange *exchange) {
    lscoap_io io = {input, input_len, out, out_cap, 0, now_ms, aad, aad_len};
    lscoap_status status = lscoap_server_open_request(server, &io, session, exchange);
    *out_len = io.out_len;
    return status;
}

bool connect(struct check *t, struct world *w, lscoap_session *session) {
    struct message query, answer;
    lscoap_status status = client_step(t, w, NULL, &query);
    while (status == LSCOAP_SEND) {
        lscoap_status answered = server_step(t, w, &query, &answer);
        if (!CHECK(is_answer(answered, &answer))) {
            return false;
        }
        status = client_step(t, w, &answer, &query);
    }
    return CHECK_STATUS(status, LSCOAP_READY) &&
           CHECK_STATUS(lscoap_client_finish(&w->client, session), LSCOAP_OK);
}

lscoap_session *confirm(struct check *t, struct world *w, lscoap_session *session) {
    uint8_t object[64], plain[64];
    size_t object_len, plain_len;
    lscoap_exchange ours, theirs;
    lscoap_session *found = NULL;
    CHECK_STATUS(seal_request_bytes(session, AAD, (const uint8_t *)PLAIN, PLAIN_LEN, BYTES(object),
                                    &object_len, &ours),
                 LSCOAP_OK);
    if (CHECK_STATUS(server_open_bytes(&w->server, w->now_ms, AAD, object, object_len, BYTES(plain),
                                       &plain_len, &found, &theirs),
                     LSCOAP_OK)) {
        CHECK(plain_len == PLAIN_LEN);
        CHECK_BYTES(plain, PLAIN, PLAIN_LEN);
    }
    return found;
}

lscoap_session *establish(struct check *t, struct world *w, lscoap_session *session) {
    return connect(t, w, session) ? confirm(t, w, session) : NULL;
}

lscoap_status try_request(struct check *t, struct world *w, lscoap_session *session) {
    uint8_t object[64], plain[64];
    size_t object_len, plain_len;
    lscoap_exchange ours, theirs;
    lscoap_session *found;
    CHECK_STATUS(seal_request_bytes(session, AAD, (const uint8_t *)PLAIN, PLAIN_LEN, BYTES(object),
                                    &object_len, &ours),
                 LSCOAP_OK);
    return server_open_bytes(&w->server, w->now_ms, AAD, object, object_len, BYTES(plain),
                             &plain_len, &found, &theirs);
}

size_t stride(void) {
    const char *text = getenv("LSCOAP_TEST_STRIDE");
    return text == NULL ? 1 : (size_t)strtoul(text, NULL, 10);
}

uint8_t *peek(const void *object, size_t len) {
    uint8_t *copy = malloc(len);
    memcpy(copy, object, len);
    DEFINED(copy, len);
    return copy;
}

static bool is_within(const uint8_t *part, size_t part_len, const uint8_t *memory, size_t len) {
    for (size_t at = 0; at + part_len <= len; at++) {
        if (memcmp(memory + at, part, part_len) == 0) {
            return true;
        }
    }
    return false;
}

bool contains(const void *object, size_t len, const void *part, size_t part_len) {
    uint8_t *memory = peek(object, len);
    bool found = is_within(part, part_len, memory, len);
    free(memory);
    return found;
}

bool has_residue(const void *object, const void *before, size_t len) {
    uint8_t *memory = peek(object, len), *old = peek(before, len);
    bool found = false;
    for (size_t at = 0; at + 16 <= len && !found; at++) {
        found = memchr(old + at, 0, 16) == NULL && is_within(old + at, 16, memory, len);
    }
    free(memory);
    free(old);
    return found;
}

size_t differences(const void *a, const void *b, size_t len) {
    uint8_t *left = peek(a, len), *right = peek(b, len);
    size_t count = 0;
    for (size_t at = 0; at < len; at++) {
        count += left[at] != right[at];
    }
    free(left);
    free(right);
    return count;
}
