#include "ends.h"
#include "probe.h"
#include <string.h>

#define SLOTS 2

lscoap_client client;
lscoap_session device_session;
lscoap_session *server_session;
lscoap_server server;
uint8_t device_secret[LSCOAP_SECRET_KEY_LEN];
uint8_t device_key[LSCOAP_PUBLIC_KEY_LEN];
uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
int32_t profile;

static lscoap_slot slots[SLOTS];
static uint8_t server_secret[LSCOAP_SECRET_KEY_LEN];

/* Bytes that differ, and are the same in every run. */
static int random_bytes(void *context, uint8_t *out, size_t len) {
    static uint32_t state = 1;
    (void)context;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(state >> 24);
    }
    return 0;
}

static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    (void)context;
    (void)id;
    (void)id_len;
    memcpy(public_key, device_key, sizeof device_key);
    return 0;
}

static const lscoap_platform platform = {.random = random_bytes};

int32_t ends_client_init(void) {
    const lscoap_client_config config = {.device_id = (const uint8_t *)"sensor-7",
                                         .device_id_len = 8,
                                         .identity = device_secret,
                                         .server_key = server_key,
                                         .profile = profile};
    return lscoap_client_init(&client, &platform, &config);
}

int32_t ends_server_init(void) {
    const lscoap_server_config config = {.identity = server_secret, .find_device = find_device};
    return lscoap_server_init(&server, &platform, &config, slots, SLOTS);
}

void ends_init(void) {
    random_bytes(NULL, device_secret, sizeof device_secret);
    random_bytes(NULL, server_secret, sizeof server_secret);
    must("device key", lscoap_public_key(device_secret, device_key));
    must("server key", lscoap_public_key(server_secret, server_key));
}
