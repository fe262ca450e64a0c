/* What reaches the server's resources, in an OSCORE option, in a payload or in the clear. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is not served ---- */

static void answer_again(const struct lc_request *request, coap_pdu_t *response,
                         struct lc_answer *answer) {
    const lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REPEATED,
                                        .peer = request->peer,
                                        .path = *coap_resource_get_uri_path(request->reached)};

    answer->asked_ms = request->now_ms;
    if (!lc_add_answer(&request->options, response, answer, false)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    }
    lc_tell(request->server, &event);
}

/* A repeated request, or a block of one. False: it is new. */
static bool is_repeated(const struct lc_request *request, coap_pdu_t *response) {
    struct lc_answer *before;

    switch (lc_answers_find(&request->server->answers, request, &before)) {
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
    struct lc_answer *answer = lc_answers_newest(&request->server->answers, request);

    if (answer == NULL) { /* what is wanted would have to be asked for again */
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INCOMPLETE);
        return;
    }
    answer->asked_ms = request->now_ms;
    if (!lc_add_answer(&request->options, response, answer, true)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
    }
}

static void tell_refused(const struct lc_request *request, const coap_pdu_t *response,
                         lscoap_status status) {
    const lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REFUSED,
                                        .peer = request->peer,
                                        .path = *coap_resource_get_uri_path(request->reached),
                                        .status = status,
                                        .code = coap_pdu_get_code(response)};

    lc_tell(request->server, &event);
}

/* What was sealed and is not accepted, in the clear. */
static void refuse(const struct lc_request *request, coap_pdu_t *response, lscoap_status status) {
    uint8_t *message = request->server->message;
    lscoap_io io = {.input = message,
                    .input_len = lc_write_message(request->outer, NULL, 0, &request->body, message,
                                                  LC_MESSAGE_MAX),
                    .out = message,
                    .out_cap = LC_MESSAGE_MAX};
    coap_pdu_t *refusal = NULL;

    if (io.input_len != 0 && lscoap_refusal(status, &io) == LSCOAP_OK) {
        refusal = lc_parse_message(message, io.out_len);
    }
    if (refusal == NULL || !lc_copy(refusal, response)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    }
    coap_delete_pdu(refusal);
    tell_refused(request, response, status);
}

/* ---- what is sealed ---- */

/* Tells of a session's first record. */
static void tell_confirmed(const struct lc_request *request) {
    const lscoap_libcoap_event event = {
        .type = LSCOAP_LIBCOAP_CONFIRMED, .peer = request->peer, .session = request->session};
    uint8_t *told = request->server->confirmed[request->slot];

    if (memcmp(request->fingerprint, told, sizeof request->fingerprint) != 0) {
        memcpy(told, request->fingerprint, sizeof request->fingerprint);
        lc_tell(request->server, &event);
    }
}

static bool is_change(coap_pdu_code_t method) {
    return method != COAP_REQUEST_CODE_GET && method != COAP_REQUEST_CODE_FETCH;
}

/* Everything that is wrong with an authentic request is said under seal: its code, or 0.00. */
static coap_pdu_code_t fault_of(const struct lc_request *request) {
    coap_pdu_code_t method;

    if (request->inner ==
        NULL) { /* libcoap refuses the length of an option; all else is in order */
        return COAP_RESPONSE_CODE_BAD_OPTION;
    }
    method = coap_pdu_get_code(request->inner);
    if (!request->inner_options.blocks_valid) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    if ((int)method > LC_METHODS) {
        return COAP_RESPONSE_CODE_NOT_ALLOWED;
    }
    if (request->options.oscore == NULL &&
        is_change(method) != (coap_pdu_get_code(request->outer) == COAP_REQUEST_CODE_POST)) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    if (request->resource == NULL) {
        return COAP_RESPONSE_CODE_NOT_FOUND;
    }
    return request->understood ? COAP_EMPTY_CODE : COAP_RESPONSE_CODE_BAD_OPTION;
}

