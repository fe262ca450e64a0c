/* Handshakes under retransmission, duplication, damage, alerts and wrong keys. */
#include "record.h"
#include <string.h>

static bool equal(const struct message *a, const struct message *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void check_refused(struct check *t, struct world *w, const struct message *query,
                          uint8_t alert) {
    struct message answer;
    CHECK_STATUS(server_step(t, w, query, &answer), LSCOAP_REFUSED);
    CHECK(answer.len == 2 && answer.bytes[0] == 0x1f && answer.bytes[1] == alert);
}

void case_retransmission(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, again;
        lscoap_session session = {{0}};
        lscoap_status status;
        static const size_t lens[2][4] = {{42, 35, 75, 73}, {50, 42, 0, 0}};
        const size_t *len = lens[profile - 1];
        world_init(t, &w, profile);
        status = client_step(t, &w, NULL, &query);
        while (status == LSCOAP_SEND) {
            CHECK(query.len == *len++);
            for (int i = 0; i < 3; i++) {
                CHECK_STATUS(client_step(t, &w, NULL, &again), LSCOAP_SEND);
                CHECK(equal(&query, &again));
            }
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            CHECK(answer.len == *len++);
            for (int i = 0; i < 3; i++) { /* from another address too */
                uint8_t buffer[LSCOAP_MESSAGE_MAX];
                size_t buffer_len = 0;
                CHECK_STATUS(step_bytes(&w.server, (const uint8_t *)"elsewhere", 9, NULL, 0,
                                        w.now_ms + 29999, query.bytes, query.len, BYTES(buffer),
                                        &buffer_len),
                             LSCOAP_SEND);
                CHECK(buffer_len == answer.len && memcmp(buffer, answer.bytes, answer.len) == 0);
                CHECK(lscoap_response_code(buffer, buffer_len) == (2 << 5 | 4));
            }
            CHECK_STATUS(client_step(t, &w, NULL, &again), LSCOAP_SEND);
            CHECK(equal(&query, &again));
            status = client_step(t, &w, &answer, &query);
            CHECK_STATUS(client_step(t, &w, &answer, &again), LSCOAP_ERR_UNEXPECTED);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK(query.len == 0 && w.directory.calls == 1);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

/* One buffer for everything, as in the header's example. */
void case_one_buffer(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session session = {{0}};
        uint8_t buffer[LSCOAP_MESSAGE_MAX];
        size_t len = 0;
        lscoap_status status;
        world_init(t, &w, profile);
        status = lscoap_client_step(&w.client, NULL, 0, BYTES(buffer), &len);
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(
                step_bytes(&w.server, NULL, 0, NULL, 0, w.now_ms, buffer, len, BYTES(buffer), &len),
                LSCOAP_SEND);
            status = lscoap_client_step(&w.client, buffer, len, BYTES(buffer), &len);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

/* M3, M4, X1 or X2 with one bit turned: refused, and the right one still works. */
void case_damaged_answers(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out;
        lscoap_session session = {{0}};
        world_init(t, &w, profile);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_SEND);
        }
        for (size_t at = 0; at < query.len; at += stride()) {
            struct message damaged = query;
            damaged.bytes[at] ^= (uint8_t)(1 << at % 8);
            lscoap_status status = server_step(t, &w, &damaged, &out);
            if (at == 0) { /* another type: malformed, or an alert, which gets no answer */
                CHECK(status == LSCOAP_REFUSED || status == LSCOAP_ERR_UNEXPECTED);
            } else {
                CHECK_STATUS(status, LSCOAP_REFUSED);
                CHECK(out.len == 2 && out.bytes[0] == 0x1f);
            }
        }
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        for (size_t at = 0; at < answer.len; at += stride()) {
            struct message damaged = answer;
            damaged.bytes[at] ^= (uint8_t)(1 << at % 8);
            CHECK(client_step(t, &w, &damaged, &out) < 0);
        }
        CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

/* M1 and M2 carry no tag: with one bit turned they may pass, but the handshake does not come to an
 * end. */
static void damaged_opening(struct check *t, bool second) {
    struct world w;
    world_init(t, &w, LSCOAP_SIGNED);
    size_t len = second ? 35 : 42;
    for (size_t at = 0; at < len; at += stride()) {
        struct message query, answer, out;
        lscoap_status status = client_step(t, &w, NULL, &query);
        for (unsigned n = 0; status == LSCOAP_SEND; n++) {
            if (n == 0 && !second) {
                query.bytes[at] ^= (uint8_t)(1 << at % 8);
            }
            status = server_step(t, &w, &query, &answer);
            if (status != LSCOAP_SEND) {
                break;
            }
            if (n == 0 && second) {
                answer.bytes[at] ^= (uint8_t)(1 << at % 8);
            }
            status = client_step(t, &w, &answer, &query);
        }
        CHECK(status == LSCOAP_REFUSED || status < 0);
        CHECK_STATUS(client_step(t, &w, NULL, &out), LSCOAP_SEND); /* still waiting */
        CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
    }
    lscoap_session session = {{0}};
    CHECK(establish(t, &w, &session) != NULL);
    world_wipe(&w);
}

void case_damaged_m1(struct check *t) {
    damaged_opening(t, false);
}

void case_damaged_m2(struct check *t) {
    damaged_opening(t, true);
}

/* Anyone can send an alert: it is reported, and changes nothing. */
void case_alerts(struct check *t) {
    static const lscoap_status expected[] = {
        LSCOAP_ERR_MALFORMED,   LSCOAP_ALERT_UNKNOWN_DEVICE, LSCOAP_ALERT_AUTHENTICATION,
        LSCOAP_ALERT_MALFORMED, LSCOAP_ALERT_BUSY,           LSCOAP_ALERT_UNKNOWN_SESSION,
        LSCOAP_ERR_MALFORMED,
    };
    static const uint8_t longest[LSCOAP_MESSAGE_MAX + 2] = {0x1f, 5};
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out, alert = {{0x1f, 0}, 2};
        lscoap_session session = {{0}};
        lscoap_status status;
        world_init(t, &w, profile);
        status = client_step(t, &w, NULL, &query);
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            for (alert.bytes[1] = 0; alert.bytes[1] <= 6; alert.bytes[1]++) {
                CHECK_STATUS(client_step(t, &w, &alert, &out), expected[alert.bytes[1]]);
                /* No alert answers an alert, not even one with an unknown code. */
                CHECK_STATUS(server_step(t, &w, &alert, &out), LSCOAP_ERR_UNEXPECTED);
            }
            status = client_step(t, &w, &answer, &query);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        for (size_t len = 1; len <= sizeof longest; len++) {
            CHECK_STATUS(step_bytes(&w.server, NULL, 0, NULL, 0, w.now_ms, longest, len, out.bytes,
                                    sizeof out.bytes, &out.len),
                         LSCOAP_ERR_UNEXPECTED);
        }
        world_wipe(&w);
    }
}

/* As in the paper's Figures 13 and 14, but that the server goes on. */
void case_unknown_device(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out;
        lscoap_session session = {{0}};
        lscoap_client_config config = device_config("intruder", profile);
        world_init(t, &w, profile);
        world_device(t, &w, &config);
        for (int i = 0; i < 2 * SLOTS; i++) { /* and takes no room */
            CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_REFUSED);
            CHECK(answer.len == 2 && answer.bytes[1] == 1);
            CHECK(lscoap_response_code(answer.bytes, answer.len) == (4 << 5 | 1));
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_UNKNOWN_DEVICE);
            CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
        }
        CHECK(w.server_source.calls == 0);
        config = device_config("sensor-7", profile);
        world_device(t, &w, &config);
        CHECK(establish(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

void case_wrong_server_key(struct check *t) {
    struct world w;
    struct message query, answer, out;
    lscoap_client_config config = device_config("sensor-7", LSCOAP_SIGNED);
    config.server_key = device_key; /* a point, but not the server's */
    world_init(t, &w, LSCOAP_SIGNED);
    world_device(t, &w, &config);
    CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
    CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_SEND);
    check_refused(t, &w, &query, 2);
    config.profile = LSCOAP_EXPRESS;
    world_device(t, &w, &config);
    CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
    check_refused(t, &w, &query, 2);
    CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_REFUSED);
    CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_AUTHENTICATION);
    world_wipe(&w);
}

