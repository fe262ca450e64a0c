/* Output buffers of every size below what is needed, in exact allocations, so that sanitizers and
 * valgrind see the first byte beyond. */
#include "record.h"
#include <stdlib.h>
#include <string.h>

void case_record_capacity(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        struct stage s;
        stage_init(t, &s, op);
        uint8_t *input = malloc(s.call.input_len);
        memcpy(input, s.input, s.call.input_len);
        s.call.input = input;
        for (size_t cap = 0; cap < s.need; cap++) {
            uint8_t *out = malloc(cap + 1);
            memset(out, CANARY, cap + 1);
            s.call.out = out;
            s.call.out_cap = cap;
            CHECK_STATUS(record(&s.call), LSCOAP_ERR_CAPACITY);
            CHECK_FILLED(out, CANARY, cap + 1);
            free(out);
        }
        s.call.out = NULL;
        s.call.out_cap = 0;
        CHECK_STATUS(record(&s.call), LSCOAP_ERR_CAPACITY);
        stage_untouched(t, &s);
        CHECK_BYTES(input, s.input, s.call.input_len);
        s.call.out = malloc(s.need);
        s.call.out_cap = s.need;
        stage_succeeds(t, &s);
        free(s.call.out);
        free(input);
        stage_wipe(&s);
    }
}

void case_step_capacity(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session session = {{0}};
        struct message query, answer = {{0}, 0};
        lscoap_status status = LSCOAP_SEND;
        size_t len = 12345;
        world_init(t, &w, profile);
        while (status == LSCOAP_SEND) {
            for (size_t cap = 0; cap < LSCOAP_MESSAGE_MAX; cap++) {
                uint8_t *out = malloc(cap + 1);
                memset(out, CANARY, cap + 1);
                CHECK_STATUS(
                    lscoap_client_step(&w.client, answer.bytes, answer.len, out, cap, &len),
                    LSCOAP_ERR_CAPACITY);
                CHECK_FILLED(out, CANARY, cap + 1);
                free(out);
            }
            CHECK(len == 12345);
            status = client_step(t, &w, answer.len == 0 ? NULL : &answer, &query);
            if (status != LSCOAP_SEND) {
                break;
            }
            for (size_t cap = 0; cap < LSCOAP_MESSAGE_MAX; cap++) {
                uint8_t *out = malloc(cap + 1);
                memset(out, CANARY, cap + 1);
                CHECK_STATUS(step_bytes(&w.server, NULL, 0, NULL, 0, w.now_ms, query.bytes,
                                        query.len, out, cap, &len),
                             LSCOAP_ERR_CAPACITY);
                CHECK_FILLED(out, CANARY, cap + 1);
                free(out);
            }
            CHECK(len == 12345);
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK(w.directory.calls == 1 && w.device_source.calls == 1);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

void case_device_id_capacity(struct check *t) {
    struct world w;
    lscoap_session session = {{0}};
    size_t len = 12345;
    uint8_t id[8];
    world_init(t, &w, LSCOAP_SIGNED);
    lscoap_session *server_session = establish(t, &w, &session);
    for (size_t cap = 0; cap < sizeof id; cap++) {
        uint8_t *out = malloc(cap + 1);
        memset(out, CANARY, cap + 1);
        CHECK_STATUS(lscoap_session_device_id(&session, out, cap, &len), LSCOAP_ERR_CAPACITY);
        CHECK_STATUS(lscoap_session_device_id(server_session, out, cap, &len), LSCOAP_ERR_CAPACITY);
        CHECK_FILLED(out, CANARY, cap + 1);
        free(out);
    }
    CHECK(len == 12345);
    CHECK_STATUS(lscoap_session_device_id(&session, BYTES(id), &len), LSCOAP_OK);
    CHECK(len == 8);
    CHECK_BYTES(id, "sensor-7", 8);
    memset(id, 0, sizeof id);
    CHECK_STATUS(lscoap_session_device_id(server_session, BYTES(id), &len), LSCOAP_OK);
    CHECK_BYTES(id, "sensor-7", 8);
    world_wipe(&w);
}

/* The largest record, exactly; one byte more is refused. */
void case_largest_record(struct check *t) {
    enum { MAX = 65535 };
    struct world w;
    lscoap_session session = {{0}}, *found;
    lscoap_exchange ours, theirs;
    size_t len = 0, out_len = 0;
    uint8_t *plain = calloc(1, MAX + 1), *object = malloc(MAX + LSCOAP_REQUEST_OVERHEAD);
    world_init(t, &w, LSCOAP_EXPRESS);
    establish(t, &w, &session);
    CHECK_STATUS(seal_request_bytes(&session, AAD, plain, MAX + 1, object,
                                    MAX + LSCOAP_REQUEST_OVERHEAD, &len, &ours),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(seal_request_bytes(&session, AAD, plain, MAX, object,
                                    MAX + LSCOAP_REQUEST_OVERHEAD, &len, &ours),
                 LSCOAP_OK);
    CHECK(len == MAX + 11);
    memset(plain, CANARY, MAX + 1);
    CHECK_STATUS(server_open_bytes(&w.server, w.now_ms, AAD, object, len, plain, MAX, &out_len,
                                   &found, &theirs),
                 LSCOAP_OK);
    CHECK(out_len == MAX && plain[MAX] == CANARY);
    CHECK_FILLED(plain, 0, MAX);
    free(plain);
    free(object);
    world_wipe(&w);
}