static coap_pdu_t *say(coap_pdu_code_t code) {
    return coap_pdu_init(COAP_MESSAGE_ACK, code, 0, 64);
}

/* The inner response; *is_kept: it is the server's, for one of its blocks. NULL: no memory. */
static coap_pdu_t *answer_opened(struct lc_request *request, struct lc_inner *inner,
                                 bool *is_kept) {
    const struct lc_options *options = &request->inner_options;
    coap_pdu_code_t fault = fault_of(request);
    coap_pdu_t *answer;

    *is_kept = false;
    if (fault != COAP_EMPTY_CODE) {
        return say(fault);
    }
    if (options->block2.number > 0) {
        answer = lc_bodies_find(request, inner);
        *is_kept = answer != NULL;
        if (*is_kept || is_change(coap_pdu_get_code(request->inner))) {
            return *is_kept ? answer : say(COAP_RESPONSE_CODE_INCOMPLETE);
        }
    }
    if (options->block1.present || options->block2.present) {
        answer = say(COAP_EMPTY_CODE);
        if (answer == NULL || !lc_bodies_receive(request, answer)) {
            return answer;
        }
        coap_delete_pdu(answer);
    }
    if (options->block1.present) {
        inner->block1 = lc_block_value(options->block1.number, false, options->block1.szx);
    }
    return lc_serve(request);
}

/* What a request asks of Observe. The outer option counts only when the inner one says the same. */
static bool observe_is(const struct lc_request *request, uint32_t wanted) {
    return request->inner != NULL && !is_change(coap_pdu_get_code(request->inner)) &&
           request->options.observe == wanted && request->inner_options.observe == wanted;
}

/* Seals the answer, keeps it, sends it. False: lscoap or memory failed. */
static bool seal_answer(const struct lc_request *request, const coap_pdu_t *answer,
                        struct lc_inner *inner, coap_pdu_t *response) {
    bool good = COAP_RESPONSE_CLASS(coap_pdu_get_code(answer)) == 2;
    bool cancels = good && observe_is(request, COAP_OBSERVE_CANCEL);
    struct lc_observer observer;
    bool begins = good && observe_is(request, COAP_OBSERVE_ESTABLISH) &&
                  lc_observers_prepare(request, &observer);
    bool sent;

    if (begins) {
        inner->observe = request->server->observe_value++ & 0xFFFFFF;
    }
    sent = lc_seal_answer(request, answer, inner, response);
    if (begins && sent) {
        lc_observers_enter(&observer);
    } else if (begins) {
        lc_observers_discard(&observer);
    }
    if (cancels && sent) {
        lc_observers_cancel(request);
    }
    return sent;
}

/* The answer, or the block of it that is asked for. False: lscoap or memory failed. */
static bool send_answer(const struct lc_request *request, coap_pdu_t **answer, bool *is_kept,
                        struct lc_inner *inner, coap_pdu_t *response) {
    bool is_part;

    if (!lc_in_blocks(request, *answer, *is_kept, inner, &is_part)) {
        struct lc_inner refusal = LC_INNER_NONE;

        if (!*is_kept) {
            coap_delete_pdu(*answer);
        }
        *is_kept = false;
        *answer = say(COAP_RESPONSE_CODE_BAD_OPTION); /* there is no such block */
        return *answer != NULL && seal_answer(request, *answer, &refusal, response);
    }
    if (!seal_answer(request, *answer, inner, response)) {
        return false;
    }
    *is_kept = *is_kept || (is_part && lc_bodies_keep(request, *answer, inner));
    return true;
}

