/* The server's slots: room, time, and who makes room for whom. */
#include "record.h"
#include <string.h>

static const char *const ids[SLOTS + 1] = {"sensor-1", "sensor-2", "sensor-3", "sensor-4",
                                           "sensor-5"};

static void become(struct check *t, struct world *w, const char *id, int32_t profile) {
    lscoap_client_config config = device_config(id, profile);
    world_device(t, w, &config);
}

/* Confirmed sessions make no room: who comes late is told so, and everyone else is served. */
void case_busy(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session sessions[SLOTS];
        struct message query, answer, out;
        memset(sessions, 0, sizeof sessions);
        world_init(t, &w, profile);
        for (size_t i = 0; i < SLOTS; i++) {
            become(t, &w, ids[i], profile);
            CHECK(establish(t, &w, &sessions[i]) != NULL);
        }
        become(t, &w, ids[SLOTS], profile);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_REFUSED);
        CHECK(answer.len == 2 && answer.bytes[1] == 4);
        CHECK(lscoap_response_code(answer.bytes, answer.len) == (5 << 5 | 3));
        CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_BUSY);
        w.now_ms += 1000000000;
        for (size_t i = 0; i < SLOTS; i++) {
            CHECK_STATUS(try_request(t, &w, &sessions[i]), LSCOAP_OK);
        }
        world_wipe(&w);
    }
}

/* Where a session is, whatever is before it. */
void case_slot_index(struct check *t) {
    struct world w;
    lscoap_session sessions[SLOTS];
    lscoap_session *server_sessions[SLOTS];
    size_t index;
    memset(sessions, 0, sizeof sessions);
    world_init(t, &w, LSCOAP_EXPRESS);
    for (size_t i = 0; i < SLOTS; i++) {
        become(t, &w, ids[i], LSCOAP_EXPRESS);
        server_sessions[i] = establish(t, &w, &sessions[i]);
        CHECK(server_sessions[i] != NULL);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        index = SLOTS;
        CHECK_STATUS(lscoap_server_slot_index(&w.server, server_sessions[i], &index), LSCOAP_OK);
        CHECK(index == i);
        CHECK_STATUS(lscoap_server_slot_index(&w.server, &sessions[i], &index),
                     LSCOAP_ERR_ARGUMENT);
        /* As far from slot to slot as a slot is long, and nothing else in one is its session. */
        const char *place = (const char *)server_sessions[i];
        CHECK((size_t)(place - (const char *)server_sessions[0]) == i * sizeof(lscoap_slot));
        for (const char *at = (const char *)&w.slots[i]; at < (const char *)&w.slots[i + 1]; at++) {
            if (at != place) {
                CHECK_STATUS(lscoap_server_slot_index(&w.server, (const void *)at, &index),
                             LSCOAP_ERR_ARGUMENT);
            }
        }
    }
    CHECK_STATUS(lscoap_server_slot_index(&w.server, (const void *)&w.slots[SLOTS], &index),
                 LSCOAP_ERR_ARGUMENT);
    index = 99;
    CHECK_STATUS(lscoap_server_slot_index(NULL, server_sessions[0], &index), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_slot_index(&w.server, NULL, &index), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_slot_index(&w.server, server_sessions[0], NULL), LSCOAP_ERR_NULL);
    CHECK(index == 99);
    lscoap_server_wipe(&w.server);
    CHECK_STATUS(lscoap_server_slot_index(&w.server, server_sessions[0], &index),
                 LSCOAP_ERR_UNINITIALISED);
    CHECK(index == 99);
    world_wipe(&w);
}

/* More half-open handshakes than room: the oldest goes. */
void case_half_open_pressure(struct check *t) {
    struct world w[SLOTS + 1];
    struct message m1[SLOTS + 1], m2[SLOTS + 1], m3, m4, out;
    for (size_t i = 0; i <= SLOTS; i++) {
        world_init(t, &w[i], LSCOAP_SIGNED);
        w[i].device_source.state = i + 100;
        become(t, &w[i], ids[i], LSCOAP_SIGNED);
        CHECK_STATUS(client_step(t, &w[i], NULL, &m1[i]), LSCOAP_SEND);
        lscoap_status status = server_step(t, &w[0], &m1[i], &m2[i]);
        CHECK_STATUS(status, i <= SLOTS / 2 ? LSCOAP_SEND : LSCOAP_REFUSED);
        if (status == LSCOAP_REFUSED) { /* more than half is taken: with a cookie then */
            CHECK(is_answer(status, &m2[i]));
            CHECK_STATUS(client_step(t, &w[i], &m2[i], &m1[i]), LSCOAP_SEND);
            CHECK_STATUS(server_step(t, &w[0], &m1[i], &m2[i]), LSCOAP_SEND);
        }
    }
    for (size_t i = 0; i <= SLOTS; i++) {
        CHECK_STATUS(client_step(t, &w[i], &m2[i], &m3), LSCOAP_SEND);
        if (i == 0) {
            CHECK_STATUS(server_step(t, &w[0], &m3, &m4), LSCOAP_REFUSED);
            CHECK(m4.bytes[1] == 5 || m4.bytes[1] == 2); /* its id may be another's now */
        } else {
            CHECK_STATUS(server_step(t, &w[0], &m3, &m4), LSCOAP_SEND);
            CHECK_STATUS(client_step(t, &w[i], &m4, &out), LSCOAP_READY);
        }
    }
    for (size_t i = 0; i <= SLOTS; i++) {
        world_wipe(&w[i]);
    }
}

