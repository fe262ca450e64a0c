/* Lengths and values at the edges of their ranges and beyond. */
#include "record.h"
#include <stdlib.h>
#include <string.h>

static lscoap_status init_with(struct world *w, const lscoap_client_config *config) {
    return lscoap_client_init(&w->client, &w->device_platform, config);
}

void case_client_config(struct check *t) {
    struct world w;
    uint8_t id[33], key[33];
    lscoap_session session = {{0}};
    memset(id, 'x', sizeof id);
    memcpy(id, "sensor-", 7);
    world_init(t, &w, LSCOAP_SIGNED);
    lscoap_client_config config = device_config("sensor-7", LSCOAP_SIGNED);
    const lscoap_client_config good = config;

    static const size_t id_lens[] = {0, 33, 98, 1000, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof id_lens / sizeof *id_lens; i++) {
        uint8_t *long_id = calloc(1, 1000);
        config.device_id = long_id;
        config.device_id_len = id_lens[i];
        if (id_lens[i] <= 1000) {
            CHECK_STATUS(init_with(&w, &config), LSCOAP_ERR_ARGUMENT);
        }
        free(long_id);
    }
    config.device_id_len = SIZE_MAX;
    CHECK_STATUS(init_with(&w, &config), LSCOAP_ERR_ARGUMENT);
    config = good;
    config.cid = id;
    config.cid_len = 8;
    CHECK_STATUS(init_with(&w, &config), LSCOAP_ERR_ARGUMENT);
    config.cid_len = SIZE_MAX;
    CHECK_STATUS(init_with(&w, &config), LSCOAP_ERR_ARGUMENT);
    static const int32_t profiles[] = {0, 3, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        config = good;
        config.profile = profiles[i];
        CHECK_STATUS(init_with(&w, &config), LSCOAP_ERR_ARGUMENT);
    }
    for (unsigned prefix = 0; prefix < 256; prefix += prefix < 8 ? 1 : 31) { /* 2 and 3 alone */
        memcpy(key, server_key, sizeof key);
        key[0] = (uint8_t)prefix;
        config = good;
        config.server_key = key;
        CHECK_STATUS(init_with(&w, &config),
                     prefix == 2 || prefix == 3 ? LSCOAP_OK : LSCOAP_ERR_KEY);
    }
    memset(key + 1, 0xff, 32); /* x above p */
    key[0] = 2;
    CHECK_STATUS(init_with(&w, &config), LSCOAP_ERR_KEY);
    /* The longest names that there can be, for both profiles. */
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        uint8_t out[32];
        size_t len = 0;
        w.server_config.cid_len = LSCOAP_CID_MAX;
        CHECK_STATUS(
            lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
            LSCOAP_OK);
        config = good;
        config.profile = profile;
        config.device_id = id;
        config.device_id_len = LSCOAP_DEVICE_ID_MAX;
        config.cid = (const uint8_t *)"1234567";
        config.cid_len = LSCOAP_CID_MAX;
        world_device(t, &w, &config);
        lscoap_session *server_session = establish(t, &w, &session);
        CHECK(w.directory.last_id_len == 32);
        CHECK_BYTES(w.directory.last_id, id, 32);
        CHECK_STATUS(lscoap_session_device_id(server_session, BYTES(out), &len), LSCOAP_OK);
        CHECK(len == 32);
        CHECK_BYTES(out, id, 32);

        struct object object;
        lscoap_exchange ours, theirs;
        CHECK_STATUS(seal_request(&session, &object, &ours), LSCOAP_OK);
        CHECK(object.len <= PLAIN_LEN + LSCOAP_REQUEST_OVERHEAD);
        CHECK_STATUS(server_open(&w, &object, &theirs), LSCOAP_OK);
        /* and the server's own requests, with the client's id in them */
        CHECK_STATUS(seal_request(server_session, &object, &ours), LSCOAP_OK);
        CHECK(memcmp(object.bytes + 2, "1234567", 7) == 0);
        CHECK_STATUS(open_request(&session, &object, &theirs), LSCOAP_OK);
    }
    world_wipe(&w);
}

