/* The platform's AES: the same bytes as by software, and any encryption failing. */
#include "hardware.h"
#include "mock_aes.h"
#include "record.h"
#include <string.h>

/* More encryptions than any call makes. */
#define MANY 100

/* FIPS 197 appendix B. */
void case_mock_aes(struct check *t) {
    const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                             0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    const uint8_t expected[16] = {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb,
                                  0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32};
    uint8_t block[16] = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
                         0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
    mock_aes128(key, block);
    CHECK_BYTES(block, expected, sizeof block);
}

/* Everything that is sent in a handshake, a request, its answer and a notification. */
struct conversation {
    struct message handshake[5]; /* the last one is empty */
    struct object records[3];
};

static void converse(struct check *t, struct world *w, struct conversation *c) {
    lscoap_session session = {{0}}, *server;
    lscoap_exchange ours, theirs;
    memset(c, 0, sizeof *c);
    lscoap_status status = client_step(t, w, NULL, &c->handshake[0]);
    for (size_t at = 0; status == LSCOAP_SEND && at < 4; at += 2) {
        struct message *query = &c->handshake[at];
        CHECK_STATUS(server_step(t, w, &query[0], &query[1]), LSCOAP_SEND);
        status = client_step(t, w, &query[1], &query[2]);
    }
    CHECK_STATUS(status, LSCOAP_READY);
    CHECK_STATUS(lscoap_client_finish(&w->client, &session), LSCOAP_OK);
    CHECK_STATUS(seal_request(&session, &c->records[0], &ours), LSCOAP_OK);
    CHECK_STATUS(server_open(w, &c->records[0], &theirs), LSCOAP_OK);
    server = lscoap_server_find(&w->server, w->now_ms, c->records[0].bytes, c->records[0].len);
    if (CHECK(server != NULL)) {
        CHECK_STATUS(seal_response(server, &theirs, &c->records[1]), LSCOAP_OK);
        CHECK_STATUS(seal_notification(server, &theirs, &c->records[2]), LSCOAP_OK);
        CHECK_STATUS(open_response(&session, &ours, &c->records[1]), LSCOAP_OK);
        CHECK_STATUS(open_response(&session, &ours, &c->records[2]), LSCOAP_OK);
    }
}

/* With the accelerator at either end, at both and at none: the same bytes. */
void case_aes_hook(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct conversation expected, actual;
        struct world w;
        world_init(t, &w, profile);
        converse(t, &w, &expected);
        world_wipe(&w);
        for (unsigned ends = 0; ends < 4; ends++) {
            struct equipment equipment;
            bool device = (ends & 1) != 0, server = (ends & 2) != 0;
            world_equip(t, &w, profile, &equipment, device, server);
            converse(t, &w, &actual);
            for (size_t i = 0; i < 5; i++) {
                CHECK(actual.handshake[i].len == expected.handshake[i].len);
                CHECK_BYTES(actual.handshake[i].bytes, expected.handshake[i].bytes,
                            expected.handshake[i].len);
            }
            for (size_t i = 0; i < 3; i++) {
                CHECK(actual.records[i].len == expected.records[i].len);
                CHECK_BYTES(actual.records[i].bytes, expected.records[i].bytes,
                            expected.records[i].len);
            }
            CHECK(device == (equipment.device.encryptions != 0));
            CHECK(server == (equipment.server.encryptions != 0));
            world_wipe(&w);
        }
    }
}

typedef lscoap_status take_step(struct check *t, struct world *w, const struct message *in,
                                struct message *out);

/* A step that fails first, once for each encryption that it takes; then it succeeds. */
static lscoap_status failing_step(struct check *t, struct world *w, struct hardware *hardware,
                                  take_step *take, const struct message *in, struct message *out) {
    lscoap_client client_before;
    lscoap_slot slots_before[SLOTS];
    unsigned failures = 0, at = 1;
    lscoap_status status;
    bool is_m3 = in != NULL && in->bytes[0] == 0x13, is_m1 = in != NULL && in->bytes[0] == 0x11;
    memcpy(&client_before, &w->client, sizeof client_before);
    memcpy(slots_before, w->slots, sizeof slots_before);
    t->note = in == NULL ? "the first message" : lscoap_message_name(in->bytes, in->len);
    for (;; at += (unsigned)stride()) {
        hardware->encryptions = 0;
        hardware->fails_at = at;
        status = take(t, w, in, out);
        if (status != LSCOAP_ERR_HARDWARE || !CHECK(at < MANY)) {
            break;
        }
        failures++;
        if (in != NULL) { /* a first message is drawn anew */
            CHECK(differences(&w->client, &client_before, sizeof client_before) == 0);
        }
        if (!is_m3 || failures > 1) { /* the first M3 costs a multiplication, once */
            CHECK(differences(w->slots, slots_before, sizeof slots_before) == 0);
        }
        memcpy(slots_before, w->slots, sizeof slots_before);
    }
    /* Signed, nothing is sealed in the first two messages. */
    CHECK((failures == 0) == (hardware->encryptions == 0));
    CHECK((failures == 0) == (is_m1 || (in == NULL && out->bytes[0] == 0x11)));
    return status;
}

void case_aes_hook_fails_in_handshakes(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct equipment equipment;
        struct world w;
        struct message query, answer;
        lscoap_session session = {{0}};
        world_equip(t, &w, profile, &equipment, true, true);
        lscoap_status status = failing_step(t, &w, &equipment.device, client_step, NULL, &query);
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(failing_step(t, &w, &equipment.server, server_step, &query, &answer),
                         LSCOAP_SEND);
            status = failing_step(t, &w, &equipment.device, client_step, &answer, &query);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        equipment.device.fails_at = equipment.server.fails_at = 0;
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
        t->note = NULL;
    }
}

/* Each encryption of each call fails: no plaintext and no ciphertext is left, no number is used,
 * and the call that works gives the same bytes as software. */
void case_aes_hook_fails_in_records(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        struct equipment equipment;
        struct stage expected, s;
        unsigned failures = 0;
        lscoap_status status = LSCOAP_ERR_HARDWARE;
        stage_init(t, &expected, op);
        stage_succeeds(t, &expected);

        memset(&s, 0, sizeof s);
        world_equip(t, &s.world, LSCOAP_EXPRESS, &equipment, true, true);
        stage_set(t, &s, op);
        while (status == LSCOAP_ERR_HARDWARE && CHECK(failures < MANY)) {
            equipment.device.encryptions = equipment.server.encryptions = 0;
            equipment.device.fails_at = equipment.server.fails_at = failures + 1;
            memset(s.out, CANARY, sizeof s.out);
            status = record(&s.call);
            if (status == LSCOAP_ERR_HARDWARE) {
                failures++;
                CHECK_FILLED(s.out, 0, s.need);
                memset(s.out, CANARY, s.need);
                stage_untouched(t, &s);
            }
        }
        CHECK_STATUS(status, LSCOAP_OK);
        CHECK(failures != 0);
        CHECK(failures == equipment.device.encryptions + equipment.server.encryptions);
        CHECK(s.out_len == expected.out_len);
        CHECK_BYTES(s.out, expected.out, sizeof s.out);
        stage_wipe(&s);
        stage_wipe(&expected);
    }
    t->note = NULL;
}
