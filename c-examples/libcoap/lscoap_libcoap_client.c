#include "lscoap_libcoap_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FOREVER_MS = 300 * 1000, /* libcoap gives up after 93 s; a body of many blocks takes longer */
    MESSAGE_ATTEMPTS = 3,    /* for a message whose answers do not verify */
    ALERT_LEN = 2            /* 1F and its code */
};

static uint64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_token(const struct lc_token *token, coap_bin_const_t of_pdu) {
    return token->len == of_pdu.length && memcmp(token->bytes, of_pdu.s, token->len) == 0;
}

static void tell(const lscoap_libcoap_client *client, lscoap_libcoap_event_type type,
                 const uint8_t *message, size_t message_len) {
    const lscoap_libcoap_event event = {
        .type = type, .peer = client->peer, .message = message, .message_len = message_len};

    if (client->config.on_event != NULL) {
        client->config.on_event(client->config.event_context, &event);
    }
}

/* ---- answers, as libcoap delivers them ---- */

static void finish(struct lc_pending *pending, int status) {
    pending->status = status;
    pending->done = true;
}

/* Opens a sealed answer or notification. Sets *inner only with LSCOAP_OK. */
static int open_answer(lscoap_libcoap_client *client, lscoap_exchange *exchange,
                       const coap_pdu_t *outer, const uint8_t *object, size_t len,
                       coap_pdu_t **inner) {
    coap_pdu_t *pdu;
    int status;

    if (len > LC_OBJECT_MAX) {
        return LSCOAP_ERR_CAPACITY;
    }
    status = lscoap_open_response(lc_session(client), exchange, object, len, client->plain->bytes,
                                  LC_PLAIN_MAX, &len);
    if (status != LSCOAP_OK) {
        return status;
    }
    lc_session_confirmed(client);
    pdu = lc_decode_plaintext(client->plain, len, outer);
    if (pdu == NULL || COAP_RESPONSE_CLASS(coap_pdu_get_code(pdu)) < 2 ||
        !lc_response_options_allowed(pdu)) {
        coap_delete_pdu(pdu);
        return LSCOAP_ERR_MALFORMED;
    }
    *inner = pdu;
    return LSCOAP_OK;
}

static bool has_observe(const coap_pdu_t *pdu) {
    struct lc_options options;

    lc_read_options(pdu, &options);
    return options.observe != LC_NO_OPTION;
}

static void on_handshake_answer(struct lc_pending *pending, uint32_t format, const uint8_t *data,
                                size_t len) {
    if (format != LSCOAP_CONTENT_FORMAT_HANDSHAKE || len > sizeof pending->message) {
        finish(pending, LSCOAP_LIBCOAP_ERR_REFUSED);
        return;
    }
    if (len > 0) {
        memcpy(pending->message, data, len);
    }
    pending->message_len = len;
    finish(pending, LSCOAP_OK);
}

/* What is not sealed is an alert, or is nothing; it is never data. */
static void on_clear_answer(lscoap_libcoap_client *client, uint32_t format, const uint8_t *data,
                            size_t len) {
    bool alert = COAP_RESPONSE_CLASS(client->pending.outer_code) != 2 &&
                 format == LSCOAP_CONTENT_FORMAT_HANDSHAKE && len == ALERT_LEN && data[0] == 0x1F &&
                 data[1] >= 1 && data[1] <= 5;

    if (alert) {
        tell(client, LSCOAP_LIBCOAP_MESSAGE_RECEIVED, data, len);
    }
    /* LSCOAP_ALERT_UNKNOWN_DEVICE, the alert of code 1, is the first of five that count down. */
    finish(&client->pending,
           alert ? LSCOAP_ALERT_UNKNOWN_DEVICE - (data[1] - 1) : LSCOAP_LIBCOAP_ERR_REFUSED);
}

static void on_request_answer(lscoap_libcoap_client *client, const coap_pdu_t *outer,
                              uint32_t format, const uint8_t *data, size_t len) {
    struct lc_pending *pending = &client->pending;
    int status;

    pending->outer_code = coap_pdu_get_code(outer);
    if (format != LSCOAP_CONTENT_FORMAT_SEALED || pending->outer_code != pending->expected) {
        on_clear_answer(client, format, data, len);
        return;
    }
    status = open_answer(client, &pending->exchange, outer, data, len, &client->answer);
    if (status == LSCOAP_OK) {
        pending->outer_code = 0;
        if (pending->observation != NULL && has_observe(outer) && has_observe(client->answer)) {
            pending->observation->exchange = pending->exchange;
            pending->observation->token = pending->token;
            pending->observation->live = true;
        }
    }
    finish(pending, status);
}

