#include "world.h"
#include <stddef.h>
#include <string.h>

struct world world;
static struct world saved;

static int random_bytes(void *context, uint8_t *out, size_t len) {
    uint64_t *state = context;
    if (world.random_fails) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(*state >> 56);
    }
    return 0;
}

/* Knows the ids that begin with "sensor-", all with one key. */
static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    (void)context;
    memcpy(public_key, identity.device_key, sizeof identity.device_key);
    return id_len == sizeof DEVICE_ID - 1 && memcmp(id, DEVICE_ID, id_len - 1) == 0 ? 0 : -1;
}

void world_init(int32_t profile) {
    const lscoap_platform platform = {.context = &world.server_random, .random = random_bytes};
    const lscoap_server_config config = {
        .identity = identity.server_secret, .find_device = find_device, .retry_rate = UINT32_MAX};
    memset(&world, 0, sizeof world);
    world.device_random = 1;
    world.server_random = 2;
    world.now_ms = 1000000;
    CHECK_STATUS(lscoap_server_init(&world.server, &platform, &config, world.slots, SLOTS),
                 LSCOAP_OK);
    world_device(DEVICE_ID, profile, identity.server_key);
}

void world_device(const char *id, int32_t profile, const uint8_t *server_key) {
    const lscoap_platform platform = {.context = &world.device_random, .random = random_bytes};
    const lscoap_client_config config = {.device_id = (const uint8_t *)id,
                                         .device_id_len = strlen(id),
                                         .identity = identity.device_secret,
                                         .server_key = server_key,
                                         .profile = profile};
    CHECK_STATUS(lscoap_client_init(&world.client, &platform, &config), LSCOAP_OK);
}

void world_wipe(void) {
    lscoap_client_wipe(&world.client);
    lscoap_session_wipe(&world.session);
    lscoap_server_wipe(&world.server);
}

void world_save(void) {
    memcpy(&saved, &world, sizeof world);
}

void world_restore(void) {
    memcpy(&world, &saved, sizeof world);
}

bool world_is_as_saved(void) {
    const size_t at = offsetof(struct world, server);
    const size_t after = at + sizeof world.server;
    const uint8_t *now = (const uint8_t *)&world, *then = (const uint8_t *)&saved;
    lscoap_stats stats, stats_then;
    /* The server counts what it refuses. */
    return memcmp(now, then, at) == 0 &&
           memcmp(now + after, then + after, sizeof world - after) == 0 &&
           lscoap_server_stats(&world.server, &stats) == LSCOAP_OK &&
           lscoap_server_stats(&saved.server, &stats_then) == LSCOAP_OK &&
           stats.half_open == stats_then.half_open && stats.unconfirmed == stats_then.unconfirmed &&
           stats.confirmed_now == stats_then.confirmed_now;
}

bool equal(const struct message *a, const struct message *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void prepare(struct message *out) {
    memset(out, CANARY, sizeof *out);
}

static void check_output(lscoap_status status, struct message *out) {
    if (status >= 0) {
        CHECK(out->len <= sizeof out->bytes);
    } else {
        struct message untouched;
        prepare(&untouched);
        CHECK(memcmp(out, &untouched, sizeof untouched) == 0);
        out->len = 0;
    }
}

lscoap_status client_step(const struct message *in, struct message *out) {
    prepare(out);
    const lscoap_status status =
        lscoap_client_step(&world.client, in == NULL ? NULL : in->bytes, in == NULL ? 0 : in->len,
                           BYTES(out->bytes), &out->len);
    check_output(status, out);
    return status;
}

lscoap_status server_step(const struct message *in, struct message *out) {
    prepare(out);
    const lscoap_sender from = {.peer = (const uint8_t *)"peer", .peer_len = 4};
    lscoap_io io = {.input = in->bytes,
                    .input_len = in->len,
                    .out = out->bytes,
                    .out_cap = sizeof out->bytes,
                    .out_len = out->len,
                    .now_ms = world.now_ms};
    const lscoap_status status = lscoap_server_step(&world.server, &from, &io, NULL);
    out->len = io.out_len;
    check_output(status, out);
    return status;
}

void check_refused(const struct message *in, uint8_t alert, lscoap_status reported) {
    struct message answer, out;
    CHECK_STATUS(server_step(in, &answer), LSCOAP_REFUSED);
    CHECK(answer.len == 2 && answer.bytes[0] == 0x1f && answer.bytes[1] == alert);
    CHECK_STATUS(client_step(&answer, &out), reported);
}

bool handshake(void (*each)(const struct message *message)) {
    struct message query, answer;
    lscoap_status status = client_step(NULL, &query);
    while (status == LSCOAP_SEND) {
        if (!CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND)) {
            return false;
        }
        if (each != NULL) {
            each(&query);
            each(&answer);
        }
        status = client_step(&answer, &query);
    }
    return CHECK_STATUS(status, LSCOAP_READY) &&
           CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_OK);
}
