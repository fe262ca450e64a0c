/* How the sessions of a client come about (protocol sections 4 to 6 and 8), and end. */
#include "client.h"

#include <string.h>

enum { FORGOTTEN_ATTEMPTS = 3 }; /* for a handshake that the server forgets meanwhile */

/* Takes the session out of the finished handshake. */
static int take_session(lscoap_libcoap_client *client, lscoap_libcoap_event_type how) {
    lscoap_libcoap_event event = {.type = how};
    int place = lc_session_next_place(client);
    lscoap_status status;

    lc_session_wipe(client, place);
    status = lscoap_client_finish(&client->handshake, &client->sessions[place]);
    if (status == LSCOAP_OK) {
        client->states[place] = LC_NEW;
        client->newest = place;
        client->stored = false;
        lc_observations_clear(client);
        event.session = lc_session(client);
        lc_client_tell(client, &event);
    }
    return status;
}

int lscoap_libcoap_connect(lscoap_libcoap_client *client, coap_session_t *peer,
                           uint32_t timeout_ms) {
    lscoap_status status = LSCOAP_ERR_STATE;
    bool forgotten = true;

    if (client->pending.kind != LC_IDLE) {
        return LSCOAP_ERR_STATE;
    }
    /* The server forgets a handshake after 30 s, which is less than what retransmissions may take.
     */
    for (int attempt = 0; attempt < FORGOTTEN_ATTEMPTS && forgotten; attempt++) {
        status = lc_shake_hands(client, peer, NULL, timeout_ms, &forgotten);
    }
    return status == LSCOAP_READY ? take_session(client, LSCOAP_LIBCOAP_CONNECTED) : status;
}

int lscoap_libcoap_resume(lscoap_libcoap_client *client, coap_session_t *peer,
                          uint32_t timeout_ms) {
    const lscoap_session *session = NULL;
    lscoap_status status;
    bool forgotten;

    for (int i = 0; i < 2; i++) {
        if (client->states[i] == LC_CONFIRMED) {
            session = &client->sessions[i];
        }
    }
    if (session == NULL || client->pending.kind != LC_IDLE) {
        return LSCOAP_ERR_STATE;
    }
    status = lc_shake_hands(client, peer, session, timeout_ms, &forgotten);
    return status == LSCOAP_READY ? take_session(client, LSCOAP_LIBCOAP_RESUMED) : status;
}

int lscoap_libcoap_renew(lscoap_libcoap_client *client, coap_session_t *peer, uint32_t timeout_ms) {
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_RENEWING};
    int status = lscoap_libcoap_resume(client, peer, timeout_ms);

    if (status == LSCOAP_OK || status == LSCOAP_LIBCOAP_ERR_TIMEOUT ||
        status == LSCOAP_LIBCOAP_ERR_UNREACHABLE || status == LSCOAP_LIBCOAP_ERR_MEMORY) {
        return status; /* the network's fault would be another handshake's as well */
    }
    if (status != LSCOAP_ERR_STATE) {
        event.status = status;
        lc_client_tell(client, &event);
    }
    return lscoap_libcoap_connect(client, peer, timeout_ms);
}

static bool is_own(const lscoap_libcoap_client *client, const lscoap_session *session) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t len;

    return lscoap_session_device_id(session, id, sizeof id, &len) == LSCOAP_OK &&
           len == client->config.client.device_id_len && memcmp(id, client->device_id, len) == 0;
}

int lscoap_libcoap_restore(lscoap_libcoap_client *client, coap_session_t *peer, const uint8_t *blob,
                           size_t blob_len) {
    int place = lc_session_next_place(client);
    lscoap_status status;

    if (client->pending.kind != LC_IDLE) {
        return LSCOAP_ERR_STATE;
    }
    status =
        lscoap_session_restore(&client->sessions[place], &client->config.platform, blob, blob_len);
    if (status != LSCOAP_OK) {
        return status;
    }
    client->states[place] = LC_NONE;
    if (client->config.write_session == NULL || !is_own(client, &client->sessions[place])) {
        lc_session_wipe(client, place);
        return LSCOAP_ERR_STATE;
    }
    lc_set_peer(client, peer);
    lc_session_wipe(client, !place); /* storage has room for one, and that is this one now */
    client->states[place] = LC_CONFIRMED;
    client->newest = place;
    client->stored = true;
    lc_observations_clear(client);
    return lc_session_store(client, LSCOAP_LIBCOAP_BLOCK);
}

void lscoap_libcoap_disconnect(lscoap_libcoap_client *client) {
    if (client->pending.kind != LC_IDLE) { /* by a handler: what is waited for ends */
        client->pending.status = LSCOAP_ERR_STATE;
        client->pending.done = true;
    }
    if (client->stored && lc_session(client) != NULL) {
        (void)lc_session_store(client,
                               0); /* nothing reserved is wasted; where it fails, a block is */
    }
    lc_session_wipe(client, 0);
    lc_session_wipe(client, 1);
    client->stored = false;
    lc_observations_clear(client);
    lc_set_peer(client, NULL);
}
