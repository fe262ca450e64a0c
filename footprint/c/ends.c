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
uint8_t server_secret[LSCOAP_SECRET_KEY_LEN];
uint32_t random_state;

int ends_random(void *context, uint8_t *out, size_t len) {
    (void)context;
    for (size_t i = 0; i < len; i++) {
        random_state = random_state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(random_state >> 24);
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

/* Storage for one resume record. */
static uint8_t stored[LSCOAP_RESUME_RECORD_MAX], stored_cid[LSCOAP_CID_MAX];
static size_t stored_len, stored_cid_len;

static int load_resume(void *context, const uint8_t *cid, size_t cid_len, uint8_t *record,
                       size_t *record_len) {
    (void)context;
    if (stored_len == 0 || cid_len != stored_cid_len || memcmp(cid, stored_cid, cid_len) != 0) {
        return -1;
    }
    memcpy(record, stored, stored_len);
    *record_len = stored_len;
    return 0;
}

static int save_resume(void *context, const uint8_t *device_id, size_t device_id_len,
                       const uint8_t *cid, size_t cid_len, const uint8_t *record,
                       size_t record_len) {
    (void)context;
    (void)device_id;
    (void)device_id_len;
    if (record != NULL) {
        memcpy(stored, record, record_len);
    }
    memcpy(stored_cid, cid, cid_len);
    stored_len = record_len;
    stored_cid_len = cid_len;
    return 0;
}

static const lscoap_platform platform = {.random = ends_random};

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

int32_t ends_server_init_stored(void) {
    const lscoap_server_config config = {.identity = server_secret,
                                         .find_device = find_device,
                                         .load_resume = load_resume,
                                         .save_resume = save_resume};
    return lscoap_server_init(&server, &platform, &config, slots, SLOTS);
}

void ends_init(void) {
    random_state = 1;
    stored_len = 0;
    ends_random(NULL, device_secret, sizeof device_secret);
    ends_random(NULL, server_secret, sizeof server_secret);
    must("device key", lscoap_public_key(device_secret, device_key));
    must("server key", lscoap_public_key(server_secret, server_key));
}