/* The device holds another key than the one enrolled. */
void case_wrong_device_key(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out;
        lscoap_session session = {{0}};
        world_init(t, &w, profile);
        memcpy(w.directory.key, server_key, sizeof server_key);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_SEND);
            check_refused(t, &w, &query, 2);
        } else {
            CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_AUTHENTICATION);
            CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
        }
        /* A directory that gives no key at all is no reason to fall over. */
        memset(w.directory.key, 0xff, sizeof w.directory.key);
        CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
        lscoap_status status = client_step(t, &w, NULL, &query);
        while (status == LSCOAP_SEND && server_step(t, &w, &query, &answer) == LSCOAP_SEND) {
            status = client_step(t, &w, &answer, &query);
        }
        CHECK(status != LSCOAP_READY);
        memcpy(w.directory.key, device_key, sizeof device_key);
        CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
        CHECK(establish(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

/* Someone who knows the device's id and the server's public key, but no secret, plays the server.
 */
void case_impostor_server(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w, impostor;
        struct message query, answer, out;
        lscoap_session session = {{0}};
        world_init(t, &w, profile);
        world_init(t, &impostor, profile);
        impostor.server_config.identity = device_secret;
        CHECK_STATUS(lscoap_server_init(&impostor.server, &impostor.server_platform,
                                        &impostor.server_config, impostor.slots, SLOTS),
                     LSCOAP_OK);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(server_step(t, &impostor, &query, &answer), LSCOAP_SEND);
            CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_SEND);
        }
        CHECK_STATUS(server_step(t, &impostor, &query, &answer), LSCOAP_REFUSED);
        CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_AUTHENTICATION);
        memset(answer.bytes + 1, 0x5a, 72); /* an M4 or X2 out of thin air */
        answer.bytes[0] = profile == LSCOAP_SIGNED ? 0x14 : 0x16;
        answer.len = profile == LSCOAP_SIGNED ? 73 : 42;
        CHECK(client_step(t, &w, &answer, &out) < 0);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
        world_wipe(&impostor);
        world_wipe(&w);
    }
}

