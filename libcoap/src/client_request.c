#include "client.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3 /* sessions that a request is tried in */ };

void lscoap_libcoap_request_init(lscoap_libcoap_request *request, coap_pdu_code_t method,
                                 const char *path) {
    *request = (lscoap_libcoap_request){
        .method = method, .path = path, .content_format = -1, .accept = -1};
}

/* What a request has to do with Observe. */
struct observe {
    int value;                          /* of the option: 0 begin, 1 end; -1: there is none */
    struct lc_observation *observation; /* to begin; or NULL */
    struct lc_observation begins;       /* what becomes of it */
};

/* The request as it is before it is sealed. NULL: it does not fit, or there is no memory. */
static coap_pdu_t *build(const lscoap_libcoap_request *request, int observe) {
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, request->method, 0, LC_MESSAGE_MAX);

    if (pdu != NULL &&
        (observe < 0 || lc_add_uint_option(pdu, COAP_OPTION_OBSERVE, (uint32_t)observe)) &&
        lc_add_uri(pdu, request->path, request->content_format) &&
        (request->accept < 0 ||
         lc_add_uint_option(pdu, COAP_OPTION_ACCEPT, (uint32_t)request->accept)) &&
        (request->payload_len == 0 || coap_add_data(pdu, request->payload_len, request->payload))) {
        return pdu;
    }
    coap_delete_pdu(pdu);
    return NULL;
}

static int copy_bytes(struct lc_ask *ask, const uint8_t *bytes, size_t len) {
    ask->len = len;
    if (len > 0) {
        ask->bytes = malloc(len);
        if (ask->bytes == NULL) {
            return LSCOAP_LIBCOAP_ERR_MEMORY;
        }
        memcpy(ask->bytes, bytes, len);
    }
    return LSCOAP_OK;
}

/* All of the request in one sealed object: nothing is sent, and no number is used, for one that
 * does not fit. */
static int seal(lscoap_libcoap_client *client, const lscoap_libcoap_request *request, int observe,
                struct lc_ask *ask) {
    coap_pdu_t *pdu = build(request, observe);
    coap_pdu_t *carrying = NULL;
    const uint8_t *object;
    size_t len;
    int status = LSCOAP_LIBCOAP_ERR_REQUEST;

    if (pdu != NULL) {
        status = lc_session_protect(client, ask->carrier, pdu, &carrying, &ask->exchange);
    }
    if (status == LSCOAP_OK) {
        coap_get_data(carrying, &len, &object);
        ask->code = coap_pdu_get_code(carrying);
        ask->content_format = LSCOAP_CONTENT_FORMAT_SEALED;
        status = copy_bytes(ask, object, len);
    }
    coap_delete_pdu(pdu);
    coap_delete_pdu(carrying);
    return status;
}

/* What is to be sent. */
static int fill(lscoap_libcoap_client *client, const lscoap_libcoap_request *request, int observe,
                struct lc_ask *ask) {
    ask->observe = observe;
    ask->path = strdup(request->path);
    if (ask->path == NULL) {
        return LSCOAP_LIBCOAP_ERR_MEMORY;
    }
    if (ask->carrier == LSCOAP_CARRIER_PAYLOAD) {
        return seal(client, request, observe, ask);
    }
    ask->code = request->method;
    ask->content_format = request->content_format;
    ask->accept = request->accept;
    return copy_bytes(ask, request->payload, request->payload_len);
}

/* One request in the newest session. *sent: it may have got to the server. */
static int exchange(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                    const struct observe *observe, uint32_t timeout_ms, bool *sent) {
    struct lc_pending *pending = &client->pending;
    int status;

    *pending = (struct lc_pending){.kind = LC_REQUEST,
                                   .ask = {.carrier = client->config.carrier, .accept = -1},
                                   .observation = observe->observation,
                                   .begins = observe->begins};
    status = fill(client, request, observe->value, &pending->ask);
    if (status == LSCOAP_OK) {
        pending->expected = pending->ask.code == COAP_REQUEST_CODE_FETCH
                                ? COAP_RESPONSE_CODE_CONTENT
                                : COAP_RESPONSE_CODE_CHANGED;
        status = lc_client_wait(client, timeout_ms);
        *sent = pending->sent;
        return status;
    }
    *sent = false;
    lc_ask_clear(&pending->ask);
    pending->kind = LC_IDLE;
    return status;
}

