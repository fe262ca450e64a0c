/* The platform's callbacks: failing, repeating, and never failing by chance. */
#include "support.h"
#include <string.h>

/* Every draw fails once: the call says so, changes nothing, and works when repeated. */
void case_random_fails(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out;
        lscoap_session session = {{0}};
        lscoap_status status;
        world_init(t, &w, profile);
        w.device_source.fails_at = 1;
        CHECK_STATUS(client_step(t, &w, NULL, &out), LSCOAP_ERR_RANDOM);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
        status = client_step(t, &w, NULL, &query);
        for (unsigned draw = 1; draw <= 2; draw++) { /* key pair, connection id */
            lscoap_slot before[SLOTS];
            memcpy(before, w.slots, sizeof before);
            w.server_source.calls = 0;
            w.server_source.fails_at = draw;
            CHECK_STATUS(server_step(t, &w, &query, &out), LSCOAP_ERR_RANDOM);
            CHECK(differences(w.slots, before, sizeof before) == 0);
        }
        w.server_source.fails_at = 0;
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            status = client_step(t, &w, &answer, &query);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK(w.device_source.calls == 2 && w.server_source.calls >= 4);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

/* A source that gives one value for ever: keys still differ between handshakes of one object. */
void case_random_repeats(struct check *t) {
    struct world w;
    struct message m1[3], m2[3], out;
    world_init(t, &w, LSCOAP_SIGNED);
    w.device_source.constant = true;
    w.server_source.constant = true;
    w.server_platform.unique = NULL;
    CHECK_STATUS(
        lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
        LSCOAP_OK);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(client_step(t, &w, NULL, &m1[i]), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &m1[i], &m2[i]), LSCOAP_SEND);
        CHECK_STATUS(client_step(t, &w, &m2[i], &out), LSCOAP_SEND);
        CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
        for (size_t j = 0; j < i; j++) {
            CHECK(memcmp(m1[i].bytes, m1[j].bytes, m1[i].len) != 0);
            CHECK(memcmp(m2[i].bytes + 3, m2[j].bytes + 3, 32) != 0);
        }
    }
    world_wipe(&w);
}

/* After a reboot with the same broken source, the platform's own number makes the difference. */
void case_unique_value(struct check *t) {
    struct message m1[3];
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        lscoap_client_config config = device_config("sensor-7", LSCOAP_SIGNED);
        world_init(t, &w, LSCOAP_SIGNED);
        w.device_source.constant = true;
        w.device_source.unique_calls = i == 2 ? 1000 : 0; /* two boots alike, one later */
        w.device_platform.unique = source_unique;
        world_device(t, &w, &config);
        CHECK_STATUS(client_step(t, &w, NULL, &m1[i]), LSCOAP_SEND);
        CHECK(w.device_source.unique_calls == (i == 2 ? 1001 : 1));
        world_wipe(&w);
    }
    CHECK(memcmp(m1[0].bytes, m1[1].bytes, m1[0].len) == 0);
    CHECK(memcmp(m1[0].bytes, m1[2].bytes, m1[0].len) != 0);
}
