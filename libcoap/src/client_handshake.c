#include "client.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_ATTEMPTS = 2 /* for a message whose answers do not verify, or are alerts */ };

static int exchange_once(lscoap_libcoap_client *client, uint32_t timeout_ms, const uint8_t *message,
                         size_t len) {
    struct lc_ask *ask = &client->pending.ask;

    client->pending = (struct lc_pending){.kind = LC_HANDSHAKE,
                                          .ask = {.code = COAP_REQUEST_CODE_POST,
                                                  .path = strdup(LSCOAP_LIBCOAP_PATH),
                                                  .content_format = LSCOAP_CONTENT_FORMAT_HANDSHAKE,
                                                  .accept = -1,
                                                  .observe = -1,
                                                  .bytes = malloc(len),
                                                  .len = len}};
    if (ask->path == NULL || ask->bytes == NULL) {
        lc_ask_clear(ask);
        client->pending.kind = LC_IDLE;
        return LSCOAP_LIBCOAP_ERR_MEMORY;
    }
    memcpy(ask->bytes, message, len);
    lc_client_tell_message(client, LSCOAP_LIBCOAP_MESSAGE_SENT, message, len);
    return lc_client_wait(client, timeout_ms);
}

static bool is_hint(lscoap_status status) {
    return status == LSCOAP_ERR_AUTHENTICATION || status == LSCOAP_ERR_MALFORMED ||
           status == LSCOAP_ERR_UNEXPECTED ||
           (status <= LSCOAP_ALERT_UNKNOWN_DEVICE && status >= LSCOAP_ALERT_UNKNOWN_SESSION);
}

/* Sends `message` and steps on with its answer. A bad answer or an alert changes nothing: the
 * message is sent again. */
static lscoap_status exchange_message(lscoap_libcoap_client *client, uint32_t timeout_ms,
                                      uint8_t message[LSCOAP_MESSAGE_MAX], size_t *len) {
    const struct lc_pending *pending = &client->pending;
    lscoap_status status = LSCOAP_LIBCOAP_ERR_TIMEOUT;

    for (int attempt = 0; attempt < MESSAGE_ATTEMPTS; attempt++) {
        status = exchange_once(client, timeout_ms, message, *len);
        if (status != LSCOAP_OK) {
            return status;
        }
        lc_client_tell_message(client, LSCOAP_LIBCOAP_MESSAGE_RECEIVED, pending->message,
                               pending->message_len);
        status = lscoap_client_step(&client->handshake, pending->message, pending->message_len,
                                    message, LSCOAP_MESSAGE_MAX, len);
        if (!is_hint(status)) {
            return status;
        }
    }
    return status;
}

lscoap_status lc_shake_hands(lscoap_libcoap_client *client, coap_session_t *peer,
                             const lscoap_session *resumed, uint32_t timeout_ms, bool *forgotten) {
    uint8_t message[LSCOAP_MESSAGE_MAX];
    size_t len = 0;
    lscoap_status status;
    bool third = false;

    lc_set_peer(client, peer);
    status = lscoap_client_restart(&client->handshake); /* of one that was broken off */
    if (status == LSCOAP_OK && resumed != NULL) {
        status = lscoap_client_resume(&client->handshake, resumed);
    }
    if (status == LSCOAP_OK) {
        status = lscoap_client_step(&client->handshake, NULL, 0, message, sizeof message, &len);
    }
    while (status == LSCOAP_SEND) { /* the answer to a RETRY is a message like any other */
        third = strcmp(lscoap_message_name(message, len), "M3") == 0;
        status = exchange_message(client, timeout_ms, message, &len);
    }
    /* The id that M3 carries may have been given to somebody else meanwhile. */
    *forgotten =
        third && (status == LSCOAP_ALERT_UNKNOWN_SESSION || status == LSCOAP_ALERT_AUTHENTICATION);
    return status;
}