/* Whether another session could mend it. */
static bool is_session_bad(const lscoap_libcoap_client *client, int status, bool sent) {
    return sent ? client->pending.refused
                : status == LSCOAP_ERR_EXHAUSTED || status == LSCOAP_ERR_STORAGE;
}

static bool is_repeatable(const lscoap_libcoap_request *request) {
    return request->at_least_once || (request->method != COAP_REQUEST_CODE_POST &&
                                      request->method != COAP_REQUEST_CODE_PATCH);
}

static void forget_answer(lscoap_libcoap_client *client) {
    coap_delete_pdu(client->answer);
    client->answer = NULL;
}

/* A new session is kept once an answer has opened in it, whatever that says: with a request that
 * does nothing, where the one that it was made for is not sent again. */
static void confirm(lscoap_libcoap_client *client, const char *path, uint32_t timeout_ms) {
    const lscoap_libcoap_request get = {
        .method = COAP_REQUEST_CODE_GET, .path = path, .content_format = -1, .accept = -1};
    const struct observe none = {.value = -1};
    bool sent;

    (void)exchange(client, &get, &none, timeout_ms, &sent);
    forget_answer(client);
}

static int do_request(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                      const struct observe *observe, uint32_t timeout_ms,
                      lscoap_libcoap_answer *answer) {
    bool sent;

    *answer = (lscoap_libcoap_answer){NULL, COAP_EMPTY_CODE};
    if (lc_session(client) == NULL || client->pending.kind != LC_IDLE) {
        return LSCOAP_ERR_STATE;
    }
    forget_answer(client);
    for (int round = 1;; round++) {
        lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_RENEWING};
        int status = exchange(client, request, observe, timeout_ms, &sent);

        answer->outer_code = client->pending.outer_code;
        answer->inner = client->answer;
        if (status == LSCOAP_OK || !is_session_bad(client, status, sent) || round == ROUNDS) {
            return status;
        }
        event.status = status;
        lc_client_tell(client, &event);
        status = lscoap_libcoap_renew(client, client->peer, timeout_ms);
        if (status != LSCOAP_OK) {
            return status;
        }
        if (sent && !is_repeatable(request)) {
            confirm(client, request->path, timeout_ms);
            return LSCOAP_LIBCOAP_ERR_UNCERTAIN;
        }
    }
}

int lscoap_libcoap_request_send(lscoap_libcoap_client *client,
                                const lscoap_libcoap_request *request, uint32_t timeout_ms,
                                lscoap_libcoap_answer *answer) {
    const struct observe none = {.value = -1};

    return do_request(client, request, &none, timeout_ms, answer);
}

int lscoap_libcoap_observe(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                           lscoap_libcoap_notification_fn on_notification,
                           void *notification_context, uint32_t timeout_ms,
                           lscoap_libcoap_answer *answer, int *observation) {
    struct observe begin = {
        .value = COAP_OBSERVE_ESTABLISH,
        .begins = {.on_notification = on_notification, .context = notification_context}};
    int status;
    int i = 0;

    *observation = -1;
    while (i < LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX && client->observations[i].live) {
        i++;
    }
    if (i == LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX) {
        return LSCOAP_ERR_CAPACITY;
    }
    begin.observation = &client->observations[i];
    status = do_request(client, request, &begin, timeout_ms, answer);
    if (status == LSCOAP_OK && begin.observation->live) {
        *observation = i;
    }
    return status;
}

int lscoap_libcoap_observe_cancel(lscoap_libcoap_client *client, int observation,
                                  const lscoap_libcoap_request *request, uint32_t timeout_ms,
                                  lscoap_libcoap_answer *answer) {
    const struct observe end = {.value = COAP_OBSERVE_CANCEL};
    int status;

    if (observation < 0 || observation >= LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX ||
        !client->observations[observation].live) {
        return LSCOAP_ERR_ARGUMENT;
    }
    if (client->pending.kind != LC_IDLE) {
        return LSCOAP_ERR_STATE;
    }
    /* Under a token of its own: the server knows the observation by its session and request, and
     * libcoap has ideas of its own about Observe 1 under a token that it knows. */
    status = do_request(client, request, &end, timeout_ms, answer);
    client->observations[observation].live = false; /* the next notification is reset */
    lc_ask_clear(&client->observations[observation].ask);
    return status;
}
