/* Resumption, and sessions in storage. */
#include "storage.h"
#include <string.h>

/* One round trip: R1, R2. */
static lscoap_status resume(struct check *t, struct world *w, const lscoap_session *old,
                            lscoap_session *session) {
    struct message r1, r2, none;
    CHECK_STATUS(lscoap_client_resume(&w->client, old), LSCOAP_OK);
    CHECK_STATUS(client_step(t, w, NULL, &r1), LSCOAP_SEND);
    CHECK(r1.len == 19 && r1.bytes[0] == 0x17);
    lscoap_status status = server_step(t, w, &r1, &r2);
    if (status == LSCOAP_SEND) {
        CHECK(r2.len == 18 && r2.bytes[0] == 0x18);
        CHECK(lscoap_response_code(r2.bytes, r2.len) == (2 << 5 | 4));
    }
    status = client_step(t, w, &r2, &none);
    return status == LSCOAP_READY ? lscoap_client_finish(&w->client, session) : status;
}

void case_resumption(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session first = {{0}}, second = {{0}};
        world_init(t, &w, profile);
        CHECK(establish(t, &w, &first) != NULL);
        for (int i = 0; i < 5; i++) {
            lscoap_session *old = i % 2 == 0 ? &first : &second;
            lscoap_session *new_one = i % 2 == 0 ? &second : &first;
            CHECK_STATUS(resume(t, &w, old, new_one), LSCOAP_OK);
            CHECK_STATUS(try_request(t, &w, old), LSCOAP_OK); /* both, until the new one is used */
            CHECK_STATUS(try_request(t, &w, new_one), LSCOAP_OK);
            CHECK_STATUS(try_request(t, &w, old), LSCOAP_ERR_UNKNOWN_SESSION);
        }
        world_wipe(&w);
    }
}

void case_resumption_after_a_restart(struct check *t) {
    struct world w;
    static struct storage storage;
    lscoap_session session = {{0}}, resumed = {{0}};
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_SIGNED);
    storage_restart_server(t, &w, &storage);
    CHECK(connect(t, &w, &session));
    CHECK(storage.record_len == 0); /* it is not confirmed yet */
    CHECK(confirm(t, &w, &session) != NULL);
    CHECK(storage.record_len > 0);
    storage_restart_server(t, &w, &storage);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(resume(t, &w, &session, &resumed), LSCOAP_OK);
    CHECK_STATUS(try_request(t, &w, &resumed), LSCOAP_OK);
    CHECK_STATUS(resume(t, &w, &session, &resumed), LSCOAP_ALERT_UNKNOWN_SESSION);

    storage.broken = true;
    CHECK_STATUS(resume(t, &w, &resumed, &session), LSCOAP_ALERT_BUSY);
    storage.broken = false;
    CHECK_STATUS(resume(t, &w, &resumed, &session), LSCOAP_OK);
    world_wipe(&w);
}

void case_resumption_ends(struct check *t) {
    struct world w;
    static struct storage storage;
    lscoap_session session = {{0}}, resumed = {{0}};
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_SIGNED);
    storage_restart_server(t, &w, &storage);
    const uint8_t *id = (const uint8_t *)"sensor-7";

    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(lscoap_server_forget(&w.server, id, 8), LSCOAP_OK);
    CHECK(storage.record_len == 0);
    CHECK_STATUS(resume(t, &w, &session, &resumed), LSCOAP_ALERT_UNKNOWN_SESSION);
    lscoap_client_restart(&w.client);

    CHECK(establish(t, &w, &session) != NULL);
    w.directory.key[1] ^= 1; /* another key for the device */
    CHECK_STATUS(resume(t, &w, &session, &resumed), LSCOAP_ALERT_UNKNOWN_SESSION);
    w.directory.key[1] ^= 1;
    CHECK_STATUS(resume(t, &w, &session, &resumed), LSCOAP_OK);
    lscoap_client_restart(&w.client);

    static const int32_t limits[] = {1, 2, -1, INT32_MIN};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        w.server_config.resume_limit = limits[i];
        storage_restart_server(t, &w, &storage);
        lscoap_client_restart(&w.client);
        CHECK(establish(t, &w, &session) != NULL);
        lscoap_session *current = &session, *next = &resumed;
        for (int32_t n = 0; n < limits[i]; n++) {
            CHECK_STATUS(resume(t, &w, current, next), LSCOAP_OK);
            CHECK_STATUS(try_request(t, &w, next), LSCOAP_OK);
            lscoap_session *old = current;
            current = next;
            next = old;
        }
        CHECK_STATUS(resume(t, &w, current, next), LSCOAP_ALERT_UNKNOWN_SESSION);
    }
    world_wipe(&w);
}

