/* The platform's AES and CCM: the same bytes as by software, and any encryption failing. */
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

/* RFC 3610's packet vector 1. */
void case_mock_ccm(struct check *t) {
    const uint8_t key[16] = {0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
                             0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf};
    const uint8_t nonce[13] = {0x00, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00,
                               0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5};
    const uint8_t expected[31] = {0x58, 0x8c, 0x97, 0x9a, 0x61, 0xc6, 0x63, 0xd2, 0xf0, 0x66, 0xd0,
                                  0xc2, 0xc0, 0xf9, 0x89, 0x80, 0x6d, 0x5f, 0x6b, 0x61, 0xda, 0xc3,
                                  0x84, 0x17, 0xe8, 0xd1, 0x2c, 0xfd, 0xf9, 0x26, 0xe0};
    uint8_t aad[8], plain[23], text[31];
    for (uint8_t i = 0; i < sizeof plain; i++) {
        plain[i] = (uint8_t)(8 + i);
        aad[i % 8] = (uint8_t)(i % 8);
    }
    memcpy(text, plain, sizeof plain);
    CHECK(mock_ccm(0, key, nonce, aad, sizeof aad, text, sizeof plain, text + sizeof plain) == 0);
    CHECK_BYTES(text, expected, sizeof text);
    CHECK(mock_ccm(1, key, nonce, aad, sizeof aad, text, sizeof plain, text + sizeof plain) == 0);
    CHECK_BYTES(text, plain, sizeof plain);
    memcpy(text, expected, sizeof text);
    text[30] ^= 1;
    CHECK(mock_ccm(1, key, nonce, aad, sizeof aad, text, sizeof plain, text + sizeof plain) == 1);
    CHECK_FILLED(text, 0, sizeof plain);
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
        for (int ends = 0; ends < ACCELERATORS * ACCELERATORS; ends++) {
            struct equipment equipment;
            const enum accelerator device = ends % ACCELERATORS, server = ends / ACCELERATORS;
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
            CHECK((device != SOFTWARE) == (equipment.device.encryptions != 0));
            CHECK((server != SOFTWARE) == (equipment.server.encryptions != 0));
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

static void fails_in_handshakes(struct check *t, enum accelerator accelerator) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct equipment equipment;
        struct world w;
        struct message query, answer;
        lscoap_session session = {{0}};
        world_equip(t, &w, profile, &equipment, accelerator, accelerator);
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

void case_aes_hook_fails_in_handshakes(struct check *t) {
    fails_in_handshakes(t, BLOCKS);
}

void case_ccm_hook_fails_in_handshakes(struct check *t) {
    fails_in_handshakes(t, WHOLE_CCM);
}

/* Each encryption of each call fails: no plaintext and no ciphertext is left, no number is used,
 * and the call that works gives the same bytes as software. */
static void fails_in_records(struct check *t, enum accelerator accelerator) {
    for (int op = 0; op < OPS; op++) {
        struct equipment equipment;
        struct stage expected, s;
        unsigned failures = 0;
        lscoap_status status = LSCOAP_ERR_HARDWARE;
        stage_init(t, &expected, op);
        stage_succeeds(t, &expected);

        memset(&s, 0, sizeof s);
        world_equip(t, &s.world, LSCOAP_EXPRESS, &equipment, accelerator, accelerator);
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
        CHECK(accelerator != WHOLE_CCM || failures == 1);
        CHECK(s.out_len == expected.out_len);
        CHECK_BYTES(s.out, expected.out, sizeof s.out);
        stage_wipe(&s);
        stage_wipe(&expected);
    }
    t->note = NULL;
}

void case_aes_hook_fails_in_records(struct check *t) {
    fails_in_records(t, BLOCKS);
}

void case_ccm_hook_fails_in_records(struct check *t) {
    fails_in_records(t, WHOLE_CCM);
}

/* A wrong tag is one by the hook too, and only where something is opened: what is sealed has none
 * that could be wrong. */
void case_ccm_hook_finds_wrong_tags(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        struct equipment equipment;
        struct stage s;
        memset(&s, 0, sizeof s);
        world_equip(t, &s.world, LSCOAP_EXPRESS, &equipment, WHOLE_CCM, WHOLE_CCM);
        stage_set(t, &s, op);
        if (record_opens(op)) {
            s.input[s.call.input_len - 1] ^= 1;
            CHECK_STATUS(record(&s.call), LSCOAP_ERR_AUTHENTICATION);
            s.input[s.call.input_len - 1] ^= 1;
        } else {
            equipment.device.encryptions = equipment.server.encryptions = 0;
            equipment.device.fails_at = equipment.server.fails_at = 1;
            equipment.device.failure = equipment.server.failure = 1;
            CHECK_STATUS(record(&s.call), LSCOAP_ERR_HARDWARE);
        }
        CHECK_FILLED(s.out, 0, s.need);
        memset(s.out, CANARY, s.need);
        stage_untouched(t, &s);
        stage_succeeds(t, &s);
        stage_wipe(&s);
    }
}

static int refused_block(void *context, const uint8_t *key, uint8_t *block) {
    (void)context;
    (void)key;
    (void)block;
    return -1;
}

/* With both hooks no block is asked for. */
void case_ccm_hook_comes_first(struct check *t) {
    struct equipment equipment;
    struct conversation c;
    struct world w;
    world_equip(t, &w, LSCOAP_EXPRESS, &equipment, WHOLE_CCM, WHOLE_CCM);
    w.device_platform.aes128_encrypt = refused_block;
    const lscoap_client_config config = device_config("sensor-7", LSCOAP_EXPRESS);
    world_device(t, &w, &config);
    converse(t, &w, &c);
    CHECK(equipment.device.encryptions != 0);
    world_wipe(&w);
}
