/* What a client waits for: one exchange at a time. */
#include "client.h"

enum {
    /* As long as a message can be on its way: MAX_TRANSMIT_WAIT, RFC 7252 section 4.8.2. */
    TRANSMIT_MS = 93 * 1000,
    LOOK_UP_MS = 100,     /* whether libcoap has dropped the message that waits for its answer */
    ICMP_APART_MS = 1000, /* no retransmission comes sooner */
    NSTART_ANY = 1024     /* more than libcoap counts to */
};

static bool on_response(void *owner, const coap_session_t *peer, const coap_pdu_t *received,
                        coap_response_t *verdict) {
    lscoap_libcoap_client *client = owner;

    if (peer != client->peer) {
        return false;
    }
    *verdict = lc_take_response(client, received);
    return true;
}

static void take_nack(struct lc_pending *pending, const coap_pdu_t *sent,
                      coap_nack_reason_t reason) {
    if (pending->kind == LC_IDLE || pending->done) {
        return;
    }
    if (sent != NULL &&
        !lc_is_token(pending->ask.fetching ? &pending->ask.next : &pending->ask.first,
                     coap_pdu_get_token(sent))) {
        return; /* the newest datagram is what counts */
    }
    if (reason == COAP_NACK_TOO_MANY_RETRIES) {
        lc_finish(pending, pending->status);
    } else if (reason == COAP_NACK_NOT_DELIVERABLE) { /* by this machine */
        lc_finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE);
    } else if (reason == COAP_NACK_ICMP_ISSUE && pending->icmp_ms != 0 &&
               lc_client_now() - pending->icmp_ms > ICMP_APART_MS) {
        lc_finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE); /* a retransmission met it as well */
    } else {
        /* A reset matches by its message id alone, an ICMP error by ports: not yet believed. */
        if (reason == COAP_NACK_ICMP_ISSUE && pending->icmp_ms == 0) {
            pending->icmp_ms = lc_client_now();
        }
        if (pending->status == LSCOAP_LIBCOAP_ERR_TIMEOUT) {
            pending->status = LSCOAP_LIBCOAP_ERR_UNREACHABLE;
        }
    }
}

static bool on_nack(void *owner, const coap_session_t *peer, const coap_pdu_t *sent,
                    coap_nack_reason_t reason, coap_mid_t mid) {
    lscoap_libcoap_client *client = owner;

    (void)mid;
    if (peer != client->peer) {
        return false;
    }
    take_nack(&client->pending, sent, reason);
    return true;
}

void lc_set_peer(lscoap_libcoap_client *client, coap_session_t *peer) {
    if (client->peer == peer) {
        return;
    }
    lc_unlisten(&client->listener);
    client->peer = peer;
    client->context = peer != NULL ? coap_session_get_context(peer) : NULL;
    if (peer != NULL) {
        /* One exchange at a time is the adapter's own doing. Libcoap counts wrong: a message that
         * it has taken out of its queue for a NON with the same id counts for ever. */
        coap_session_set_nstart(peer, NSTART_ANY);
        client->listener = (struct lc_listener){.context = client->context,
                                                .owner = client,
                                                .on_nack = on_nack,
                                                .on_response = on_response,
                                                .other_nack = client->config.other_nack,
                                                .other_response = client->config.other_response};
        lc_listen(&client->listener);
        coap_register_option(client->context, COAP_OPTION_OSCORE);
    }
}

void lc_observations_clear(lscoap_libcoap_client *client) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX; i++) {
        client->observations[i].live = false;
        lc_ask_clear(&client->observations[i].ask);
    }
}

/* ---- waiting ---- */

static void send_again(lscoap_libcoap_client *client, bool new_token) {
    struct lc_pending *pending = &client->pending;
    int status = lc_ask_send(client, &pending->ask, new_token);

    pending->again_ms = UINT64_MAX;
    if (new_token) {
        pending->sent_ms = lc_client_now();
        pending->repeated = false;
    }
    if (status != LSCOAP_OK) {
        lc_finish(pending, status);
    }
}

/* What is due at this time, and how long to wait then. */
static uint32_t work(lscoap_libcoap_client *client, uint64_t limit_ms) {
    struct lc_pending *pending = &client->pending;
    uint64_t now = lc_client_now();
    uint64_t end_ms = pending->sent_ms + TRANSMIT_MS;
    uint64_t half_ms;

    /* A server that acknowledged may take its time. */
    if (limit_ms < end_ms ||
        (limit_ms != UINT64_MAX && pending->status == LSCOAP_LIBCOAP_ERR_TIMEOUT)) {
        end_ms = limit_ms;
    }
    half_ms = end_ms - pending->sent_ms < TRANSMIT_MS ? end_ms - pending->sent_ms : TRANSMIT_MS;
    half_ms = pending->sent_ms + half_ms / 2;
    if (now >= end_ms) {
        lc_finish(pending, pending->status);
        return 1;
    }
    if (now >= pending->again_ms) {
        send_again(client, true);
        return 1;
    }
    if (now >= half_ms && !pending->repeated && pending->again_ms == UINT64_MAX &&
        coap_can_exit(client->context)) {
        /* It was acknowledged, or reset, by whoever guessed 16 bits: once more, under a message id
         * for which libcoap has not seen anything. */
        pending->repeated = true;
        send_again(client, false);
        return 1;
    }
    if (pending->again_ms < end_ms) {
        end_ms = pending->again_ms;
    }
    if (half_ms > now && half_ms < end_ms) {
        end_ms = half_ms;
    }
    if (now >= half_ms && !pending->repeated && end_ms - now > LOOK_UP_MS) {
        return LOOK_UP_MS;
    }
    return (uint32_t)(end_ms - now);
}

int lc_client_wait(lscoap_libcoap_client *client, uint32_t timeout_ms) {
    struct lc_pending *pending = &client->pending;
    uint64_t limit_ms = UINT64_MAX;
    int status;

    pending->sent_ms = lc_client_now();
    pending->again_ms = UINT64_MAX;
    pending->status = LSCOAP_LIBCOAP_ERR_TIMEOUT;
    if (timeout_ms != 0) {
        limit_ms = pending->sent_ms + timeout_ms;
    }
    status = lc_ask_send(client, &pending->ask, true);
    if (status != LSCOAP_OK) {
        lc_finish(pending, status);
    }
    pending->sent = status == LSCOAP_OK || status == LSCOAP_LIBCOAP_ERR_UNREACHABLE;
    while (!pending->done) {
        uint32_t wait_ms = work(client, limit_ms);

        if (!pending->done && coap_io_process(client->context, wait_ms) < 0) {
            lc_finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE);
        }
    }
    lc_ask_clear(&pending->ask);
    pending->kind = LC_IDLE;
    return pending->status;
}
