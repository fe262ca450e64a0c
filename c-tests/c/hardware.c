#include "hardware.h"
#include "mock_aes.h"
#include <string.h>

int hardware_aes128(void *context, const uint8_t *key, uint8_t *block) {
    struct hardware *hardware = context;
    if (++hardware->encryptions == hardware->fails_at) {
        memset(block, 0xee, 16);
        return hardware->failure;
    }
    mock_aes128(key, block);
    return 0;
}

int hardware_ccm(void *context, int open, const uint8_t *key, const uint8_t *nonce,
                 const uint8_t *aad, size_t aad_len, uint8_t *text, size_t len, uint8_t *tag) {
    struct hardware *hardware = context;
    if (++hardware->encryptions == hardware->fails_at) {
        memset(text, 0xee, len);
        return hardware->failure;
    }
    return mock_ccm(open, key, nonce, aad, aad_len, text, len, tag);
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

static void equip(lscoap_platform *platform, struct hardware *hardware,
                  enum accelerator accelerator) {
    hardware->failure = -1;
    platform->context = hardware;
    platform->aes128_encrypt = accelerator == BLOCKS ? hardware_aes128 : NULL;
    platform->ccm = accelerator == WHOLE_CCM ? hardware_ccm : NULL;
}

void world_equip(struct check *t, struct world *w, int32_t profile, struct equipment *equipment,
                 enum accelerator device, enum accelerator server) {
    lscoap_client_config config = device_config("sensor-7", profile);
    world_init(t, w, profile);
    memset(equipment, 0, sizeof *equipment);
    equipment->device.source = w->device_source;
    equipment->server.source = w->server_source;
    equip(&w->device_platform, &equipment->device, device);
    equip(&w->server_platform, &equipment->server, server);
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
