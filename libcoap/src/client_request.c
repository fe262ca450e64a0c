#include "client.h"

#include <stdlib.h>
#include <string.h>

enum {
    OUTER_MAX = 1024, /* bytes of outer options that are too many */
    ROUNDS = 3        /* sessions that a request is tried in */
};

void lscoap_libcoap_request_init(lscoap_libcoap_request *request, coap_pdu_code_t method,
                                 const char *path) {
    *request = (lscoap_libcoap_request){
        .method = method, .path = path, .content_format = -1, .accept = -1};
}

/* Code, options and payload of the inner request. NULL when they do not fit. */
static coap_pdu_t *build_inner(const lscoap_libcoap_request *request) {
    coap_pdu_t *inner = coap_pdu_init(COAP_MESSAGE_CON, request->method, 0, LC_PLAIN_MAX);
    bool built =
        inner != NULL &&
        (request->content_format < 0 || lc_add_uint_option(inner, COAP_OPTION_CONTENT_FORMAT,
                                                           (uint32_t)request->content_format)) &&
        (request->accept < 0 ||
         lc_add_uint_option(inner, COAP_OPTION_ACCEPT, (uint32_t)request->accept)) &&
        coap_add_data(inner, request->payload_len, request->payload);

    if (!built) {
        coap_delete_pdu(inner);
        return NULL;
    }
    return inner;
}

/* The plaintext; Observe of a request has a value, unlike that of an answer. 0: does not fit. */
static size_t plaintext_of(const coap_pdu_t *inner, int observe, uint8_t *out) {
    size_t len = lc_encode_plaintext(inner, observe >= 0, out,
                                     observe > 0 ? LC_PLAIN_MAX - 1 : LC_PLAIN_MAX);

    if (len == 0 || observe <= 0) {
        return len;
    }
    /* Observe (6) is the first option of what build_inner() makes: `60` becomes `61 01`. */
    memmove(out + 3, out + 2, len - 2);
    out[1] = 0x61;
    out[2] = (uint8_t)observe;
    return len + 1;
}

/* What a request has to do with Observe. */
struct observe {
    int value;                          /* of the option: 0 begin, 1 end; -1: there is none */
    struct lc_observation *observation; /* to begin; or NULL */
    struct lc_observation begins;       /* what becomes of it */
};

/* The outer Uri options in CoAP encoding. False: too long. */
static bool additional_data(const char *path, uint8_t aad[LSCOAP_AAD_MAX], size_t *aad_len) {
    coap_pdu_t *outer = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_FETCH, 0, OUTER_MAX);
    struct lc_options options;
    bool fits = outer != NULL && lc_add_uri(outer, path, LSCOAP_CONTENT_FORMAT_SEALED) &&
                lc_read_sealed(outer, &options, aad, aad_len);

    coap_delete_pdu(outer);
    return fits;
}

/* Seals `request` into `ask`: nothing is sent, and no number is used, for one that does not fit. */
static int seal(lscoap_libcoap_client *client, const lscoap_libcoap_request *request, int observe,
                struct lc_ask *ask) {
    coap_pdu_t *inner = build_inner(request);
    uint8_t aad[LSCOAP_AAD_MAX];
    size_t aad_len;
    size_t len = 0;

    if (inner != NULL && additional_data(request->path, aad, &aad_len)) {
        len = plaintext_of(inner, observe, client->plain->bytes);
    }
    coap_delete_pdu(inner);
    if (len == 0) {
        return LSCOAP_LIBCOAP_ERR_REQUEST;
    }
    ask->path = strdup(request->path);
    ask->bytes = malloc(LC_OBJECT_MAX);
    if (ask->path == NULL || ask->bytes == NULL) {
        return LSCOAP_LIBCOAP_ERR_MEMORY;
    }
    return lc_session_seal(client, aad, aad_len, len, ask->bytes, &ask->len);
}

static bool is_read(coap_pdu_code_t method) {
    return method == COAP_REQUEST_CODE_GET || method == COAP_REQUEST_CODE_FETCH;
}

/* One request in the newest session. *sent: it may have got to the server. */
static int exchange(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                    const struct observe *observe, uint32_t timeout_ms, bool *sent) {
    struct lc_pending *pending = &client->pending;
    bool reads = is_read(request->method);
    int status;

    *pending = (struct lc_pending){
        .kind = LC_REQUEST,
        .ask = {.code = reads ? COAP_REQUEST_CODE_FETCH : COAP_REQUEST_CODE_POST,
                .content_format = LSCOAP_CONTENT_FORMAT_SEALED,
                .observe = observe->value},
        .expected = reads ? COAP_RESPONSE_CODE_CONTENT : COAP_RESPONSE_CODE_CHANGED,
        .observation = observe->observation,
        .begins = observe->begins};
    status = seal(client, request, observe->value, &pending->ask);
    *sent = status == LSCOAP_OK;
    if (status == LSCOAP_OK) {
        return lc_client_wait(client, timeout_ms);
    }
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
