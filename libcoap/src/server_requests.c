/* What reaches secured resources. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

static void answer_again(const struct lc_request *request, coap_pdu_t *response,
                         struct lc_answer *answer) {
    const lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REPEATED,
                                        .peer = request->peer,
                                        .path =
                                            *coap_resource_get_uri_path(request->resource->outer)};

    answer->asked_ms = request->now_ms;
    if (!lc_add_answer(&request->options, response, answer, false)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    }
    lc_tell(request->resource->server, &event);
}

/* A repeated request, or a block of one. False: it is new. */
static bool is_repeated(const struct lc_request *request, coap_pdu_t *response) {
    struct lc_answer *before;

    switch (lc_answers_find(&request->resource->server->answers, request, &before)) {
    case LC_REPEAT_ANSWER:
        answer_again(request, response, before);
        return true;
    case LC_REPEAT_STRAGGLER: /* of a client that begins again, or has its answer: there any code
                               * would end a transfer of libcoap's, so just the ACK */
        if (lc_is_name(&request->options.tag)) {
            lc_blocks_continue(&request->options.block1, response);
        }
        return true;
    default:
        return false;
    }
}

/* Another block of an answer, by its Block2 option. */
static void follow_up(const struct lc_request *request, coap_pdu_t *response) {
    struct lc_answer *answer = lc_answers_newest(&request->resource->server->answers, request);

    if (answer == NULL) { /* what is wanted would have to be asked for again */
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INCOMPLETE);
        return;
    }
    answer->asked_ms = request->now_ms;
    if (!lc_add_answer(&request->options, response, answer, true)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
    }
}

/* In the clear; `status` 0 is a request that was not sealed at all. */
static void refuse(const lscoap_libcoap_resource *resource, const coap_session_t *peer,
                   coap_pdu_t *response, lscoap_status status) {
    static const char hint[] = "sealed requests only";
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REFUSED,
                                  .peer = peer,
                                  .path = *coap_resource_get_uri_path(resource->outer),
                                  .status = status};

    if (status == 0) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_UNAUTHORIZED);
        coap_add_data(response, sizeof hint - 1, (const uint8_t *)hint);
    } else {
        uint8_t alert[2];
        coap_pdu_code_t code = lscoap_record_refusal(status, alert);

        lc_reply(response, code, alert, sizeof alert);
    }
    event.code = coap_pdu_get_code(response);
    lc_tell(resource->server, &event);
}

/* Tells of a session's first record. */
static void tell_confirmed(const struct lc_request *request) {
    lscoap_libcoap_server *server = request->resource->server;
    const lscoap_libcoap_event event = {
        .type = LSCOAP_LIBCOAP_CONFIRMED, .peer = request->peer, .session = request->session};
    uint8_t *told = server->confirmed[request->slot];
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(request->session, fingerprint) == LSCOAP_OK &&
        memcmp(fingerprint, told, sizeof fingerprint) != 0) {
        memcpy(told, fingerprint, sizeof fingerprint);
        lc_tell(server, &event);
    }
}

static bool is_change(coap_pdu_code_t method) {
    return method != COAP_REQUEST_CODE_GET && method != COAP_REQUEST_CODE_FETCH;
}

/* The inner response. Everything that is wrong with an authentic request is said under seal. */
static coap_pdu_t *answer_opened(const struct lc_request *request) {
    coap_pdu_code_t refusal = COAP_RESPONSE_CODE_BAD_REQUEST;
    coap_pdu_code_t method = request->inner == NULL ? 0 : coap_pdu_get_code(request->inner);
    bool posted = coap_pdu_get_code(request->outer) == COAP_REQUEST_CODE_POST;

    if ((int)method >= 1 && (int)method <= LC_METHODS && is_change(method) == posted) {
        if (lc_request_options_allowed(request->inner)) {
            return lc_serve(request->resource, request->peer, request->session, request->inner,
                            request->query);
        }
        refusal = COAP_RESPONSE_CODE_BAD_OPTION;
    }
    return coap_pdu_init(COAP_MESSAGE_ACK, refusal, 0, 16);
}

/* What a request asks of Observe. The outer option counts only when the inner one says the same. */
static bool observe_is(const struct lc_request *request, uint32_t wanted) {
    struct lc_options inner;

    if (request->options.observe != wanted || request->inner == NULL ||
        is_change(coap_pdu_get_code(request->inner))) {
        return false;
    }
    lc_read_options(request->inner, &inner);
    return inner.observe == wanted;
}

/* Seals the answer, keeps it, sends it. False: lscoap or memory failed. */
static bool seal_answer(const struct lc_request *request, const coap_pdu_t *answer,
                        coap_pdu_t *response) {
    lscoap_libcoap_server *server = request->resource->server;
    bool good = COAP_RESPONSE_CLASS(coap_pdu_get_code(answer)) == 2;
    bool cancels = good && observe_is(request, COAP_OBSERVE_CANCEL);
    struct lc_manner manner = {.etag = server->etag++};
    struct lc_observer observer;
    bool sent;
    size_t len;

    manner.code = coap_pdu_get_code(request->outer) == COAP_REQUEST_CODE_FETCH
                      ? COAP_RESPONSE_CODE_CONTENT
                      : COAP_RESPONSE_CODE_CHANGED;
    manner.observe = good && observe_is(request, COAP_OBSERVE_ESTABLISH) &&
                     lc_observers_prepare(request, &observer);
    if (manner.observe) {
        manner.observe_value = server->observe_value++ & 0xFFFFFF;
    }
    len = lc_encode_plaintext(answer, manner.observe, server->plain->bytes, LC_PLAIN_MAX);
    sent = len != 0 &&
           lscoap_seal_response(request->session, &request->exchange, server->plain->bytes, len,
                                server->sealed, LC_OBJECT_MAX, &len) == LSCOAP_OK &&
           lc_send_sealed(request, len, &manner, response);
    if (manner.observe && sent) {
        observer.exchange = request->exchange;
        lc_observers_enter(&observer);
    } else if (manner.observe) {
        lc_observers_discard(&observer);
    }
    if (cancels && sent) {
        lc_observers_cancel(request);
    }
    return sent;
}