/* A request that opened, to its end. */
static void serve_opened(struct lc_request *request, coap_pdu_t *response) {
    lscoap_libcoap_event event = {
        .type = LSCOAP_LIBCOAP_REQUEST, .peer = request->peer, .session = request->session};
    struct lc_inner inner = LC_INNER_NONE;
    coap_pdu_t *answer;
    bool is_kept;

    tell_confirmed(request); /* the program may notify(), which takes the message's place */
    event.path = *coap_resource_get_uri_path(request->resource != NULL ? request->resource->outer
                                                                       : request->reached);
    event.method = request->inner != NULL ? coap_pdu_get_code(request->inner) : 0;
    answer = answer_opened(request, &inner, &is_kept);
    if (answer == NULL || !send_answer(request, &answer, &is_kept, &inner, response)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    } else {
        event.code = coap_pdu_get_code(answer);
        lc_tell(request->server, &event);
        if (is_change(event.method) && COAP_RESPONSE_CLASS(event.code) == 2 &&
            event.code != COAP_RESPONSE_CODE_CONTINUE) {
            lscoap_libcoap_notify(request->resource);
        }
    }
    if (!is_kept) {
        coap_delete_pdu(answer);
    }
    coap_delete_pdu(request->inner);
}

/* What a block of a sealed request belongs to: who sends it where, unless it has a name. */
static size_t transfer_key(const struct lc_request *request, uint8_t key[LC_TRANSFER_KEY_MAX]) {
    const coap_address_t *remote = coap_session_get_addr_remote(request->peer);
    const struct lc_tag *tag = &request->options.tag;
    size_t len = 0;

    key[len++] = request->options.oscore != NULL ? 1 : 2;
    key[len++] = (uint8_t)coap_pdu_get_code(request->outer);
    key[len++] = (uint8_t)tag->len;
    memcpy(key + len, tag->bytes, tag->len);
    len += tag->len;
    memcpy(key + len, request->target, request->target_len);
    len += request->target_len;
    if (!lc_is_name(tag)) {
        memcpy(key + len, &remote->addr, remote->size);
        len += remote->size;
    }
    return len;
}

/* The session that a request says it is of. */
static lscoap_session *session_named(const struct lc_request *request) {
    uint8_t start[LC_OBJECT_START];
    size_t len = lc_object_start(request, start);

    return lscoap_server_find(&request->server->server, request->now_ms, start, len);
}

/* Puts a sealed request together. False: the response says why not, or what comes next. */
static bool is_whole(struct lc_request *request, coap_pdu_t *response) {
    const lscoap_session *session = NULL;
    uint8_t key[LC_TRANSFER_KEY_MAX];
    struct lc_incoming in = {
        .key = key, .named = lc_is_name(&request->options.tag), .block = &request->options.block1};
    lscoap_status refused;

    if (request->options.block1.present) {
        in.key_len = transfer_key(request, key);
    }
    if (request->options.block1.more && request->options.block1.number == 0) {
        session = session_named(request);
        in.has_session =
            session != NULL &&
            lscoap_server_slot_index(&request->server->server, session, &in.slot) == LSCOAP_OK;
    }
    if (lc_blocks_receive(request->server, &in, request->now_ms, &request->body,
                          &request->assembled, response, &refused)) {
        return true;
    }
    if (refused != LSCOAP_OK) {
        refuse(request, response, refused);
    }
    return false;
}

/* Opens the request. False: the response says why not, or that it has been answered before. */
static bool open_request(struct lc_request *request, coap_pdu_t *response) {
    lscoap_libcoap_server *server = request->server;
    lscoap_io io = {.input = server->message,
                    .out = server->message,
                    .out_cap = LC_MESSAGE_MAX,
                    .now_ms = request->now_ms};
    lscoap_status status;

    if (!is_whole(request, response) ||
        (request->assembled != NULL && is_repeated(request, response))) { /* under another tag */
        return false;
    }
    io.input_len =
        lc_write_message(request->outer, NULL, 0, &request->body, server->message, LC_MESSAGE_MAX);
    status = io.input_len == 0 ? LSCOAP_ERR_MALFORMED
                               : lscoap_server_unprotect_request(
                                     &server->server, &io, &request->session, &request->exchange);
    if (status != LSCOAP_OK) {
        refuse(request, response, status);
        return false;
    }
    if (!lc_read_opened(request, server->message, io.out_len)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return false;
    }
    return true;
}

