/* Random bytes into everything that takes bytes: a status, and nothing changed. */
#include "record.h"
#include <stdlib.h>
#include <string.h>

void case_garbage_messages(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct source source = {99, 0, 0, false, 0};
        struct message query, answer, out;
        lscoap_session session = {{0}};
        world_init(t, &w, profile);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        for (int i = 0; i < 2000; i++) {
            struct message garbage;
            uint8_t len;
            source_random(&source, BYTES(garbage.bytes));
            source_random(&source, &len, 1);
            garbage.len = 1 + len % LSCOAP_MESSAGE_MAX;
            garbage.bytes[0] = 0x10 | (garbage.bytes[0] & 15);
            if (garbage.bytes[0] == 0x12 || garbage.bytes[0] == 0x19) {
                garbage.len = 5; /* a well-formed M2 or RETRY would be taken */
            }
            CHECK(client_step(t, &w, &garbage, &out) < 0);
            lscoap_status status = server_step(t, &w, &garbage, &out);
            CHECK(status == LSCOAP_REFUSED || status == LSCOAP_ERR_UNEXPECTED);
            CHECK(lscoap_server_find(&w.server, w.now_ms, garbage.bytes, garbage.len) == NULL);
        }
        lscoap_status status = client_step(t, &w, &answer, &query);
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            status = client_step(t, &w, &answer, &query);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

void case_garbage_records(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        if (!record_opens(op)) {
            continue;
        }
        struct stage s;
        struct source source = {(uint64_t)op, 0, 0, false, 0};
        stage_init(t, &s, op);
        struct record_call call = s.call;
        for (int i = 0; i < 2000; i++) {
            uint8_t len, random[64], out[64];
            source_random(&source, BYTES(random));
            source_random(&source, &len, 1);
            size_t n = len % sizeof random;
            uint8_t *garbage = malloc(n + 1);
            memcpy(garbage, random, n);
            if (n > 2 && i % 2 == 0) { /* the right header */
                memcpy(garbage, s.input, 3);
            }
            call.input = garbage;
            call.input_len = n;
            call.out = out;
            call.out_cap = n;
            CHECK(record(&call) < 0);
            free(garbage);
        }
        stage_untouched(t, &s);
        stage_succeeds(t, &s);
        stage_wipe(&s);
    }
}