void case_server_config(struct check *t) {
    enum { MANY = 257 };
    struct world w;
    lscoap_slot *slots = calloc(MANY, sizeof *slots);
    lscoap_session session = {{0}};
    struct object object;
    lscoap_exchange exchange;
    world_init(t, &w, LSCOAP_EXPRESS);
    lscoap_server_config config = w.server_config;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, 0),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, NULL, 0),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, SIZE_MAX),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, SIZE_MAX / 512),
                 LSCOAP_ERR_ARGUMENT);
    config.cid_len = 8;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, 1),
                 LSCOAP_ERR_ARGUMENT);
    config.cid_len = SIZE_MAX;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, 1),
                 LSCOAP_ERR_ARGUMENT);
    config.cid_len = 1;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, 256),
                 LSCOAP_ERR_ARGUMENT);

    /* The length asked for is the one on the wire. */
    static const size_t cid_lens[] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < sizeof cid_lens / sizeof *cid_lens; i++) {
        config.cid_len = cid_lens[i];
        CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, 3),
                     LSCOAP_OK);
        CHECK(establish(t, &w, &session) != NULL);
        CHECK_STATUS(seal_request(&session, &object, &exchange), LSCOAP_OK);
        CHECK(object.len == PLAIN_LEN + 10 + (cid_lens[i] == 0 ? 1 : cid_lens[i]));
    }
    /* Many slots get longer ids by themselves, and one slot is enough for one device. */
    config.cid_len = 0;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, MANY),
                 LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(seal_request(&session, &object, &exchange), LSCOAP_OK);
    CHECK(object.len == PLAIN_LEN + 12);
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &config, slots, 1), LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    lscoap_server_wipe(&w.server);
    free(slots);
}

void case_record_lengths(struct check *t) {
    uint8_t *aad = calloc(1, LSCOAP_AAD_MAX + 1);
    for (int op = 0; op < OPS; op++) {
        struct stage s;
        stage_init(t, &s, op);
        struct record_call call = s.call;
        call.input_len = SIZE_MAX;
        CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
        call = s.call;
        call.out_cap = SIZE_MAX;
        CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
        if (record_has_aad(op)) {
            call = s.call;
            call.aad = aad;
            call.aad_len = LSCOAP_AAD_MAX + 1;
            CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
            call.aad_len = SIZE_MAX;
            CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
        }
        stage_untouched(t, &s);
        stage_succeeds(t, &s);
        stage_wipe(&s);
    }
    free(aad);
}

/* Additional data of every length is bound, to the last bit. */
void case_additional_data(struct check *t) {
    struct world w;
    lscoap_session session = {{0}}, *found;
    lscoap_exchange ours, theirs;
    uint8_t aad[LSCOAP_AAD_MAX] = {0}, object[64], out[64];
    size_t len, out_len;
    world_init(t, &w, LSCOAP_EXPRESS);
    establish(t, &w, &session);
    static const size_t lens[] = {0, 1, 22, 23, 24, 200, 230, 242, 243, 244, 245, 255, 256};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        size_t n = lens[i];
        CHECK_STATUS(seal_request_bytes(&session, aad, n, (const uint8_t *)PLAIN, PLAIN_LEN,
                                        BYTES(object), &len, &ours),
                     LSCOAP_OK);
        for (unsigned fault = 0; fault < 3; fault++) {
            size_t other = n;
            if (fault == 0 && n > 0) {
                aad[n - 1] ^= 1;
            } else if (fault == 1 && n > 0) {
                other = n - 1;
            } else if (fault == 2 && n < LSCOAP_AAD_MAX) {
                other = n + 1;
            } else {
                continue;
            }
            CHECK_STATUS(server_open_bytes(&w.server, w.now_ms, aad, other, object, len, BYTES(out),
                                           &out_len, &found, &theirs),
                         LSCOAP_ERR_AUTHENTICATION);
            memset(aad, 0, sizeof aad);
        }
        CHECK_STATUS(server_open_bytes(&w.server, w.now_ms, aad, n, object, len, BYTES(out),
                                       &out_len, &found, &theirs),
                     LSCOAP_OK);
    }
    world_wipe(&w);
}

