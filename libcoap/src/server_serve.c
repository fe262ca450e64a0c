/* From a request to its handler, and from the answer to what is kept and sent. */
#include "server.h"

coap_pdu_t *lc_serve(lscoap_libcoap_resource *resource, coap_session_t *peer,
                     const lscoap_session *session, const coap_pdu_t *inner,
                     const coap_string_t *query) {
    lscoap_libcoap_server *server = resource->server;
    const lscoap_session *outer_session = server->current; /* a handler may notify() */
    coap_bin_const_t token = coap_pdu_get_token(inner);
    coap_pdu_t *answer = /* with FF; code and Observe come to it when it is sealed */
        coap_pdu_init(COAP_MESSAGE_ACK, 0, coap_pdu_get_mid(inner),
                      token.length + LSCOAP_LIBCOAP_BODY_MAX + 1);
    coap_method_handler_t handler = resource->handlers[coap_pdu_get_code(inner) - 1];
    struct lc_options options;

    if (answer == NULL || !coap_add_token(answer, token.length, token.s)) {
        coap_delete_pdu(answer);
        return NULL;
    }
    if (handler == NULL) {
        coap_pdu_set_code(answer, COAP_RESPONSE_CODE_NOT_ALLOWED);
        return answer;
    }
    server->current = session;
    handler(resource->inner, peer, inner, query, answer);
    server->current = outer_session;
    /* No code: an answer later, which the adapter does not offer. Block2: the body was too long,
     * and libcoap wrote its first block only. */
    lc_read_options(answer, &options);
    if (coap_pdu_get_code(answer) == COAP_EMPTY_CODE || options.block2.present) {
        coap_delete_pdu(answer);
        answer = coap_pdu_init(COAP_MESSAGE_ACK, COAP_RESPONSE_CODE_INTERNAL_ERROR, 0, 16);
    }
    return answer;
}

bool lc_send_sealed(const struct lc_request *request, size_t len, const struct lc_manner *manner,
                    coap_pdu_t *response) {
    lscoap_libcoap_server *server = request->resource->server;
    struct lc_answer *answer =
        lc_answers_put(&server->answers, request, server->sealed, len, manner);

    if (answer == NULL) { /* good enough for one datagram */
        struct lc_answer not_kept = {.bytes = server->sealed, .answer_len = len, .manner = *manner};

        return lc_add_answer(&request->options, response, &not_kept, false);
    }
    return lc_add_answer(&request->options, response, answer, false);
}