static void on_notification(lscoap_libcoap_client *client, struct lc_observation *observation,
                            const coap_pdu_t *outer, uint32_t format, const uint8_t *data,
                            size_t len) {
    coap_pdu_t *inner = NULL;
    bool last;

    if (format != LSCOAP_CONTENT_FORMAT_SEALED ||
        open_answer(client, &observation->exchange, outer, data, len, &inner) != LSCOAP_OK) {
        return; /* forged, or older than the last */
    }
    last = !has_observe(outer) || !has_observe(inner);
    observation->live = !last;
    observation->on_notification(observation->context, inner, last);
    coap_delete_pdu(inner);
}

static struct lc_observation *observation_of(lscoap_libcoap_client *client,
                                             coap_bin_const_t token) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX; i++) {
        if (client->observations[i].live && is_token(&client->observations[i].token, token)) {
            return &client->observations[i];
        }
    }
    return NULL;
}

static coap_response_t on_response(coap_session_t *peer, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, const coap_mid_t mid) {
    lscoap_libcoap_client *client = coap_session_get_app_data(peer);
    coap_bin_const_t token = coap_pdu_get_token(received);
    struct lc_observation *observation;
    struct lc_options options;
    uint32_t format;
    const uint8_t *data = NULL;
    size_t len = 0;
    size_t offset = 0;
    size_t total = 0;

    (void)sent;
    (void)mid;
    coap_get_data_large(received, &len, &data, &offset, &total);
    if (client == NULL || offset != 0 || len < total) {
        return COAP_RESPONSE_OK; /* a block on its own: libcoap 4.3.1 delivers repeated ones */
    }
    lc_read_options(received, &options);
    format = options.content_format == LC_NO_OPTION ? COAP_MEDIATYPE_TEXT_PLAIN
                                                    : (uint32_t)options.content_format;
    /* The request that ends an observation has its token, but its answer has no Observe. */
    observation = observation_of(client, token);
    if (observation != NULL && options.observe != LC_NO_OPTION) {
        on_notification(client, observation, received, format, data, len);
        return COAP_RESPONSE_OK;
    }
    if (is_token(&client->pending.token, token)) {
        if (client->pending.kind == LC_HANDSHAKE && !client->pending.done) {
            on_handshake_answer(&client->pending, format, data, len);
        } else if (client->pending.kind == LC_REQUEST && !client->pending.done) {
            on_request_answer(client, received, format, data, len);
        }
        return COAP_RESPONSE_OK;
    }
    if (observation != NULL) { /* its end, perhaps */
        on_notification(client, observation, received, format, data, len);
        return COAP_RESPONSE_OK;
    }
    /* A reset ends an observation that nobody here wants; acknowledgements get no answer. */
    return coap_pdu_get_type(received) == COAP_MESSAGE_ACK ? COAP_RESPONSE_OK : COAP_RESPONSE_FAIL;
}

/* Of whatever was sent: the token of a block in the middle is libcoap's own. */
void lc_client_nack(const coap_session_t *peer, coap_nack_reason_t reason) {
    lscoap_libcoap_client *client = coap_session_get_app_data(peer);

    if (client != NULL && client->pending.kind != LC_IDLE && !client->pending.done) {
        finish(&client->pending, reason == COAP_NACK_TOO_MANY_RETRIES
                                     ? LSCOAP_LIBCOAP_ERR_TIMEOUT
                                     : LSCOAP_LIBCOAP_ERR_UNREACHABLE);
    }
}

int lc_client_wait(lscoap_libcoap_client *client, uint32_t timeout_ms) {
    struct lc_pending *pending = &client->pending;
    uint64_t end_ms = now_ms() + (timeout_ms != 0 ? timeout_ms : FOREVER_MS);

    while (!pending->done) {
        uint64_t now = now_ms();

        if (now >= end_ms) {
            finish(pending, LSCOAP_LIBCOAP_ERR_TIMEOUT);
        } else if (coap_io_process(client->context, (uint32_t)(end_ms - now)) < 0) {
            finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE);
        }
    }
    pending->kind = LC_IDLE;
    return pending->status;
}

/* ---- handshake ---- */

