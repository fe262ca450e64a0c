#include "hardware.h"
#include "mock_aes.h"
#include <string.h>

int hardware_aes128(void *context, const uint8_t *key, uint8_t *block) {
    struct hardware *hardware = context;
    if (++hardware->encryptions == hardware->fails_at) {
        memset(block, 0xee, 16);
        return -1;
    }
    mock_aes128(key, block);
    return 0;
}

static int element(struct hardware *hardware, uint8_t *out, size_t len) {
    hardware->element_calls++;
    memset(out, 0x11, len);
    return hardware->element_lies ? 0 : -1;
}

int hardware_sign(void *context, const uint8_t *digest, uint8_t *signature) {
    (void)digest;
    return element(context, signature, LSCOAP_SIGNATURE_LEN);
}

int hardware_ecdh(void *context, const uint8_t *peer, uint8_t *shared) {
    (void)peer;
    return element(context, shared, 32);
}

static void init_server(struct check *t, struct world *w) {
    CHECK_STATUS(
        lscoap_server_init(&w->server, &w->server_platform, &w->server_config, w->slots, SLOTS),
        LSCOAP_OK);
}

void world_equip(struct check *t, struct world *w, int32_t profile, struct equipment *equipment,
                 bool device_has_aes, bool server_has_aes) {
    lscoap_client_config config = device_config("sensor-7", profile);
    world_init(t, w, profile);
    memset(equipment, 0, sizeof *equipment);
    equipment->device.source = w->device_source;
    equipment->server.source = w->server_source;
    w->device_platform.context = &equipment->device;
    w->server_platform.context = &equipment->server;
    w->device_platform.aes128_encrypt = device_has_aes ? hardware_aes128 : NULL;
    w->server_platform.aes128_encrypt = server_has_aes ? hardware_aes128 : NULL;
    init_server(t, w);
    world_device(t, w, &config);
}

void world_element_device(struct check *t, struct world *w, int32_t profile) {
    lscoap_client_config config = device_config("sensor-7", profile);
    config.identity = NULL;
    config.identity_public_key = device_key;
    w->device_platform.sign = hardware_sign;
    w->device_platform.ecdh = hardware_ecdh;
    world_device(t, w, &config);
}

void world_element_server(struct check *t, struct world *w) {
    w->server_config.identity = NULL;
    w->server_config.identity_public_key = server_key;
    w->server_platform.sign = hardware_sign;
    w->server_platform.ecdh = hardware_ecdh;
    init_server(t, w);
}