/* The step that makes a session says which; a repeated message makes none. */
void case_step_says_what_it_made(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session session = {{0}}, *made = &session;
        lscoap_sender from = {0};
        struct message query;
        uint8_t out[LSCOAP_MESSAGE_MAX], object[64];
        size_t len;
        lscoap_exchange exchange;
        world_init(t, &w, profile);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        lscoap_io io = {query.bytes, query.len, BYTES(out), 0, w.now_ms, NULL, 0};
        CHECK_STATUS(lscoap_server_step(&w.server, &from, &io, &made), LSCOAP_SEND);
        CHECK((made == NULL) == (profile == LSCOAP_SIGNED));
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(lscoap_client_step(&w.client, out, io.out_len, BYTES(query.bytes), &len),
                         LSCOAP_SEND);
            io.input_len = len;
            CHECK_STATUS(lscoap_server_step(&w.server, &from, &io, &made), LSCOAP_SEND);
        }
        CHECK_STATUS(lscoap_client_step(&w.client, out, io.out_len, BYTES(object), &len),
                     LSCOAP_ERR_CAPACITY);
        uint8_t last[LSCOAP_MESSAGE_MAX];
        CHECK_STATUS(lscoap_client_step(&w.client, out, io.out_len, BYTES(last), &len),
                     LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK_STATUS(seal_request_bytes(&session, AAD, (const uint8_t *)PLAIN, PLAIN_LEN,
                                        BYTES(object), &len, &exchange),
                     LSCOAP_OK);
        CHECK(made != NULL && made == lscoap_server_find(&w.server, w.now_ms, object, len));
        made = &session;
        CHECK_STATUS(lscoap_server_step(&w.server, &from, &io, &made), LSCOAP_SEND);
        CHECK(made == NULL);
        made = &session;
        io.input_len = 1;
        CHECK_STATUS(lscoap_server_step(&w.server, &from, &io, &made), LSCOAP_REFUSED);
        CHECK(made == NULL);
        lscoap_session_wipe(&session);
        world_wipe(&w);
    }
}