void case_half_open_expiry(struct check *t) {
    for (uint64_t wait = 29999; wait <= 30000; wait++) {
        struct world w;
        struct message m1, m2, m3, m4, out;
        world_init(t, &w, LSCOAP_SIGNED);
        CHECK_STATUS(client_step(t, &w, NULL, &m1), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &m1, &m2), LSCOAP_SEND);
        CHECK_STATUS(client_step(t, &w, &m2, &m3), LSCOAP_SEND);
        w.now_ms += wait;
        if (wait < 30000) {
            CHECK_STATUS(server_step(t, &w, &m3, &m4), LSCOAP_SEND);
            CHECK_STATUS(client_step(t, &w, &m4, &out), LSCOAP_READY);
        } else {
            CHECK_STATUS(server_step(t, &w, &m3, &m4), LSCOAP_REFUSED);
            CHECK(m4.bytes[1] == 5);
            CHECK_STATUS(client_step(t, &w, &m4, &out), LSCOAP_ALERT_UNKNOWN_SESSION);
            /* and the M1 of then begins anew */
            CHECK_STATUS(server_step(t, &w, &m1, &out), LSCOAP_SEND);
            CHECK(memcmp(out.bytes, m2.bytes, m2.len) != 0);
        }
        world_wipe(&w);
    }
}

void case_unconfirmed_expiry(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        for (uint64_t wait = 59999; wait <= 60000; wait++) {
            struct world w;
            lscoap_session session = {{0}};
            struct object object;
            lscoap_exchange ours, theirs;
            world_init(t, &w, profile);
            connect(t, &w, &session);
            CHECK_STATUS(seal_request(&session, &object, &ours), LSCOAP_OK);
            w.now_ms += wait;
            bool alive = wait < 60000;
            CHECK((lscoap_server_find(&w.server, w.now_ms, object.bytes, object.len) != NULL) ==
                  alive);
            CHECK_STATUS(server_open(&w, &object, &theirs),
                         alive ? LSCOAP_OK : LSCOAP_ERR_UNKNOWN_SESSION);
            w.now_ms += 1000000000000; /* confirmed sessions stay */
            CHECK_STATUS(try_request(t, &w, &session),
                         alive ? LSCOAP_OK : LSCOAP_ERR_UNKNOWN_SESSION);
            world_wipe(&w);
        }
    }
}

/* Clocks at their ends. */
void case_clock_edges(struct check *t) {
    static const uint64_t clocks[] = {0, 1, UINT64_MAX - 60001, UINT64_MAX - 1};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct world w;
        lscoap_session session = {{0}};
        world_init(t, &w, LSCOAP_SIGNED);
        w.now_ms = clocks[i];
        CHECK(establish(t, &w, &session) != NULL);
        w.now_ms = UINT64_MAX;
        CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);
        world_wipe(&w);
    }
}

/* A new session of the device's ends the old one when it is used, not before. */
void case_supersede(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session older = {{0}}, newer = {{0}}, other = {{0}};
        world_init(t, &w, profile);
        become(t, &w, "sensor-1", profile);
        CHECK(establish(t, &w, &other) != NULL);
        become(t, &w, "sensor-7", profile);
        CHECK(establish(t, &w, &older) != NULL);
        CHECK(connect(t, &w, &newer));
        CHECK_STATUS(try_request(t, &w, &older), LSCOAP_OK);
        CHECK(confirm(t, &w, &newer) != NULL);
        CHECK_STATUS(try_request(t, &w, &older), LSCOAP_ERR_UNKNOWN_SESSION);
        CHECK_STATUS(try_request(t, &w, &newer), LSCOAP_OK);
        CHECK_STATUS(try_request(t, &w, &other), LSCOAP_OK);
        for (int i = 0; i < 3 * SLOTS; i++) { /* so one device fills no table */
            CHECK(establish(t, &w, &older) != NULL);
        }
        CHECK_STATUS(try_request(t, &w, &other), LSCOAP_OK);
        world_wipe(&w);
    }
}

/* A handshake that someone held back does not displace a newer session. */
void case_held_back_handshake(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session held_back = {{0}}, newer = {{0}};
        struct message query, answer, m3 = {{0}, 0};
        world_init(t, &w, profile);
        CHECK(connect(t, &w, &held_back)); /* unconfirmed */
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(client_step(t, &w, &answer, &m3), LSCOAP_SEND); /* half-open */
        }
        CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
        CHECK(establish(t, &w, &newer) != NULL);
        CHECK_STATUS(try_request(t, &w, &held_back), LSCOAP_ERR_UNKNOWN_SESSION);
        if (profile == LSCOAP_SIGNED) {
            CHECK_STATUS(server_step(t, &w, &m3, &answer), LSCOAP_REFUSED);
            CHECK(answer.bytes[1] == 5);
        }
        /* An old first message, played again, leads to a handshake that nobody can end. */
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        CHECK_STATUS(try_request(t, &w, &newer), LSCOAP_OK);
        world_wipe(&w);
    }
}

/* A damaged record confirms nothing. */
void case_confirmation_needs_a_record(struct check *t) {
    struct world w;
    lscoap_session older = {{0}}, newer = {{0}};
    struct object object;
    lscoap_exchange ours, theirs;
    world_init(t, &w, LSCOAP_EXPRESS);
    CHECK(establish(t, &w, &older) != NULL);
    CHECK(connect(t, &w, &newer));
    CHECK_STATUS(seal_request(&newer, &object, &ours), LSCOAP_OK);
    object.bytes[object.len - 1] ^= 1;
    CHECK_STATUS(server_open(&w, &object, &theirs), LSCOAP_ERR_AUTHENTICATION);
    CHECK_STATUS(try_request(t, &w, &older), LSCOAP_OK);
    w.now_ms += 60000;
    CHECK_STATUS(try_request(t, &w, &newer), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(try_request(t, &w, &older), LSCOAP_OK);
    world_wipe(&w);
}