static bool post(lscoap_libcoap_client *client, const uint8_t *message, size_t len) {
    coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, client->peer);
    struct lc_token token;

    if (pdu == NULL) {
        return false;
    }
    coap_session_new_token(client->peer, &token.len, token.bytes);
    if (!coap_add_token(pdu, token.len, token.bytes) ||
        !lc_add_uri(pdu, LSCOAP_LIBCOAP_PATH, LSCOAP_CONTENT_FORMAT_HANDSHAKE) ||
        !coap_add_data(pdu, len, message)) {
        coap_delete_pdu(pdu);
        return false;
    }
    client->pending = (struct lc_pending){.kind = LC_HANDSHAKE, .token = token};
    tell(client, LSCOAP_LIBCOAP_MESSAGE_SENT, message, len);
    return coap_send(client->peer, pdu) != COAP_INVALID_MID;
}

/* Sends `message` and steps on with its answer. A bad answer changes nothing; since libcoap takes
 * any acknowledgement for the answer, the message is sent again for the true one. */
static lscoap_status exchange_message(lscoap_libcoap_client *client, uint32_t timeout_ms,
                                      uint8_t message[LSCOAP_MESSAGE_MAX], size_t *len) {
    lscoap_status status = LSCOAP_LIBCOAP_ERR_TIMEOUT;

    for (int attempt = 0; attempt < MESSAGE_ATTEMPTS; attempt++) {
        const struct lc_pending *pending = &client->pending;

        if (!post(client, message, *len)) {
            return LSCOAP_LIBCOAP_ERR_UNREACHABLE;
        }
        status = lc_client_wait(client, timeout_ms);
        if (status != LSCOAP_OK) {
            return status;
        }
        tell(client, LSCOAP_LIBCOAP_MESSAGE_RECEIVED, pending->message, pending->message_len);
        status = lscoap_client_step(&client->handshake, pending->message, pending->message_len,
                                    message, LSCOAP_MESSAGE_MAX, len);
        if (status != LSCOAP_ERR_AUTHENTICATION && status != LSCOAP_ERR_MALFORMED &&
            status != LSCOAP_ERR_UNEXPECTED) {
            return status;
        }
    }
    return status;
}

lscoap_status lc_shake_hands(lscoap_libcoap_client *client, coap_session_t *peer,
                             const lscoap_session *resumed, uint32_t timeout_ms) {
    uint8_t message[LSCOAP_MESSAGE_MAX];
    size_t len = 0;
    lscoap_status status;

    lc_set_peer(client, peer);
    status = lscoap_client_restart(&client->handshake); /* of one that was broken off */
    if (status == LSCOAP_OK && resumed != NULL) {
        status = lscoap_client_resume(&client->handshake, resumed);
    }
    if (status == LSCOAP_OK) {
        status = lscoap_client_step(&client->handshake, NULL, 0, message, sizeof message, &len);
    }
    while (status == LSCOAP_SEND) { /* the answer to a RETRY is a message like any other */
        status = exchange_message(client, timeout_ms, message, &len);
    }
    return status;
}

void lc_set_peer(lscoap_libcoap_client *client, coap_session_t *peer) {
    if (client->peer == peer) {
        return;
    }
    if (client->peer != NULL && coap_session_get_app_data(client->peer) == client) {
        coap_session_set_app_data(client->peer, NULL);
    }
    client->peer = peer;
    client->context = peer != NULL ? coap_session_get_context(peer) : NULL;
    if (peer != NULL) {
        coap_session_set_app_data(peer, client);
        coap_register_response_handler(client->context, on_response);
        coap_register_nack_handler(client->context, lc_on_nack);
    }
}

/* ---- life ---- */

lscoap_libcoap_client *lscoap_libcoap_client_new(const lscoap_libcoap_client_config *config,
                                                 int *status) {
    lscoap_libcoap_client *client = calloc(1, sizeof *client);
    int ignored;

    if (status == NULL) {
        status = &ignored;
    }
    *status = LSCOAP_LIBCOAP_ERR_MEMORY;
    if (client == NULL) {
        return NULL;
    }
    client->config = *config;
    client->plain = malloc(sizeof *client->plain);
    if (client->plain != NULL) {
        *status = lscoap_client_init(&client->handshake, &client->config.platform,
                                     &client->config.client);
    }
    if (*status == LSCOAP_OK) {
        memcpy(client->device_id, config->client.device_id, config->client.device_id_len);
    }
    if (*status != LSCOAP_OK) {
        lscoap_libcoap_client_free(client);
        return NULL;
    }
    return client;
}

void lscoap_libcoap_client_free(lscoap_libcoap_client *client) {
    if (client == NULL) {
        return;
    }
    lscoap_libcoap_disconnect(client);
    lscoap_client_wipe(&client->handshake);
    coap_delete_pdu(client->answer);
    if (client->plain != NULL) {
        lc_wipe(client->plain, sizeof *client->plain);
    }
    free(client->plain);
    lc_wipe(client, sizeof *client);
    free(client);
}
