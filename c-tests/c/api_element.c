/* An identity in a secure element: which configurations are good, and what a bad element does. What
 * a good one does is in tests/element.rs, which has a curve. */
#include "hardware.h"
#include "support.h"
#include <string.h>

/* Which keys and callbacks belong together. */
void case_element_of_a_client(struct check *t) {
    struct equipment equipment;
    struct world w;
    uint8_t no_point[LSCOAP_PUBLIC_KEY_LEN] = {2};
    no_point[32] = 2;
    world_equip(t, &w, LSCOAP_SIGNED, &equipment, SOFTWARE, SOFTWARE);
    lscoap_client before;
    memcpy(&before, &w.client, sizeof before);
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        lscoap_client_config config = device_config("sensor-7", profile);
        lscoap_platform platform = w.device_platform;
        config.identity = NULL;
        platform.sign = hardware_sign;
        platform.ecdh = hardware_ecdh;
        CHECK_STATUS(lscoap_client_init(&w.client, &platform, &config), LSCOAP_ERR_NULL);
        config.identity_public_key = no_point;
        CHECK_STATUS(lscoap_client_init(&w.client, &platform, &config), LSCOAP_ERR_KEY);
        config.identity_public_key = device_key;
        lscoap_platform lacks = platform;
        *(profile == LSCOAP_SIGNED ? &lacks.sign : &lacks.ecdh) = NULL;
        CHECK_STATUS(lscoap_client_init(&w.client, &lacks, &config), LSCOAP_ERR_NULL);
        CHECK(differences(&w.client, &before, sizeof before) == 0);
        /* The other callback is not needed. */
        lacks = platform;
        *(profile == LSCOAP_SIGNED ? &lacks.ecdh : &lacks.sign) = NULL;
        lscoap_client other = {{0}};
        CHECK_STATUS(lscoap_client_init(&other, &lacks, &config), LSCOAP_OK);
        lscoap_client_wipe(&other);
    }
    world_wipe(&w);
}

void case_element_of_a_server(struct check *t) {
    struct equipment equipment;
    struct world w;
    lscoap_session session = {{0}};
    uint8_t no_point[LSCOAP_PUBLIC_KEY_LEN] = {2}, key[LSCOAP_PUBLIC_KEY_LEN];
    no_point[32] = 2;
    world_equip(t, &w, LSCOAP_EXPRESS, &equipment, SOFTWARE, SOFTWARE);
    CHECK(establish(t, &w, &session) != NULL);
    lscoap_platform platform = w.server_platform;
    lscoap_server_config config = w.server_config;
    config.identity = NULL;
    platform.sign = hardware_sign;
    platform.ecdh = hardware_ecdh;
    CHECK_STATUS(lscoap_server_init(&w.server, &platform, &config, w.slots, SLOTS),
                 LSCOAP_ERR_NULL);
    config.identity_public_key = no_point;
    CHECK_STATUS(lscoap_server_init(&w.server, &platform, &config, w.slots, SLOTS), LSCOAP_ERR_KEY);
    config.identity_public_key = server_key;
    /* Devices choose the profile: the server needs both. */
    lscoap_platform lacks = platform;
    lacks.sign = NULL;
    CHECK_STATUS(lscoap_server_init(&w.server, &lacks, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);
    lacks = platform;
    lacks.ecdh = NULL;
    CHECK_STATUS(lscoap_server_init(&w.server, &lacks, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);

    CHECK_STATUS(lscoap_server_init(&w.server, &platform, &config, w.slots, SLOTS), LSCOAP_OK);
    CHECK_STATUS(lscoap_server_public_key(&w.server, key), LSCOAP_OK);
    CHECK_BYTES(key, server_key, sizeof key);
    world_wipe(&w);
}

/* Where there is a secret too, it is used, and the element is not asked. */
void case_element_beside_a_secret(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct equipment equipment;
        struct world w;
        lscoap_session session = {{0}};
        world_equip(t, &w, profile, &equipment, SOFTWARE, SOFTWARE);
        world_element_server(t, &w);
        w.server_config.identity = server_secret;
        w.server_config.identity_public_key = device_key; /* another's */
        CHECK_STATUS(
            lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
            LSCOAP_OK);
        lscoap_client_config config = device_config("sensor-7", profile);
        config.identity_public_key = server_key; /* another's */
        w.device_platform.sign = hardware_sign;
        w.device_platform.ecdh = hardware_ecdh;
        world_device(t, &w, &config);
        CHECK(establish(t, &w, &session) != NULL);
        CHECK(equipment.device.element_calls == 0 && equipment.server.element_calls == 0);
        world_wipe(&w);
    }
}

/* An element that fails changes nothing. One that gives wrong results is found out by the peer, or
 * by a tag. */
void case_bad_element_of_a_client(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct equipment equipment;
        struct world w;
        struct message first, answer, out;
        world_equip(t, &w, profile, &equipment, SOFTWARE, SOFTWARE);
        world_element_device(t, &w, profile);
        CHECK_STATUS(client_step(t, &w, NULL, &first), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &first, &answer), LSCOAP_SEND);
        lscoap_client before;
        memcpy(&before, &w.client, sizeof before);
        for (unsigned call = 1; call <= 2; call++) {
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_HARDWARE);
            CHECK(equipment.device.element_calls == call);
            CHECK(differences(&w.client, &before, sizeof before) == 0);
        }
        equipment.device.element_lies = true;
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(client_step(t, &w, &answer, &first), LSCOAP_SEND);
            CHECK_STATUS(server_step(t, &w, &first, &answer), LSCOAP_REFUSED);
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_AUTHENTICATION);
        } else {
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_AUTHENTICATION);
            CHECK(differences(&w.client, &before, sizeof before) == 0);
        }
        CHECK(equipment.device.element_calls == 3);
        world_wipe(&w);
    }
}

void case_bad_element_of_a_server(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct equipment equipment;
        struct world w;
        struct message query, answer, out;
        lscoap_slot before[SLOTS];
        world_equip(t, &w, profile, &equipment, SOFTWARE, SOFTWARE);
        world_element_server(t, &w);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_SEND);
            CHECK(equipment.server.element_calls == 0);
            CHECK_STATUS(server_step(t, &w, &query, &out), LSCOAP_ERR_HARDWARE);
            equipment.server.element_calls = 0;
        }
        memcpy(before, w.slots, sizeof before);
        for (unsigned call = 1; call <= 2; call++) {
            CHECK_STATUS(server_step(t, &w, &query, &out), LSCOAP_ERR_HARDWARE);
            CHECK(equipment.server.element_calls == call);
            CHECK(differences(w.slots, before, sizeof before) == 0);
        }
        equipment.server.element_lies = true;
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_AUTHENTICATION);
        } else {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_REFUSED);
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_AUTHENTICATION);
            CHECK(differences(w.slots, before, sizeof before) == 0);
        }
        world_wipe(&w);
    }
}
