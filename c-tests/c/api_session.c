/* What a session tells about itself. */
#include "support.h"
#include <string.h>

static void export(struct check *t, const lscoap_session *session, const char *label,
                   const char *context, uint8_t out[32]) {
    CHECK_STATUS(lscoap_session_export_key(session, (const uint8_t *)label, strlen(label),
                                           (const uint8_t *)context, strlen(context), out, 32),
                 LSCOAP_OK);
}

/* Exported keys agree at both ends, and are different for everything that is different. */
void case_exported_keys(struct check *t) {
    enum { N = 7 };
    static const char *const names[N][2] = {{"", ""},    {"a", ""},   {"", "a"}, {"ab", "c"},
                                            {"a", "bc"}, {"abc", ""}, {"A", ""}};
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session first = {{0}}, second = {{0}};
        uint8_t keys[2 * N][32], other[32], longer[64];
        world_init(t, &w, profile);
        lscoap_session *server_session = establish(t, &w, &first);
        for (size_t i = 0; i < N; i++) {
            export(t, &first, names[i][0], names[i][1], keys[i]);
            export(t, server_session, names[i][0], names[i][1], other);
            CHECK_BYTES(keys[i], other, 32);
        }
        CHECK_STATUS(lscoap_session_export_key(&first, NULL, 0, NULL, 0, BYTES(longer)), LSCOAP_OK);
        CHECK_BYTES(longer, keys[0], 32); /* a longer key begins with the shorter one */
        establish(t, &w, &second);
        for (size_t i = 0; i < N; i++) {
            export(t, &second, names[i][0], names[i][1], keys[N + i]);
        }
        for (size_t i = 0; i < (size_t)2 * N; i++) {
            for (size_t j = 0; j < i; j++) {
                CHECK(memcmp(keys[i], keys[j], 32) != 0);
            }
        }
        world_wipe(&w);
    }
}

void case_fingerprints(struct check *t) {
    enum { N = 6 };
    struct world w;
    uint8_t prints[N][LSCOAP_FINGERPRINT_LEN], other[LSCOAP_FINGERPRINT_LEN + 2];
    world_init(t, &w, LSCOAP_SIGNED);
    for (size_t i = 0; i < N; i++) {
        lscoap_session session = {{0}};
        lscoap_client_config config =
            device_config("sensor-7", i % 2 == 0 ? LSCOAP_SIGNED : LSCOAP_EXPRESS);
        world_device(t, &w, &config);
        lscoap_session *server_session = establish(t, &w, &session);
        memset(other, CANARY, sizeof other);
        CHECK_STATUS(lscoap_session_fingerprint(&session, prints[i]), LSCOAP_OK);
        CHECK_STATUS(lscoap_session_fingerprint(server_session, other + 1), LSCOAP_OK);
        CHECK_BYTES(prints[i], other + 1, LSCOAP_FINGERPRINT_LEN);
        CHECK(other[0] == CANARY && other[LSCOAP_FINGERPRINT_LEN + 1] == CANARY);
        for (size_t j = 0; j < i; j++) {
            CHECK(memcmp(prints[i], prints[j], LSCOAP_FINGERPRINT_LEN) != 0);
        }
        lscoap_session_wipe(&session);
    }
    world_wipe(&w);
}

/* A fingerprint goes into logs, so no key that an application can ask for begins with it. */
void case_fingerprint_is_no_key(struct check *t) {
    struct world w;
    lscoap_session session = {{0}};
    uint8_t print[LSCOAP_FINGERPRINT_LEN], key[32];
    world_init(t, &w, LSCOAP_EXPRESS);
    connect(t, &w, &session);
    CHECK_STATUS(lscoap_session_fingerprint(&session, print), LSCOAP_OK);
    lscoap_status status = lscoap_session_export_key(&session, (const uint8_t *)"fingerprint", 11,
                                                     NULL, 0, BYTES(key));
    CHECK(status != LSCOAP_OK || memcmp(print, key, sizeof print) != 0);
    world_wipe(&w);
}
