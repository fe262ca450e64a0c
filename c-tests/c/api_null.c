/* Every pointer of every function, null. */
#include "record.h"
#include <string.h>

/* The fields of a record call, to be made null one by one. */
enum { SESSION, AAD_FIELD, INPUT, OUT, EXCHANGE, FOUND, FIELDS };

static bool make_null(struct record_call *call, int field) {
    bool server = call->op == SERVER_OPEN;
    switch (field) {
    case SESSION:
        call->session = NULL;
        call->server = NULL;
        return true;
    case AAD_FIELD:
        call->aad = NULL;
        return record_has_aad(call->op);
    case INPUT:
        call->input = NULL;
        return true;
    case OUT:
        call->out = NULL;
        return true;
    case EXCHANGE:
        call->exchange = NULL;
        return true;
    default:
        call->found = NULL;
        return server;
    }
}

void case_null_in_records(struct check *t) {
    for (int op = 0; op < OPS; op++) {
        struct stage s;
        stage_init(t, &s, op);
        for (int field = 0; field < FIELDS; field++) {
            struct record_call call = s.call;
            if (make_null(&call, field)) {
                CHECK_STATUS(record(&call), LSCOAP_ERR_NULL);
            }
            stage_untouched(t, &s);
        }
        stage_succeeds(t, &s); /* nothing was used up */
        stage_wipe(&s);
    }
}

/* Null with length 0 is no bytes. */
void case_null_is_empty(struct check *t) {
    struct world w;
    lscoap_session device = {{0}}, *found;
    lscoap_exchange ours, theirs;
    uint8_t object[32], out[32];
    size_t len, out_len = 1;
    world_init(t, &w, LSCOAP_EXPRESS);
    establish(t, &w, &device);
    lscoap_io io = {NULL, 0, BYTES(object), 0, 0, NULL, 0};
    CHECK_STATUS(seal_request_bytes(&device, NULL, 0, NULL, 0, BYTES(object), &len, &ours),
                 LSCOAP_OK);
    CHECK(len == 3 + 8);
    /* An empty plaintext needs no room. */
    CHECK_STATUS(server_open_bytes(&w.server, w.now_ms, NULL, 0, object, len, NULL, 0, &out_len,
                                   &found, &theirs),
                 LSCOAP_OK);
    CHECK(out_len == 0);
    CHECK_STATUS(lscoap_seal_response(found, &io, &theirs), LSCOAP_OK);
    CHECK(io.out_len == 1 + 8);
    io = (lscoap_io){object, io.out_len, BYTES(out), 0, 0, NULL, 0};
    CHECK_STATUS(lscoap_open_response(&device, &io, &ours), LSCOAP_OK);
    CHECK(io.out_len == 0);
    io.input = NULL;
    io.input_len = 0;
    CHECK_STATUS(lscoap_open_response(&device, &io, &ours), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_seal_request(&device, NULL, &ours), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_open_request(&device, NULL, &ours), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_open_response(&device, NULL, &ours), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_seal_response(found, NULL, &theirs), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_seal_notification(found, NULL, &theirs), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_open_request(&w.server, NULL, &found, &theirs), LSCOAP_ERR_NULL);
    CHECK_STATUS(server_open_bytes(&w.server, w.now_ms, NULL, 0, NULL, 0, BYTES(out), &out_len,
                                   &found, &theirs),
                 LSCOAP_ERR_MALFORMED);
    CHECK(lscoap_server_find(&w.server, w.now_ms, NULL, 0) == NULL);
    /* A peer without an address, and a message without bytes. */
    uint8_t alert[LSCOAP_MESSAGE_MAX];
    CHECK_STATUS(step_bytes(&w.server, NULL, 0, NULL, 0, w.now_ms, NULL, 0, BYTES(alert), &len),
                 LSCOAP_REFUSED);
    CHECK(len == 2 && alert[0] == 0x1f && alert[1] == 3);
    world_wipe(&w);
}