void case_resumption_is_this_clients(struct check *t) {
    struct world w;
    lscoap_session session = {{0}}, empty = {{0}};
    world_init(t, &w, LSCOAP_EXPRESS);
    lscoap_session *servers = establish(t, &w, &session);
    CHECK(servers != NULL);
    CHECK_STATUS(lscoap_client_resume(&w.client, &empty), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_client_resume(&w.client, servers), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_client_resume(&w.client, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_resume(NULL, &session), LSCOAP_ERR_NULL);
    lscoap_client_config config = device_config("sensor-8", LSCOAP_EXPRESS);
    world_device(t, &w, &config);
    CHECK_STATUS(lscoap_client_resume(&w.client, &session), LSCOAP_ERR_STATE);
    lscoap_client_wipe(&w.client);
    CHECK_STATUS(lscoap_client_resume(&w.client, &session), LSCOAP_ERR_UNINITIALISED);
    world_wipe(&w);
}

static lscoap_status store(lscoap_session *session, uint32_t block, struct storage *storage) {
    return lscoap_session_store(session, block, storage_write, storage);
}

static lscoap_status seal(lscoap_session *session) {
    uint8_t out[64];
    size_t len;
    lscoap_exchange exchange;
    return seal_request_bytes(session, AAD, (const uint8_t *)PLAIN, PLAIN_LEN, BYTES(out), &len,
                              &exchange);
}

void case_session_in_storage(struct check *t) {
    struct world w;
    static struct storage storage;
    lscoap_session session = {{0}}, restored = {{0}}, resumed = {{0}};
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_EXPRESS);
    lscoap_session *servers = establish(t, &w, &session);
    CHECK(servers != NULL);
    CHECK_STATUS(store(servers, 1, &storage), LSCOAP_ERR_STATE);
    CHECK_STATUS(store(&session, 2, &storage), LSCOAP_OK);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);
    CHECK_STATUS(seal(&session), LSCOAP_OK);
    CHECK_STATUS(seal(&session), LSCOAP_ERR_UNSTORED);

    CHECK_STATUS(
        lscoap_session_restore(&restored, &w.device_platform, storage.blob, storage.blob_len),
        LSCOAP_OK);
    uint8_t fingerprints[2][LSCOAP_FINGERPRINT_LEN];
    CHECK_STATUS(lscoap_session_fingerprint(&session, fingerprints[0]), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_fingerprint(&restored, fingerprints[1]), LSCOAP_OK);
    CHECK_BYTES(fingerprints[1], fingerprints[0], LSCOAP_FINGERPRINT_LEN);
    CHECK_STATUS(seal(&restored), LSCOAP_ERR_UNSTORED);
    CHECK_STATUS(store(&restored, 0, &storage), LSCOAP_OK);
    CHECK_STATUS(seal(&restored), LSCOAP_ERR_UNSTORED);
    CHECK_STATUS(store(&restored, 10, &storage), LSCOAP_OK);
    CHECK_STATUS(try_request(t, &w, &restored), LSCOAP_OK);
    CHECK_STATUS(resume(t, &w, &restored, &resumed), LSCOAP_OK);
    CHECK_STATUS(try_request(t, &w, &resumed), LSCOAP_OK);
    CHECK_STATUS(try_request(t, &w, &restored), LSCOAP_ERR_UNKNOWN_SESSION);
    world_wipe(&w);
}

void case_storage_fails(struct check *t) {
    struct world w;
    static struct storage storage;
    lscoap_session session = {{0}};
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_EXPRESS);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(store(&session, 2, &storage), LSCOAP_OK);
    storage.broken = true;
    CHECK_STATUS(store(&session, 100, &storage), LSCOAP_ERR_STORAGE);
    CHECK(storage.writes == 2);
    CHECK_STATUS(seal(&session), LSCOAP_OK);
    CHECK_STATUS(seal(&session), LSCOAP_OK);
    CHECK_STATUS(seal(&session), LSCOAP_ERR_UNSTORED);
    storage.broken = false;
    CHECK_STATUS(store(&session, 1, &storage), LSCOAP_OK);
    CHECK_STATUS(seal(&session), LSCOAP_OK);
    world_wipe(&w);
}

void case_damaged_blobs(struct check *t) {
    struct world w;
    static struct storage storage;
    lscoap_session session = {{0}}, restored = {{0}};
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_EXPRESS);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(store(&session, 2, &storage), LSCOAP_OK);
    for (size_t i = 0; i < storage.blob_len; i++) {
        storage.blob[i] ^= 0x40;
        CHECK_STATUS(lscoap_session_restore(&restored, NULL, storage.blob, storage.blob_len),
                     LSCOAP_ERR_MALFORMED);
        storage.blob[i] ^= 0x40;
        CHECK_STATUS(lscoap_session_restore(&restored, NULL, storage.blob, i),
                     LSCOAP_ERR_MALFORMED);
    }
    CHECK_STATUS(seal(&restored), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_session_restore(&restored, NULL, storage.blob, storage.blob_len),
                 LSCOAP_OK);
    CHECK_STATUS(seal(&restored), LSCOAP_ERR_UNSTORED);
    lscoap_session_wipe(&restored);
    world_wipe(&w);
}

void case_null_in_storage(struct check *t) {
    struct world w;
    static struct storage storage;
    lscoap_session session = {{0}}, restored = {{0}};
    memset(&storage, 0, sizeof storage);
    world_init(t, &w, LSCOAP_EXPRESS);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(lscoap_session_store(NULL, 1, storage_write, &storage), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_store(&session, 1, NULL, &storage), LSCOAP_ERR_NULL);
    CHECK_STATUS(store(&restored, 1, &storage), LSCOAP_ERR_UNINITIALISED);
    CHECK(storage.writes == 0);
    CHECK_STATUS(store(&session, 1, &storage), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_restore(NULL, NULL, storage.blob, storage.blob_len),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_restore(&restored, NULL, NULL, storage.blob_len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_restore(&restored, NULL, NULL, 0), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_session_restore(&restored, NULL, storage.blob, SIZE_MAX),
                 LSCOAP_ERR_ARGUMENT);

    lscoap_server_config config = w.server_config;
    config.load_resume = storage_load;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, w.slots, SLOTS),
                 LSCOAP_ERR_NULL);
    config.load_resume = NULL;
    config.save_resume = storage_save;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, w.slots, SLOTS),
                 LSCOAP_ERR_NULL);
    world_wipe(&w);
}
