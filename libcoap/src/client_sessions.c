/* The sessions of a client (protocol section 8): how they are kept. */
#include "client.h"

#include <stdlib.h>

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

static lscoap_status protect(lscoap_libcoap_client *client, int32_t carrier, lscoap_io *io,
                             lscoap_exchange *exchange) {
    lscoap_session *session = lc_session(client);
    lscoap_status status = lscoap_protect_request(session, carrier, io, exchange);

    if (status == LSCOAP_ERR_UNSTORED && client->config.write_session != NULL) {
        status = lc_session_store(client, LSCOAP_LIBCOAP_BLOCK);
        if (status == LSCOAP_OK) {
            status = lscoap_protect_request(session, carrier, io, exchange);
        }
    }
    return status;
}

int lc_session_protect(lscoap_libcoap_client *client, int32_t carrier, const coap_pdu_t *request,
                       coap_pdu_t **protected, lscoap_exchange *exchange) {
    struct lc_body payload = {0};
    lscoap_io io = {.input = client->message};
    lscoap_status status;

    *protected = NULL;
    coap_get_data(request, &payload.len, &payload.bytes);
    io.input_len = lc_write_message(request, NULL, 0, &payload, client->message, LC_MESSAGE_MAX);
    if (io.input_len == 0) {
        return LSCOAP_LIBCOAP_ERR_REQUEST;
    }
    io.out_cap = io.input_len + LSCOAP_PROTECT_OVERHEAD;
    io.out = malloc(io.out_cap);
    if (io.out == NULL) {
        return LSCOAP_LIBCOAP_ERR_MEMORY;
    }
    status = protect(client, carrier, &io, exchange);
    if (status == LSCOAP_OK) {
        *protected = lc_parse_message(io.out, io.out_len);
    }
    free(io.out);
    if (status == LSCOAP_ERR_CAPACITY || status == LSCOAP_ERR_ARGUMENT) {
        return LSCOAP_LIBCOAP_ERR_REQUEST;
    }
    return status == LSCOAP_OK && *protected == NULL ? LSCOAP_LIBCOAP_ERR_MEMORY : status;
}

int lc_session_next_place(lscoap_libcoap_client *client) {
    return client->states[client->newest] == LC_CONFIRMED ? !client->newest : client->newest;
}