static void handle_sealed(struct lc_request *request, coap_pdu_t *response) {
    const struct lc_block *block2 = &request->options.block2;

    if (!request->options.blocks_valid) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
        return;
    }
    coap_get_data(request->outer, &request->body.len, &request->body.bytes);
    if (request->options.oscore == NULL && request->options.block1.number == 0 &&
        lc_like_alert(request->body.bytes, request->body.len)) {
        return; /* whatever it is, an alert is no answer to it */
    }
    request->body.offset = request->options.block1.offset;
    request->now_ms = lc_now(request->server);
    request->peer_hash = lc_hash_of_peer(coap_session_get_addr_remote(request->peer));
    if (block2->present && (block2->number > 0 || request->body.len == 0)) {
        follow_up(request, response);
    } else if (!is_repeated(request, response) && open_request(request, response)) {
        serve_opened(request, response);
    }
    free(request->assembled);
}

/* ---- what is not ---- */

/* Whoever asks in the clear is refused, whatever the resource is, save for a GET of one that says
 * otherwise. */
static void handle_plaintext(const struct lc_request *request,
                             const lscoap_libcoap_resource *resource, const coap_string_t *query,
                             coap_pdu_t *response) {
    static const char hint[] = "sealed requests only";
    coap_method_handler_t get = resource->handlers[COAP_REQUEST_GET - 1];
    lscoap_libcoap_event event = {.type = LSCOAP_LIBCOAP_REQUEST,
                                  .peer = request->peer,
                                  .path = *coap_resource_get_uri_path(request->reached),
                                  .method = coap_pdu_get_code(request->outer)};

    if (event.method != COAP_REQUEST_CODE_GET || get == NULL || resource->clear_allowed == NULL ||
        !resource->clear_allowed(request->peer)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_UNAUTHORIZED);
        coap_add_data(response, sizeof hint - 1, (const uint8_t *)hint);
        tell_refused(request, response, 0);
        return;
    }
    get(resource->inner, request->peer, request->outer, query, response);
    event.code = coap_pdu_get_code(response);
    lc_tell(request->server, &event);
}

static bool is_sealed(const struct lc_request *request) {
    coap_pdu_code_t method = coap_pdu_get_code(request->outer);

    return request->options.oscore != NULL ||
           (request->options.content_format == LSCOAP_CONTENT_FORMAT_SEALED &&
            (method == COAP_REQUEST_CODE_FETCH || method == COAP_REQUEST_CODE_POST));
}

/* A request for a resource, or, where that is NULL, for the empty path. */
static void handle(lscoap_libcoap_server *server, const lscoap_libcoap_resource *resource,
                   struct lc_request *request, const coap_string_t *query, coap_pdu_t *response) {
    uint8_t target[LSCOAP_AAD_MAX];
    bool fits = lc_read_sealed(request->outer, &request->options, target, &request->target_len);

    request->server = server;
    request->target = target;
    lc_filter_count(server, request->peer);
    if (resource == NULL && request->options.oscore == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_NOT_FOUND);
    } else if (!is_sealed(request)) {
        handle_plaintext(request, resource, query, response);
    } else if (!fits) {
        refuse(request, response, LSCOAP_ERR_AUTHENTICATION);
    } else {
        handle_sealed(request, response);
    }
}

void lc_handle_resource(coap_resource_t *outer, coap_session_t *peer, const coap_pdu_t *pdu,
                        const coap_string_t *query, coap_pdu_t *response) {
    const lscoap_libcoap_resource *resource = coap_resource_get_userdata(outer);
    struct lc_request request = {.reached = outer, .peer = peer, .outer = pdu};

    handle(resource->server, resource, &request, query, response);
}

void lc_handle_root(coap_resource_t *outer, coap_session_t *peer, const coap_pdu_t *pdu,
                    const coap_string_t *query, coap_pdu_t *response) {
    struct lc_request request = {.reached = outer, .peer = peer, .outer = pdu};

    handle(coap_resource_get_userdata(outer), NULL, &request, query, response);
}