void case_null_in_client(struct check *t) {
    struct world w;
    lscoap_client_config good = device_config("sensor-7", LSCOAP_SIGNED), config;
    lscoap_platform platform;
    lscoap_session session = {{0}};
    uint8_t out[LSCOAP_MESSAGE_MAX];
    size_t len = 12345;
    memset(out, CANARY, sizeof out);
    world_init(t, &w, LSCOAP_SIGNED);
    lscoap_client *client = &w.client;

    CHECK_STATUS(lscoap_client_init(NULL, &w.device_platform, &good), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_init(client, NULL, &good), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_init(client, &w.device_platform, NULL), LSCOAP_ERR_NULL);
    platform = w.device_platform;
    platform.random = NULL;
    CHECK_STATUS(lscoap_client_init(client, &platform, &good), LSCOAP_ERR_NULL);
    config = good;
    config.device_id = NULL;
    CHECK_STATUS(lscoap_client_init(client, &w.device_platform, &config), LSCOAP_ERR_NULL);
    config = good;
    config.identity = NULL;
    CHECK_STATUS(lscoap_client_init(client, &w.device_platform, &config), LSCOAP_ERR_NULL);
    config = good;
    config.server_key = NULL;
    CHECK_STATUS(lscoap_client_init(client, &w.device_platform, &config), LSCOAP_ERR_NULL);
    config = good;
    config.cid_len = 1;
    CHECK_STATUS(lscoap_client_init(client, &w.device_platform, &config), LSCOAP_ERR_NULL);

    CHECK_STATUS(lscoap_client_step(NULL, NULL, 0, BYTES(out), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_step(client, NULL, 1, BYTES(out), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_step(client, NULL, 0, NULL, sizeof out, &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_step(client, NULL, 0, BYTES(out), NULL), LSCOAP_ERR_NULL);
    CHECK_FILLED(out, CANARY, sizeof out);
    CHECK(len == 12345);
    CHECK_STATUS(lscoap_client_finish(NULL, &session), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_finish(client, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_client_restart(NULL), LSCOAP_ERR_NULL);
    lscoap_client_wipe(NULL);
    lscoap_session_wipe(NULL);
    establish(t, &w, &session);

    CHECK_STATUS(lscoap_session_device_id(NULL, BYTES(out), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_device_id(&session, NULL, 32, &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_device_id(&session, BYTES(out), NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_fingerprint(NULL, out), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_fingerprint(&session, NULL), LSCOAP_ERR_NULL);
    const uint8_t *text = (const uint8_t *)"x";
    CHECK_STATUS(lscoap_session_export_key(NULL, text, 1, text, 1, out, 16), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_export_key(&session, NULL, 1, text, 1, out, 16), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_export_key(&session, text, 1, NULL, 1, out, 16), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_session_export_key(&session, text, 1, text, 1, NULL, 16), LSCOAP_ERR_NULL);
    CHECK_FILLED(out, CANARY, sizeof out);
    CHECK_STATUS(lscoap_session_export_key(&session, NULL, 0, NULL, 0, out, 16), LSCOAP_OK);
    world_wipe(&w);
}

void case_null_in_server(struct check *t) {
    struct world w;
    lscoap_server_config config;
    lscoap_platform platform;
    struct message m1;
    uint8_t out[LSCOAP_MESSAGE_MAX];
    size_t len = 12345;
    const uint8_t *peer = (const uint8_t *)"peer";
    memset(out, CANARY, sizeof out);
    world_init(t, &w, LSCOAP_SIGNED);
    lscoap_server *server = &w.server;
    platform = w.server_platform;
    config = w.server_config;

    CHECK_STATUS(lscoap_server_init(NULL, &platform, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_init(server, NULL, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_init(server, &platform, NULL, w.slots, SLOTS), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_init(server, &platform, &config, NULL, SLOTS), LSCOAP_ERR_NULL);
    config.identity = NULL;
    CHECK_STATUS(lscoap_server_init(server, &platform, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);
    config = w.server_config;
    config.find_device = NULL;
    CHECK_STATUS(lscoap_server_init(server, &platform, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);
    config = w.server_config;
    platform.random = NULL;
    CHECK_STATUS(lscoap_server_init(server, &platform, &config, w.slots, SLOTS), LSCOAP_ERR_NULL);

    CHECK_STATUS(client_step(t, &w, NULL, &m1), LSCOAP_SEND);
    CHECK_STATUS(step_bytes(NULL, peer, 4, NULL, 0, w.now_ms, m1.bytes, m1.len, BYTES(out), &len),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(step_bytes(server, NULL, 4, NULL, 0, w.now_ms, m1.bytes, m1.len, BYTES(out), &len),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(step_bytes(server, peer, 4, NULL, 4, w.now_ms, m1.bytes, m1.len, BYTES(out), &len),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(step_bytes(server, peer, 4, NULL, 0, w.now_ms, NULL, m1.len, BYTES(out), &len),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(step_bytes(server, peer, 4, NULL, 0, w.now_ms, m1.bytes, m1.len, NULL,
                            LSCOAP_MESSAGE_MAX, &len),
                 LSCOAP_ERR_NULL);
    lscoap_sender from = {peer, 4, NULL, 0};
    lscoap_io io = {m1.bytes, m1.len, BYTES(out), 12345, 0, NULL, 0};
    CHECK_STATUS(lscoap_server_step(server, NULL, &io, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_step(server, &from, NULL, NULL), LSCOAP_ERR_NULL);
    CHECK(io.out_len == 12345);
    CHECK_FILLED(out, CANARY, sizeof out);
    CHECK(len == 12345 && w.directory.calls == 0);

    CHECK(lscoap_server_find(NULL, w.now_ms, m1.bytes, m1.len) == NULL);
    CHECK(lscoap_server_find(server, w.now_ms, NULL, 4) == NULL);
    CHECK_STATUS(lscoap_server_public_key(NULL, out), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_public_key(server, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_public_key(server, out), LSCOAP_OK);
    CHECK_BYTES(out, server_key, sizeof server_key);
    lscoap_server_wipe(NULL);
    world_wipe(&w);
}