/* Records cut short or grown by some bytes, in exact allocations. */
void case_truncated_records(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        if (!record_opens(op)) {
            continue;
        }
        struct stage s;
        stage_init(t, &s, op);
        struct record_call call = s.call;
        uint8_t out[128];
        call.out = out;
        call.out_cap = sizeof out;
        for (size_t len = 0; len <= s.call.input_len + 4; len++) {
            if (len != s.call.input_len) {
                uint8_t *input = calloc(1, len + 1);
                memcpy(input, s.input, len < s.call.input_len ? len : s.call.input_len);
                call.input = input;
                call.input_len = len;
                lscoap_status status = record(&call);
                CHECK(status == LSCOAP_ERR_MALFORMED || status == LSCOAP_ERR_AUTHENTICATION);
                free(input);
            }
        }
        stage_untouched(t, &s);
        stage_succeeds(t, &s);
        stage_wipe(&s);
    }
}

/* Handshake messages of every other length. */
void case_truncated_messages(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out;
        uint8_t buffer[LSCOAP_MESSAGE_MAX];
        size_t len;
        lscoap_status status;
        world_init(t, &w, profile);
        status = client_step(t, &w, NULL, &query);
        while (status == LSCOAP_SEND) {
            for (size_t n = 0; n <= LSCOAP_MESSAGE_MAX + 30; n++) {
                if (n == query.len) {
                    continue;
                }
                uint8_t *input = calloc(1, n + 1);
                memcpy(input, query.bytes, n < query.len ? n : query.len);
                CHECK_STATUS(step_bytes(&w.server, NULL, 0, NULL, 0, w.now_ms, input, n,
                                        BYTES(buffer), &len),
                             LSCOAP_REFUSED);
                CHECK(len == 2 && buffer[0] == 0x1f && (buffer[1] == 3 || buffer[1] == 2));
                free(input);
            }
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            for (size_t n = 1; n <= LSCOAP_MESSAGE_MAX + 30; n++) {
                if (n == answer.len) {
                    continue;
                }
                uint8_t *input = calloc(1, n + 1);
                memcpy(input, answer.bytes, n < answer.len ? n : answer.len);
                status = lscoap_client_step(&w.client, input, n, BYTES(buffer), &len);
                CHECK(status == LSCOAP_ERR_MALFORMED || status == LSCOAP_ERR_AUTHENTICATION);
                free(input);
            }
            status = client_step(t, &w, &answer, &query);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(lscoap_client_step(&w.client, query.bytes, SIZE_MAX, BYTES(buffer), &len),
                     LSCOAP_ERR_ARGUMENT);
        CHECK_STATUS(
            step_bytes(&w.server, NULL, 0, NULL, 0, 0, query.bytes, SIZE_MAX, BYTES(buffer), &len),
            LSCOAP_ERR_ARGUMENT);
        CHECK_STATUS(client_step(t, &w, NULL, &out), LSCOAP_ERR_STATE);
        world_wipe(&w);
    }
}

void case_export_lengths(struct check *t) {
    struct world w;
    lscoap_session session = {{0}};
    uint8_t out[256], label[300] = {0};
    world_init(t, &w, LSCOAP_EXPRESS);
    connect(t, &w, &session);
    memset(out, CANARY, sizeof out);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 1, NULL, 0, out, 0),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 1, NULL, 0, out, 256),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 256, NULL, 0, out, 16),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_export_key(&session, label, SIZE_MAX, NULL, 0, out, 16),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 1, label, SIZE_MAX, out, 16),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 1, NULL, 0, out, SIZE_MAX),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_FILLED(out, CANARY, sizeof out);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 255, label, 300, out, 255), LSCOAP_OK);
    CHECK(out[255] == CANARY);
    CHECK_STATUS(lscoap_session_export_key(&session, label, 1, NULL, 0, out, 1), LSCOAP_OK);
    world_wipe(&w);
}
