/* From a request to its handler, and from the answer to what is sealed, kept and sent. */
#include "server.h"

#include <string.h>

size_t lc_object_start(const struct lc_request *request, uint8_t out[LC_OBJECT_START]) {
    size_t header = request->options.oscore != NULL ? request->target_len : 0;
    size_t rest;

    if (header > LC_OBJECT_START) {
        header = LC_OBJECT_START;
    }
    rest = request->body.len < LC_OBJECT_START - header ? request->body.len
                                                        : (size_t)LC_OBJECT_START - header;
    memcpy(out, request->target, header);
    if (rest > 0) {
        memcpy(out + header, request->body.bytes, rest);
    }
    return header + rest;
}

/* By the path that the client gave; NULL: there is none. */
static lscoap_libcoap_resource *find_resource(const struct lc_request *request) {
    lscoap_libcoap_server *server = request->server;
    lscoap_libcoap_resource *found = NULL;
    coap_string_t *path;

    if (request->options.oscore == NULL) { /* the path stands outside: libcoap has looked */
        return coap_resource_get_userdata(request->reached);
    }
    path = coap_get_uri_path(request->inner);
    for (size_t i = 0; path != NULL && i < server->n_resources; i++) {
        const coap_str_const_t *own = coap_resource_get_uri_path(server->resources[i].inner);

        if (own->length == path->length && memcmp(own->s, path->s, path->length) == 0) {
            found = &server->resources[i];
        }
    }
    coap_delete_string(path);
    return found;
}

bool lc_read_opened(struct lc_request *request, const uint8_t *message, size_t len) {
    request->inner = lc_parse_message(message, len);
    if (request->inner != NULL) {
        lc_read_options(request->inner, &request->inner_options);
        request->resource = find_resource(request);
        request->understood = request->resource != NULL &&
                              lscoap_check_options(message, len, request->resource->options,
                                                   request->resource->n_options) == LSCOAP_OK;
    }
    return lscoap_server_slot_index(&request->server->server, request->session, &request->slot) ==
               LSCOAP_OK &&
           lscoap_session_fingerprint(request->session, request->fingerprint) == LSCOAP_OK;
}

coap_pdu_t *lc_serve(const struct lc_request *request) {
    lscoap_libcoap_server *server = request->server;
    const lscoap_session *outer_session = server->current; /* a handler may notify() */
    coap_bin_const_t token = coap_pdu_get_token(request->inner);
    coap_pdu_t *answer = /* with FF; code and Observe come to it when it is sealed */
        coap_pdu_init(COAP_MESSAGE_ACK, 0, coap_pdu_get_mid(request->inner),
                      token.length + LSCOAP_LIBCOAP_BODY_MAX + 1);
    coap_method_handler_t handler =
        request->resource->handlers[coap_pdu_get_code(request->inner) - 1];
    struct lc_options options;
    coap_string_t *query;

    if (answer == NULL || !coap_add_token(answer, token.length, token.s)) {
        coap_delete_pdu(answer);
        return NULL;
    }
    if (handler == NULL) {
        coap_pdu_set_code(answer, COAP_RESPONSE_CODE_NOT_ALLOWED);
        return answer;
    }
    query = coap_get_query(request->inner);
    server->current = request->session;
    handler(request->resource->inner, request->peer, request->inner, query, answer);
    server->current = outer_session;
    coap_delete_string(query);
    /* No code: an answer later, which the adapter does not offer. Block2: the body was too long,
     * and libcoap wrote its first block only. */
    lc_read_options(answer, &options);
    if (coap_pdu_get_code(answer) == COAP_EMPTY_CODE || options.block2.present) {
        coap_delete_pdu(answer);
        answer = coap_pdu_init(COAP_MESSAGE_ACK, COAP_RESPONSE_CODE_INTERNAL_ERROR, 0, 16);
    }
    return answer;
}

/* ---- blocks of an answer, inside ---- */

/* The length of the message, in the server's place for it; 0: too long. */
static size_t write_answer(lscoap_libcoap_server *server, const coap_pdu_t *answer,
                           const struct lc_inner *inner) {
    struct lc_set sets[5];
    size_t n = 0;

    if (inner->etag != LC_NO_OPTION) {
        sets[n++] = (struct lc_set){COAP_OPTION_ETAG, inner->etag};
    }
    sets[n++] = (struct lc_set){COAP_OPTION_OBSERVE, inner->observe};
    if (inner->block2 != LC_NO_OPTION) {
        sets[n++] = (struct lc_set){COAP_OPTION_BLOCK2, inner->block2};
    }
    if (inner->block1 != LC_NO_OPTION) {
        sets[n++] = (struct lc_set){COAP_OPTION_BLOCK1, inner->block1};
    }
    if (inner->size2 != LC_NO_OPTION) {
        sets[n++] = (struct lc_set){COAP_OPTION_SIZE2, inner->size2};
    }
    return lc_write_message(answer, sets, n, &inner->payload, server->message, LC_MESSAGE_MAX);
}