/* A request that opened, to its end. */
static void serve_opened(struct lc_request *request, size_t len, coap_pdu_t *response) {
    lscoap_libcoap_server *server = request->resource->server;
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REQUEST,
                                  .peer = request->peer,
                                  .session = request->session,
                                  .path = *coap_resource_get_uri_path(request->resource->outer),
                                  .method = len > 0 ? server->plain->bytes[0] : 0};
    coap_pdu_t *answer;

    request->inner = lc_decode_plaintext(server->plain, len, request->outer);
    tell_confirmed(request); /* the program may notify(), which takes the plaintext's place */
    answer = answer_opened(request);
    if (answer == NULL || !seal_answer(request, answer, response)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    } else {
        event.code = coap_pdu_get_code(answer);
        lc_tell(server, &event);
        if (is_change(event.method) && COAP_RESPONSE_CLASS(event.code) == 2) {
            lscoap_libcoap_notify(request->resource);
        }
    }
    coap_delete_pdu(answer);
    coap_delete_pdu(request->inner);
}

/* Opens the request. False: the response says why not, or that it has been answered before. */
static bool open_request(struct lc_request *request, coap_pdu_t *response, size_t *len) {
    lscoap_libcoap_server *server = request->resource->server;
    lscoap_status status;

    if (!lc_blocks_receive(request, response, &status)) {
        if (status != LSCOAP_OK) {
            refuse(request->resource, request->peer, response, status);
        }
        return false;
    }
    if (request->assembled != NULL && is_repeated(request, response)) { /* under another tag */
        return false;
    }
    status =
        lscoap_server_open_request(&server->server, request->now_ms, request->aad, request->aad_len,
                                   request->body.bytes, request->body.len, server->plain->bytes,
                                   LC_PLAIN_MAX, len, &request->session, &request->exchange);
    if (status != LSCOAP_OK) {
        refuse(request->resource, request->peer, response, status);
        return false;
    }
    if (lscoap_server_slot_index(&server->server, request->session, &request->slot) != LSCOAP_OK) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return false;
    }
    return true;
}

void lc_handle_sealed(coap_resource_t *outer, coap_session_t *peer, const coap_pdu_t *pdu,
                      const coap_string_t *query, coap_pdu_t *response) {
    uint8_t aad[LSCOAP_AAD_MAX];
    struct lc_request request = {.resource = coap_resource_get_userdata(outer),
                                 .peer = peer,
                                 .outer = pdu,
                                 .query = query,
                                 .aad = aad};
    lscoap_libcoap_server *server = request.resource->server;
    const struct lc_block *block2 = &request.options.block2;
    bool fits = lc_read_sealed(pdu, &request.options, aad, &request.aad_len);
    size_t len;

    lc_filter_count(server, peer);
    if (request.options.content_format != LSCOAP_CONTENT_FORMAT_SEALED) {
        refuse(request.resource, peer, response, 0);
        return;
    }
    if (!request.options.blocks_valid) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
        return;
    }
    coap_get_data(pdu, &request.body.len, &request.body.bytes);
    if (lc_like_alert(request.body.bytes, request.body.len) && request.options.block1.number == 0) {
        return; /* whatever it is, an alert is no answer to it */
    }
    request.body.offset = request.options.block1.offset;
    request.now_ms = lc_now(server);
    request.peer_hash = lc_hash_of_peer(coap_session_get_addr_remote(peer));
    if (!fits) {
        refuse(request.resource, peer, response, LSCOAP_ERR_AUTHENTICATION);
        return;
    }
    if (block2->present && (block2->number > 0 || request.body.len == 0)) {
        follow_up(&request, response);
    } else if (!is_repeated(&request, response) && open_request(&request, response, &len)) {
        serve_opened(&request, len, response);
    }
    free(request.assembled);
}

void lc_handle_plaintext(coap_resource_t *outer, coap_session_t *peer, const coap_pdu_t *request,
                         const coap_string_t *query, coap_pdu_t *response) {
    const lscoap_libcoap_resource *resource = coap_resource_get_userdata(outer);
    coap_method_handler_t get = resource->handlers[COAP_REQUEST_GET - 1];
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REQUEST,
                                  .peer = peer,
                                  .path = *coap_resource_get_uri_path(outer),
                                  .method = coap_pdu_get_code(request)};

    lc_filter_count(resource->server, peer);
    if (event.method != COAP_REQUEST_CODE_GET || get == NULL || resource->clear_allowed == NULL ||
        !resource->clear_allowed(peer)) {
        refuse(resource, peer, response, 0);
        return;
    }
    get(resource->inner, peer, request, query, response);
    event.code = coap_pdu_get_code(response);
    lc_tell(resource->server, &event);
}
