/* Calls and messages out of order. */
#include "record.h"
#include <string.h>

void case_finish_too_early(struct check *t) {
    struct world w;
    struct message query, answer;
    lscoap_session session;
    world_init(t, &w, LSCOAP_SIGNED);
    memset(&session, CANARY, sizeof session);
    CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
    CHECK_STATUS(client_step(t, &w, NULL, &query), LSCOAP_SEND);
    CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
    CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
    CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_SEND);
    CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
    CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
    CHECK_STATUS(client_step(t, &w, &answer, &query), LSCOAP_READY);
    CHECK_FILLED(&session, CANARY, sizeof session);
    CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
    CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_ERR_STATE);
    CHECK(confirm(t, &w, &session) != NULL); /* and that took nothing from the session */
    world_wipe(&w);
}

void case_step_when_ready(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        struct message query, answer, out;
        lscoap_session session = {{0}};
        lscoap_status status;
        world_init(t, &w, profile);
        status = client_step(t, &w, NULL, &query);
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(server_step(t, &w, &query, &answer), LSCOAP_SEND);
            status = client_step(t, &w, &answer, &query);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(client_step(t, &w, NULL, &out), LSCOAP_ERR_STATE);
        CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_UNEXPECTED);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        /* The next handshake begins with a fresh message. */
        CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_UNEXPECTED);
        CHECK(establish(t, &w, &session) != NULL);
        world_wipe(&w);
    }
}

void case_restart(struct check *t) {
    struct world w;
    struct message first, second, answer, out;
    lscoap_session session = {{0}};
    world_init(t, &w, LSCOAP_SIGNED);
    CHECK_STATUS(client_step(t, &w, NULL, &first), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &w, &first, &answer), LSCOAP_SEND);
    CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
    CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ERR_UNEXPECTED);
    CHECK_STATUS(client_step(t, &w, NULL, &second), LSCOAP_SEND);
    CHECK(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) != 0);
    /* The answer to the first M1 is well-formed, but leads nowhere. */
    CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &w, &out, &answer), LSCOAP_REFUSED);
    CHECK(answer.bytes[1] == 2);
    CHECK_STATUS(client_step(t, &w, &answer, &out), LSCOAP_ALERT_AUTHENTICATION);
    CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK); /* nothing under way */
    CHECK_STATUS(try_request(t, &w, &session), LSCOAP_OK);
    world_wipe(&w);
}

/* Every message at every moment at which it is not awaited. */
void case_messages_out_of_order(struct check *t) {
    struct world signed_w, express_w;
    struct message m[6], out;
    lscoap_session session = {{0}};
    world_init(t, &signed_w, LSCOAP_SIGNED);
    world_init(t, &express_w, LSCOAP_EXPRESS);
    CHECK_STATUS(client_step(t, &signed_w, NULL, &m[0]), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &signed_w, &m[0], &m[1]), LSCOAP_SEND);
    CHECK_STATUS(client_step(t, &signed_w, &m[1], &m[2]), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &signed_w, &m[2], &m[3]), LSCOAP_SEND);
    CHECK_STATUS(client_step(t, &express_w, NULL, &m[4]), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &express_w, &m[4], &m[5]), LSCOAP_SEND);

    struct world w;
    world_init(t, &w, LSCOAP_SIGNED);
    for (size_t i = 0; i < 6; i++) { /* nothing begun */
        CHECK_STATUS(client_step(t, &w, &m[i], &out), LSCOAP_ERR_UNEXPECTED);
    }
    CHECK_STATUS(client_step(t, &w, NULL, &out), LSCOAP_SEND);
    for (size_t i = 0; i < 6; i++) {
        if (i != 1) {
            CHECK_STATUS(client_step(t, &w, &m[i], &out), LSCOAP_ERR_UNEXPECTED);
        }
    }
    for (size_t i = 0; i < 6; i++) { /* M4 awaited */
        if (i != 3) {
            CHECK_STATUS(client_step(t, &signed_w, &m[i], &out), LSCOAP_ERR_UNEXPECTED);
        }
        if (i != 5) { /* X2 awaited */
            CHECK_STATUS(client_step(t, &express_w, &m[i], &out), LSCOAP_ERR_UNEXPECTED);
        }
    }
    CHECK_STATUS(client_step(t, &signed_w, &m[3], &out), LSCOAP_READY);
    CHECK_STATUS(client_step(t, &express_w, &m[5], &out), LSCOAP_READY);

    /* What a server never gets from a client is malformed to it; an M3 of nobody's is unknown. */
    for (size_t i = 1; i < 6; i += 2) {
        CHECK_STATUS(server_step(t, &w, &m[i], &out), LSCOAP_REFUSED);
        CHECK(out.len == 2 && out.bytes[0] == 0x1f && out.bytes[1] == 3);
        CHECK(lscoap_response_code(out.bytes, out.len) == (4 << 5));
    }
    CHECK_STATUS(server_step(t, &w, &m[2], &out), LSCOAP_REFUSED);
    CHECK(out.len == 2 && out.bytes[1] == 5);
    CHECK_STATUS(lscoap_client_restart(&w.client), LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    world_wipe(&signed_w);
    world_wipe(&express_w);
    world_wipe(&w);
}

/* Until the client's first record has opened, the server's end sends and delivers nothing. */
void case_unconfirmed_session(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w;
        lscoap_session session = {{0}};
        struct object object, other;
        lscoap_exchange ours, theirs, none;
        memset(&none, 0, sizeof none);
        world_init(t, &w, profile);
        connect(t, &w, &session);
        CHECK_STATUS(seal_request(&session, &object, &ours), LSCOAP_OK);
        lscoap_session *found = lscoap_server_find(&w.server, w.now_ms, object.bytes, object.len);
        CHECK(found != NULL);
        CHECK_STATUS(seal_request(found, &other, &theirs), LSCOAP_ERR_STATE);
        CHECK_STATUS(open_request(found, &object, &theirs), LSCOAP_ERR_STATE);
        CHECK_STATUS(seal_response(found, &none, &other), LSCOAP_ERR_STATE);
        CHECK_STATUS(seal_notification(found, &none, &other), LSCOAP_ERR_STATE);
        CHECK_STATUS(server_open(&w, &object, &theirs), LSCOAP_OK);
        CHECK(lscoap_server_find(&w.server, w.now_ms, object.bytes, object.len) == found);
        CHECK_STATUS(seal_request(found, &other, &ours), LSCOAP_OK);
        CHECK_STATUS(open_request(found, &object, &theirs), LSCOAP_ERR_REPLAY);
        world_wipe(&w);
    }
}
