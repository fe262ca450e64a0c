/* Objects that are not initialised, wiped, misaligned, or initialised twice. */
#include "record.h"
#include <string.h>

/* What every function says to this session and server. */
static void check_dead(struct check *t, lscoap_session *session, lscoap_server *server) {
    for (int op = 0; op < OPS; op++) {
        struct stage s;
        stage_init(t, &s, op);
        struct record_call call = s.call;
        call.session = session;
        call.server = server;
        CHECK_STATUS(record(&call), LSCOAP_ERR_UNINITIALISED);
        stage_untouched(t, &s);
        stage_wipe(&s);
    }
    uint8_t out[64];
    size_t len = 12345;
    memset(out, CANARY, sizeof out);
    CHECK_STATUS(lscoap_session_device_id(session, BYTES(out), &len), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_session_fingerprint(session, out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_session_export_key(session, out, 1, out, 1, out, 32),
                 LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_server_public_key(server, out), LSCOAP_ERR_UNINITIALISED);
    CHECK(lscoap_server_find(server, 0, out, sizeof out) == NULL);
    CHECK_FILLED(out, CANARY, sizeof out);
    CHECK(len == 12345);
}

void case_zeroed_objects(struct check *t) {
    static const lscoap_session session_of_zeroes;
    struct world w;
    lscoap_session session;
    struct message in = {{0x11}, 1}, out;
    memset(&w, 0, sizeof w);
    memset(&session, 0, sizeof session);
    CHECK_STATUS(client_step(t, &w, NULL, &out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(client_step(t, &w, &in, &out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(server_step(t, &w, &in, &out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_ERR_UNINITIALISED);
    check_dead(t, &session, &w.server);
    lscoap_client_wipe(&w.client);
    lscoap_server_wipe(&w.server);
    lscoap_session_wipe(&session);
    CHECK_BYTES(&session, &session_of_zeroes, sizeof session);
}

void case_zeroed_exchange(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        if (record_answers(op)) {
            struct stage s;
            stage_init(t, &s, op);
            lscoap_exchange good = s.exchange;
            memset(&s.exchange, 0, sizeof s.exchange);
            s.exchange_before = s.exchange;
            CHECK_STATUS(record(&s.call), LSCOAP_ERR_UNINITIALISED);
            stage_untouched(t, &s);
            s.exchange = good;
            stage_succeeds(t, &s);
            stage_wipe(&s);
        }
    }
}

void case_wiped_objects(struct check *t) {
    struct stage s;
    struct message in = {{0x11}, 1}, out;
    uint8_t before[sizeof(struct world)];
    uint8_t session_before[sizeof(lscoap_session)];
    stage_init(t, &s, SEAL_REQUEST);
    memcpy(before, &s.world, sizeof before);
    memcpy(session_before, &s.device, sizeof session_before);
    CHECK(contains(&s.world.client, sizeof s.world.client, device_secret, 32));
    CHECK(contains(&s.world.server, sizeof s.world.server, server_secret, 32));
    stage_wipe(&s);
    CHECK(!contains(&s.world, sizeof s.world, device_secret, 32));
    CHECK(!contains(&s.world, sizeof s.world, server_secret, 32));
    CHECK(!has_residue(&s.device, session_before, sizeof s.device));
    CHECK(!has_residue(s.world.slots, before + ((uint8_t *)s.world.slots - (uint8_t *)&s.world),
                       sizeof s.world.slots));

    CHECK_STATUS(client_step(t, &s.world, NULL, &out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(client_step(t, &s.world, &in, &out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(server_step(t, &s.world, &in, &out), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_client_finish(&s.world.client, &s.device), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_client_restart(&s.world.client), LSCOAP_ERR_UNINITIALISED);
    check_dead(t, &s.device, &s.world.server);
    stage_wipe(&s); /* wiping twice is nothing */
}

/* Between two handshakes a client keeps nothing of the first. */
void case_finish_and_restart_wipe(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer;
        lscoap_session session = {{0}};
        lscoap_client fresh;
        world_init(t, &w, profile);
        memcpy(&fresh, &w.client, sizeof fresh);
        CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
        CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
        CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
        /* Only the identity is left, and the count of random draws. */
        CHECK(differences(&fresh, &w.client, sizeof fresh) <= 1);
        connect(t, &w, &session);
        CHECK(differences(&fresh, &w.client, sizeof fresh) <= 1);
        world_wipe(&w);
    }
}

/* A server initialised again knows nothing of its sessions, and keeps no keys of theirs. */
void case_server_init_again(struct check *t) {
    struct world w;
    lscoap_session sessions[SLOTS];
    lscoap_slot before[SLOTS];
    memset(sessions, 0, sizeof sessions);
    world_init(t, &w, LSCOAP_EXPRESS);
    for (size_t i = 0; i < SLOTS; i++) {
        const char *ids[SLOTS] = {"sensor-1", "sensor-2", "sensor-3", "sensor-4"};
        lscoap_client_config config = device_config(ids[i], LSCOAP_EXPRESS);
        world_device(t, &w, &config);
        CHECK(establish(t, &w, &sessions[i]) != NULL);
    }
    memcpy(before, w.slots, sizeof before);
    CHECK_STATUS(
        lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
        LSCOAP_OK);
    for (size_t i = 0; i < SLOTS; i++) {
        CHECK_STATUS(try_request(t, &w, &sessions[i]), LSCOAP_ERR_UNKNOWN_SESSION);
    }
    CHECK(!has_residue(w.slots, before, sizeof before));
    CHECK(establish(t, &w, &sessions[0]) != NULL);
    world_wipe(&w);
}

/* "Clears the slots": whatever was in them. */
void case_slots_of_garbage(struct check *t) {
    for (unsigned fill = 0; fill < 256; fill += 51) {
        struct world w;
        lscoap_session session = {{0}};
        const char *ids[SLOTS] = {"sensor-1", "sensor-2", "sensor-3", "sensor-4"};
        world_init(t, &w, LSCOAP_SIGNED);
        memset(w.slots, (int)fill, sizeof w.slots);
        CHECK_STATUS(
            lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
            LSCOAP_OK);
        for (size_t i = 0; i < SLOTS; i++) { /* every slot gets used */
            lscoap_client_config config = device_config(ids[i], LSCOAP_EXPRESS);
            world_device(t, &w, &config);
            CHECK(establish(t, &w, &session) != NULL);
        }
        world_wipe(&w);
    }
}

/* An init that fails leaves the object as it was. */
void case_failed_init(struct check *t) {
    struct world w;
    lscoap_session session = {{0}};
    uint8_t zero[33] = {0};
    world_init(t, &w, LSCOAP_SIGNED);
    CHECK(establish(t, &w, &session) != NULL);
    lscoap_client_config config = device_config("sensor-7", LSCOAP_SIGNED);
    config.identity = zero;
    CHECK_STATUS(lscoap_client_init(&w.client, &w.device_platform, &config), LSCOAP_ERR_KEY);
    lscoap_server_config server_config = w.server_config;
    server_config.identity = zero;
    CHECK_STATUS(lscoap_server_init(&w.server, &w.server_platform, &server_config, w.slots, SLOTS),
                 LSCOAP_ERR_KEY);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    world_wipe(&w);
}

/* The application wipes a session of the server's: it is gone, and its room can be used again. */
void case_wipe_of_a_servers_session(struct check *t) {
    struct world w;
    lscoap_session sessions[SLOTS], another = {{0}};
    const char *ids[SLOTS] = {"sensor-1", "sensor-2", "sensor-3", "sensor-4"};
    memset(sessions, 0, sizeof sessions);
    world_init(t, &w, LSCOAP_EXPRESS);
    for (size_t i = 0; i < SLOTS; i++) {
        lscoap_client_config config = device_config(ids[i], LSCOAP_EXPRESS);
        world_device(t, &w, &config);
        lscoap_session_wipe(establish(t, &w, &sessions[i]));
        CHECK_STATUS(try_request(t, &w, &sessions[i]), LSCOAP_ERR_UNKNOWN_SESSION);
    }
    lscoap_client_config config = device_config("sensor-5", LSCOAP_EXPRESS);
    world_device(t, &w, &config);
    CHECK(establish(t, &w, &another) != NULL);
    world_wipe(&w);
}

/* A device that is taken out of the directory loses its session at once. */
void case_forgotten_device(struct check *t) {
    const uint8_t id[] = "sensor-1";
    const size_t id_len = sizeof id - 1;
    struct world w;
    lscoap_server zeroed = {{0}};
    lscoap_session session = {{0}};
    world_init(t, &w, LSCOAP_SIGNED);
    lscoap_client_config config = device_config("sensor-1", LSCOAP_SIGNED);
    world_device(t, &w, &config);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);
    CHECK_STATUS(lscoap_server_forget(&w.server, id, id_len - 1), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(lscoap_server_forget(&w.server, NULL, id_len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_forget(NULL, id, id_len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_forget(&zeroed, id, id_len), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);
    CHECK_STATUS(lscoap_server_forget(&w.server, id, id_len), LSCOAP_OK);
    CHECK_STATUS(lscoap_server_forget(&w.server, id, id_len), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_ERR_UNKNOWN_SESSION);
    world_wipe(&w);
}

/* Every one of many slots, in memory that held something else, is a slot of its own. */
void case_many_slots(struct check *t) {
    enum { MANY = 40 };
    static lscoap_slot slots[MANY];
    static lscoap_session sessions[MANY];
    struct world w;
    memset(slots, CANARY, sizeof slots);
    memset(sessions, 0, sizeof sessions);
    world_init(t, &w, LSCOAP_EXPRESS);
    lscoap_platform platform = {.context = &w.server_source, .random = source_random};
    lscoap_server_config config = {.identity = server_secret,
                                   .find_device = directory_find,
                                   .find_device_context = &w.directory};
    CHECK_STATUS(lscoap_server_init(&w.server, &platform, &config, slots, MANY), LSCOAP_OK);
    for (size_t i = 0; i < MANY; i++) {
        char id[] = "sensor-00";
        id[7] = (char)('0' + i / 10);
        id[8] = (char)('0' + i % 10);
        lscoap_client_config device = device_config(id, LSCOAP_EXPRESS);
        world_device(t, &w, &device);
        CHECK(establish(t, &w, &sessions[i]) != NULL);
    }
    for (size_t i = 0; i < MANY; i++) {
        CHECK_STATUS(try_request(t, &w, &sessions[i]), LSCOAP_OK);
    }
    world_wipe(&w);
}

/* Null asks for the last message; an empty message from the network does not. */
void case_empty_message(struct check *t) {
    struct world w;
    struct message m1, again;
    const uint8_t nothing[1] = {0};
    world_init(t, &w, LSCOAP_SIGNED);
    CHECK_STATUS(client_step(t, &w, NULL, &m1), LSCOAP_SEND);
    again = m1;
    CHECK_STATUS(lscoap_client_step(&w.client, nothing, 0, BYTES(again.bytes), &again.len),
                 LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(client_step(t, &w, NULL, &again), LSCOAP_SEND);
    CHECK(again.len == m1.len && memcmp(again.bytes, m1.bytes, m1.len) == 0);
    world_wipe(&w);
}

#define SHIFTED(object) ((void *)((uint8_t *)(void *)(object) + 1))

void case_misaligned(struct check *t) {
    /* Large enough for every object, shifted by one. */
    uint64_t room[1 + (SLOTS + 1) * sizeof(lscoap_slot) / 8] = {0};
    size_t *shifted_len = SHIFTED(room);
    struct world w;
    struct message message;
    uint8_t out[LSCOAP_MESSAGE_MAX];
    size_t len = 0;
    lscoap_client_config config = device_config("sensor-7", LSCOAP_SIGNED);
    lscoap_session session = {{0}};
    world_init(t, &w, LSCOAP_SIGNED);
    CHECK_STATUS(lscoap_client_init(SHIFTED(room), &w.device_platform, &config),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_client_init(&w.client, SHIFTED(room), &config), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_client_init(&w.client, &w.device_platform, SHIFTED(room)),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_client_step(SHIFTED(room), NULL, 0, BYTES(out), &len), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_client_step(&w.client, NULL, 0, BYTES(out), shifted_len),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_client_restart(SHIFTED(room)), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(
        lscoap_server_init(SHIFTED(room), &w.server_platform, &w.server_config, w.slots, SLOTS),
        LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(
        lscoap_server_init(&w.server, &w.server_platform, &w.server_config, SHIFTED(room), SLOTS),
        LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_server_public_key(SHIFTED(room), out), LSCOAP_ERR_ARGUMENT);
    CHECK(lscoap_server_find(SHIFTED(room), 0, out, 8) == NULL);

    CHECK_STATUS(client_step(t, &w, NULL, &message), LSCOAP_SEND);
    lscoap_sender from = {out, 4, NULL, 0};
    lscoap_io io = {message.bytes, message.len, BYTES(out), 0, w.now_ms, NULL, 0};
    CHECK_STATUS(lscoap_server_step(&w.server, SHIFTED(room), &io, NULL), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_server_step(&w.server, &from, SHIFTED(room), NULL), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_server_step(&w.server, &from, &io, SHIFTED(room)), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(lscoap_client_finish(&w.client, SHIFTED(room)), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_fingerprint(SHIFTED(room), out), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_session_device_id(&session, BYTES(out), shifted_len), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_format_server(server_key, (char *)out, 64, shifted_len),
                 LSCOAP_ERR_ARGUMENT);
    lscoap_client_wipe(SHIFTED(room));
    lscoap_server_wipe(SHIFTED(room));
    lscoap_session_wipe(SHIFTED(room));
    CHECK_FILLED(room, 0, sizeof room);
    world_wipe(&w);
}

/* Bytes need no alignment: no case shifts them, so this one does. Objects do. */
void case_misaligned_in_records(struct check *t) {
    uint64_t room[64];
    for (int op = 0; op < OPS; op++) {
        struct stage s;
        stage_init(t, &s, op);
        struct record_call call = s.call;
        call.session = SHIFTED(room);
        call.server = SHIFTED(room);
        CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
        call = s.call;
        call.exchange = SHIFTED(room);
        CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
        if (op == SERVER_OPEN) {
            call = s.call;
            call.found = SHIFTED(room);
            CHECK_STATUS(record(&call), LSCOAP_ERR_ARGUMENT);
        }
        stage_untouched(t, &s);
        memmove(s.input + 1, s.input, s.call.input_len);
        s.call.input++;
        s.call.out++;
        s.call.out_cap--;
        stage_succeeds(t, &s);
        stage_wipe(&s);
    }
}
