#include "listen.h"

static struct lc_listener *listeners;

static void on_nack(coap_session_t *peer, const coap_pdu_t *sent, coap_nack_reason_t reason,
                    coap_mid_t mid) {
    const coap_context_t *context = coap_session_get_context(peer);
    coap_nack_handler_t other = NULL;

    for (struct lc_listener *at = listeners; at != NULL; at = at->next) {
        if (at->context == context) {
            if (at->on_nack(at->owner, peer, sent, reason, mid)) {
                return;
            }
            other = at->other_nack != NULL ? at->other_nack : other;
        }
    }
    if (other != NULL) {
        other(peer, sent, reason, mid);
    }
}

static coap_response_t on_response(coap_session_t *peer, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, const coap_mid_t mid) {
    const coap_context_t *context = coap_session_get_context(peer);
    coap_response_handler_t other = NULL;
    coap_response_t verdict = COAP_RESPONSE_OK;

    for (struct lc_listener *at = listeners; at != NULL; at = at->next) {
        if (at->context == context && at->on_response != NULL) {
            if (at->on_response(at->owner, peer, received, &verdict)) {
                return verdict;
            }
            other = at->other_response != NULL ? at->other_response : other;
        }
    }
    return other != NULL ? other(peer, sent, received, mid) : COAP_RESPONSE_OK;
}

void lc_listen(struct lc_listener *listener) {
    lc_unlisten(listener);
    listener->next = listeners;
    listeners = listener;
    coap_register_nack_handler(listener->context, on_nack);
    if (listener->on_response != NULL) {
        coap_register_response_handler(listener->context, on_response);
    }
}

void lc_unlisten(struct lc_listener *listener) {
    for (struct lc_listener **at = &listeners; *at != NULL; at = &(*at)->next) {
        if (*at == listener) {
            *at = listener->next;
            return;
        }
    }
}
