/* `input` and `out` in one buffer, at every distance from each other. */
#include "record.h"
#include <string.h>

/* The result of a call whose output lies `shift` bytes behind its input. */
static void overlapping(struct check *t, int op, int shift) {
    uint8_t arena[512];
    struct stage s;
    stage_init(t, &s, op);
    memset(arena, CANARY, sizeof arena);
    uint8_t *input = arena + 200, *out = input + shift;
    memcpy(input, s.input, s.call.input_len);
    s.call.input = input;
    s.call.out = out;
    s.call.out_cap = s.need; /* to the byte */
    stage_succeeds(t, &s);
    /* Nothing is written beside the result. */
    size_t input_end = 200 + s.call.input_len, out_begin = (size_t)(200 + shift);
    size_t begin = out_begin < 200 ? out_begin : 200;
    size_t out_end = out_begin + s.need;
    size_t end = out_end > input_end ? out_end : input_end;
    CHECK_FILLED(arena, CANARY, begin);
    CHECK_FILLED(arena + end, CANARY, sizeof arena - end);

    /* What was sealed so opens at the other end. */
    if (!record_opens(op)) {
        struct object object;
        struct stage other;
        memcpy(object.bytes, out, s.need);
        object.len = s.need;
        if (op == SEAL_REQUEST) {
            CHECK_STATUS(server_open(&s.world, &object, &s.exchange), LSCOAP_OK);
        } else { /* worlds are repeatable: one more has the request that this answers */
            stage_init(t, &other, OPEN_RESPONSE);
            CHECK_STATUS(open_response(&other.device, &other.exchange, &object), LSCOAP_OK);
            stage_wipe(&other);
        }
    }
    stage_wipe(&s);
}

void case_in_place(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        overlapping(t, op, 0);
    }
}

void case_partial_overlap(struct check *t) {
    static const int shifts[] = {-40, -11, -1, 1, 3, 12};
    for (int op = 0; op < OPS; op++) {
        for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
            overlapping(t, op, shifts[i]);
        }
    }
}

/* Steps with an output anywhere over their input. */
void case_steps_overlap(struct check *t) {
    for (int shift = -100; shift <= 100; shift += 20) {
        struct world w;
        lscoap_session session = {{0}};
        struct message query, answer;
        uint8_t arena[500];
        uint8_t *in = arena + 200, *out = in + shift;
        size_t len = 0;
        world_init(t, &w, LSCOAP_SIGNED);
        lscoap_status status = client_step(t, &w, NULL, &query);
        while (status == LSCOAP_SEND) {
            memset(arena, CANARY, sizeof arena);
            memcpy(in, query.bytes, query.len);
            CHECK_STATUS(step_bytes(&w.server, NULL, 0, NULL, 0, w.now_ms, in, query.len, out,
                                    LSCOAP_MESSAGE_MAX, &len),
                         LSCOAP_SEND);
            memcpy(answer.bytes, out, len);
            answer.len = len;
            memcpy(in, answer.bytes, answer.len);
            status = lscoap_client_step(&w.client, in, answer.len, out, LSCOAP_MESSAGE_MAX, &len);
            memcpy(query.bytes, out, len);
            query.len = len;
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}