/* The part of the answer that the request asks for. False: there is no such part. */
static bool slice(struct lc_inner *inner, const struct lc_body *all, size_t offset, uint32_t szx) {
    size_t size = (size_t)16 << szx;
    bool more;

    if (offset >= all->len) {
        return false;
    }
    more = all->len - offset > size;
    inner->payload =
        (struct lc_body){.bytes = all->bytes + offset, .len = more ? size : all->len - offset};
    inner->block2 = lc_block_value((uint32_t)(offset >> (szx + 4)), more, szx);
    inner->size2 = offset == 0 ? (int64_t)all->len : LC_NO_OPTION;
    return true;
}

/* Whether a message, once it is sealed, is one datagram. */
static bool fits(const struct lc_request *request, size_t len) {
    return len != 0 && len + LSCOAP_PROTECT_OVERHEAD <= coap_session_max_pdu_size(request->peer);
}

/* The largest blocks that fit: options of the answer take room, too. */
static bool slice_to_fit(const struct lc_request *request, const coap_pdu_t *answer,
                         struct lc_inner *inner, const struct lc_body *all) {
    const struct lc_block *wanted = &request->inner_options.block2;
    uint32_t szx = wanted->present ? wanted->szx : LC_SZX_MAX;
    size_t offset = wanted->present ? wanted->offset : 0;

    for (;;) {
        if (!slice(inner, all, offset, szx)) {
            return false;
        }
        if (szx == 0 || request->options.oscore == NULL ||
            fits(request, write_answer(request->server, answer, inner))) {
            return true;
        }
        szx--;
    }
}

bool lc_in_blocks(const struct lc_request *request, const coap_pdu_t *answer, bool is_kept,
                  struct lc_inner *inner, bool *is_part) {
    lscoap_libcoap_server *server = request->server;
    struct lc_body all = {0};
    struct lc_options own;
    bool asked;

    *is_part = false;
    coap_get_data(answer, &all.len, &all.bytes);
    inner->payload = all;
    asked = request->inner_options.block2.present && all.len > 0 &&
            COAP_RESPONSE_CLASS(coap_pdu_get_code(answer)) == 2;
    if (!asked && (all.len == 0 || request->options.oscore == NULL ||
                   fits(request, write_answer(server, answer, inner)))) {
        return true;
    }
    lc_read_options(answer, &own);
    if (!is_kept && own.etag.len == 0) {
        inner->etag = (int64_t)server->etag++;
    }
    if (!slice_to_fit(request, answer, inner, &all)) {
        return false;
    }
    *is_part = inner->payload.len < all.len;
    if (!*is_part) { /* it needs no name */
        inner->etag = LC_NO_OPTION;
    }
    return true;
}

/* ---- sealing ---- */

/* What a protected answer is made of. */
static bool read_protected(const uint8_t *message, size_t len, struct lc_manner *manner,
                           struct lc_body *sealed) {
    size_t at = LC_HEADER_LEN + (message[0] & 0x0FU);
    coap_option_t option = {0};
    uint16_t number = 0;

    manner->code = (coap_pdu_code_t)message[1];
    while (at < len && message[at] != 0xFF) {
        size_t size = coap_opt_parse(message + at, len - at, &option);

        if (size == 0) {
            return false;
        }
        number = (uint16_t)(number + option.delta);
        if (number == COAP_OPTION_OSCORE && option.length <= sizeof manner->oscore) {
            manner->is_oscore = true;
            manner->oscore_len = option.length;
            memcpy(manner->oscore, option.value, option.length);
        }
        at += size;
    }
    *sealed = (struct lc_body){.bytes = message + at + 1, .len = len - at - 1};
    return at < len;
}

/* Keeps a sealed answer and puts it, or its first block, into the response. */
static bool send_sealed(const struct lc_request *request, const struct lc_body *sealed,
                        const struct lc_manner *manner, coap_pdu_t *response) {
    struct lc_answer *answer =
        lc_answers_put(&request->server->answers, request, sealed->bytes, sealed->len, manner);

    if (answer == NULL) { /* good enough for one datagram */
        uint8_t *bytes = request->server->message + (sealed->bytes - request->server->message);
        struct lc_answer not_kept = {.bytes = bytes, .answer_len = sealed->len, .manner = *manner};

        return lc_add_answer(&request->options, response, &not_kept, false);
    }
    return lc_add_answer(&request->options, response, answer, false);
}

bool lc_seal_answer(const struct lc_request *request, const coap_pdu_t *answer,
                    const struct lc_inner *inner, coap_pdu_t *response) {
    lscoap_libcoap_server *server = request->server;
    struct lc_manner manner = {.etag = server->etag++};
    lscoap_io io = {.input = server->message,
                    .input_len = write_answer(server, answer, inner),
                    .out = server->message,
                    .out_cap = LC_MESSAGE_MAX};
    struct lc_body sealed;

    if (inner->observe != LC_NO_OPTION) {
        manner.observe = true;
        manner.observe_value = (uint32_t)inner->observe;
    }
    return io.input_len != 0 &&
           lscoap_protect_response(request->session, &io, &request->exchange) == LSCOAP_OK &&
           read_protected(server->message, io.out_len, &manner, &sealed) &&
           send_sealed(request, &sealed, &manner, response);
}
