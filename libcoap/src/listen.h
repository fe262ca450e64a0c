/* libcoap has one handler of a kind for a whole context, which does not say whose session it is
 * about: here each server and each client is asked whether it is its own. */
#ifndef LC_LISTEN_H
#define LC_LISTEN_H

#include "lscoap_libcoap.h"

struct lc_listener {
    coap_context_t *context;
    void *owner;
    /* False: not of a session of the owner's, and nothing has been done. */
    bool (*on_nack)(void *owner, const coap_session_t *peer, const coap_pdu_t *sent,
                    coap_nack_reason_t reason, coap_mid_t mid);
    bool (*on_response)(void *owner, const coap_session_t *peer, const coap_pdu_t *received,
                        coap_response_t *verdict); /* or NULL */
    coap_nack_handler_t other_nack;                /* for what is nobody's; or NULL */
    coap_response_handler_t other_response;        /* the same */
    struct lc_listener *next;
};

/* Until lc_unlisten(). A client's also takes the context's responses. */
void lc_listen(struct lc_listener *listener);

/* Does nothing for one that does not listen. */
void lc_unlisten(struct lc_listener *listener);

#endif
