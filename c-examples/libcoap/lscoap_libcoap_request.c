#include "lscoap_libcoap_internal.h"

#include <stdlib.h>
#include <string.h>

void lscoap_libcoap_request_init(lscoap_libcoap_request *request, coap_pdu_code_t method,
                                 const char *path) {
    *request = (lscoap_libcoap_request){
        .method = method, .path = path, .content_format = -1, .accept = -1};
}

/* Code, options and payload of the inner request. NULL when they do not fit. */
static coap_pdu_t *build_inner(const lscoap_libcoap_request *request) {
    coap_pdu_t *inner = coap_pdu_init(COAP_MESSAGE_CON, request->method, 0, LC_PLAIN_MAX);
    bool built =
        inner != NULL && request->payload_len <= LSCOAP_LIBCOAP_BODY_MAX &&
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
    size_t len = lc_encode_plaintext(inner, observe >= 0, out, LC_PLAIN_MAX - 1);

    if (len == 0 || observe <= 0) {
        return len;
    }
    /* Observe (6) is the first option of what build_inner() makes: `60` becomes `61 01`. */
    memmove(out + 3, out + 2, len - 2);
    out[1] = 0x61;
    out[2] = (uint8_t)observe;
    return len + 1;
}

static void release(coap_session_t *session, void *bytes) {
    (void)session;
    free(bytes);
}

/* Seals `request` into `pdu`, whose options are complete. */
static int add_sealed(lscoap_libcoap_client *client, coap_pdu_t *pdu,
                      const lscoap_libcoap_request *request, int observe) {
    coap_pdu_t *inner = build_inner(request);
    uint8_t *sealed = malloc(LC_OBJECT_MAX);
    struct lc_options options;
    uint8_t aad[LSCOAP_AAD_MAX];
    size_t aad_len;
    size_t len = 0;
    int status = LSCOAP_LIBCOAP_ERR_REQUEST;

    if (inner != NULL && sealed != NULL && lc_read_sealed(pdu, &options, aad, &aad_len)) {
        len = plaintext_of(inner, observe, client->plain->bytes);
    }
    if (len > 0) {
        status = lc_session_seal(client, aad, aad_len, len, sealed, &len);
    }
    coap_delete_pdu(inner);
    if (status != LSCOAP_OK) {
        free(sealed);
        return status;
    }
    return coap_add_data_large_request(client->peer, pdu, len, sealed, release, sealed)
               ? LSCOAP_OK
               : LSCOAP_LIBCOAP_ERR_REQUEST;
}

/* What a request has to do with Observe. */
struct observe {
    int value;                          /* of the option: 0 begin, 1 end; -1: there is none */
    struct lc_observation *observation; /* NULL with -1 */
};

static int send_request(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                        const struct observe *observe) {
    bool fetch =
        request->method == COAP_REQUEST_CODE_GET || request->method == COAP_REQUEST_CODE_FETCH;
    coap_pdu_t *pdu = coap_new_pdu(
        COAP_MESSAGE_CON, fetch ? COAP_REQUEST_CODE_FETCH : COAP_REQUEST_CODE_POST, client->peer);
    struct lc_pending *pending = &client->pending;
    int status = LSCOAP_LIBCOAP_ERR_REQUEST;

    if (pdu == NULL) {
        return LSCOAP_LIBCOAP_ERR_MEMORY;
    }
    *pending = (struct lc_pending){.kind = LC_REQUEST,
                                   .expected = fetch ? COAP_RESPONSE_CODE_CONTENT
                                                     : COAP_RESPONSE_CODE_CHANGED};
    if (observe->value == COAP_OBSERVE_CANCEL) {
        pending->token = observe->observation->token;
    } else {
        coap_session_new_token(client->peer, &pending->token.len, pending->token.bytes);
        pending->observation = observe->observation;
    }
    if (coap_add_token(pdu, pending->token.len, pending->token.bytes) &&
        (observe->value < 0 ||
         lc_add_uint_option(pdu, COAP_OPTION_OBSERVE, (uint32_t)observe->value)) &&
        lc_add_uri(pdu, request->path, LSCOAP_CONTENT_FORMAT_SEALED)) {
        status = add_sealed(client, pdu, request, observe->value);
    }
    if (status != LSCOAP_OK) {
        coap_delete_pdu(pdu);
        pending->kind = LC_IDLE;
        return status;
    }
    if (coap_send(client->peer, pdu) == COAP_INVALID_MID) {
        pending->kind = LC_IDLE;
        return LSCOAP_LIBCOAP_ERR_UNREACHABLE;
    }
    return LSCOAP_OK;
}

static int do_request(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                      const struct observe *observe, uint32_t timeout_ms,
                      lscoap_libcoap_answer *answer) {
    int status;

    coap_delete_pdu(client->answer);
    client->answer = NULL;
    *answer = (lscoap_libcoap_answer){NULL, COAP_EMPTY_CODE};
    if (lc_session(client) == NULL) {
        return LSCOAP_ERR_STATE;
    }
    status = send_request(client, request, observe);
    if (status == LSCOAP_OK) {
        status = lc_client_wait(client, timeout_ms);
        answer->outer_code = client->pending.outer_code;
        answer->inner = client->answer;
    }
    return status;
}

int lscoap_libcoap_request_send(lscoap_libcoap_client *client,
                                const lscoap_libcoap_request *request, uint32_t timeout_ms,
                                lscoap_libcoap_answer *answer) {
    const struct observe none = {-1, NULL};

    return do_request(client, request, &none, timeout_ms, answer);
}

int lscoap_libcoap_observe(lscoap_libcoap_client *client, const lscoap_libcoap_request *request,
                           lscoap_libcoap_notification_fn on_notification,
                           void *notification_context, uint32_t timeout_ms,
                           lscoap_libcoap_answer *answer, int *observation) {
    struct observe begin = {COAP_OBSERVE_ESTABLISH, NULL};
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
    *begin.observation = (struct lc_observation){.on_notification = on_notification,
                                                 .context = notification_context};
    status = do_request(client, request, &begin, timeout_ms, answer);
    if (begin.observation->live) {
        *observation = i;
    }
    return status;
}

int lscoap_libcoap_observe_cancel(lscoap_libcoap_client *client, int observation,
                                  const lscoap_libcoap_request *request, uint32_t timeout_ms,
                                  lscoap_libcoap_answer *answer) {
    struct observe end = {COAP_OBSERVE_CANCEL, NULL};
    int status;

    if (observation < 0 || observation >= LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX ||
        !client->observations[observation].live) {
        return LSCOAP_ERR_ARGUMENT;
    }
    end.observation = &client->observations[observation];
    status = do_request(client, request, &end, timeout_ms, answer);
    end.observation->live = false; /* even without an answer: the next notification is reset */
    return status;
}
