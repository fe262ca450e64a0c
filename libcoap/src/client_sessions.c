/* The sessions of a client (protocol section 8): how they are kept. */
#include "client.h"

lscoap_session *lc_session(lscoap_libcoap_client *client) {
    return client->states[client->newest] != LC_NONE ? &client->sessions[client->newest] : NULL;
}

lscoap_session *lscoap_libcoap_client_session(lscoap_libcoap_client *client) {
    return lc_session(client);
}

void lc_session_wipe(lscoap_libcoap_client *client, int which) {
    lscoap_session_wipe(&client->sessions[which]);
    client->states[which] = LC_NONE;
}

lscoap_status lc_session_store(lscoap_libcoap_client *client, uint32_t block) {
    lscoap_status status =
        lscoap_session_store(&client->sessions[client->newest], block, client->config.write_session,
                             client->config.write_context);

    client->stored = client->stored || status == LSCOAP_OK;
    return status;
}

void lc_session_confirmed(lscoap_libcoap_client *client) {
    if (client->states[client->newest] == LC_CONFIRMED) {
        return;
    }
    client->states[client->newest] = LC_CONFIRMED;
    lc_session_wipe(client, !client->newest);
    if (client->config.write_session != NULL) {
        lc_session_store(client,
                         LSCOAP_LIBCOAP_BLOCK); /* what fails is tried again before it goes on */
    }
}

int lc_session_seal(lscoap_libcoap_client *client, const uint8_t *aad, size_t aad_len, size_t len,
                    uint8_t *sealed, size_t *sealed_len) {
    lscoap_session *session = lc_session(client);
    lscoap_status status = LSCOAP_ERR_UNSTORED;

    for (int attempt = 0; attempt < 2 && status == LSCOAP_ERR_UNSTORED; attempt++) {
        if (attempt > 0 && client->config.write_session != NULL) {
            status = lc_session_store(client, LSCOAP_LIBCOAP_BLOCK);
            if (status != LSCOAP_OK) {
                return status;
            }
        }
        status = lscoap_seal_request(session, aad, aad_len, client->plain->bytes, len, sealed,
                                     LC_OBJECT_MAX, sealed_len, &client->pending.exchange);
    }
    return status;
}

int lc_session_next_place(lscoap_libcoap_client *client) {
    return client->states[client->newest] == LC_CONFIRMED ? !client->newest : client->newest;
}
