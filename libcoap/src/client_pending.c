/* What a client waits for: one exchange at a time, and notifications. Whatever comes is looked for
 * by its token, which nobody guesses; and what has it and does not open is a hint, no more: anybody
 * who saw the request can have sent it. */
#include "client.h"

#include <string.h>
#include <time.h>

enum {
    /* As long as a message can be on its way: MAX_TRANSMIT_WAIT, RFC 7252 section 4.8.2. */
    TRANSMIT_MS = 93 * 1000,
    LOOK_UP_MS = 100,     /* whether libcoap has dropped the message that waits for its answer */
    ICMP_APART_MS = 1000, /* no retransmission comes sooner */
    DELAYS_MAX = 3,       /* 4.08 and 5.03 to one request */
    DELAY_MAX_S = 30,     /* Max-Age of a 5.03 is not authentic */
    ALERT_LEN = 2,        /* 1F and its code */
    NSTART_ANY = 1024     /* more than libcoap counts to */
};

static uint64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_token(const struct lc_token *token, coap_bin_const_t of_pdu) {
    return token->len > 0 && token->len == of_pdu.length &&
           memcmp(token->bytes, of_pdu.s, token->len) == 0;
}

/* ---- what comes, as libcoap delivers it ---- */

static void finish(struct lc_pending *pending, int status) {
    pending->status = status;
    pending->done = true;
}

/* Something came that is not an answer, or not authentic: the same again, once. */
static void take_hint(struct lc_pending *pending, int status) {
    if (pending->again_ms != UINT64_MAX) {
        return; /* about the same datagram as the last one */
    }
    pending->status = status;
    if (pending->hints++ == 0) {
        pending->again_ms = 0;
        return;
    }
    pending->refused = true;
    pending->done = true;
}

/* 5.03, or 4.08 for a message in blocks: from its first block, later or at once. */
static void take_delay(struct lc_pending *pending, const struct lc_options *options, int status) {
    int64_t delay_s = options->max_age;

    if (pending->again_ms != UINT64_MAX) {
        return;
    }
    if (pending->delays++ == DELAYS_MAX) {
        finish(pending, status);
        return;
    }
    if (pending->outer_code == COAP_RESPONSE_CODE_INCOMPLETE || delay_s < 0) {
        delay_s = 0;
    }
    pending->status = status;
    pending->again_ms = now_ms() + 1000 * (uint64_t)(delay_s < DELAY_MAX_S ? delay_s : DELAY_MAX_S);
    lc_ask_restart(&pending->ask);
}

static uint32_t format_of(const struct lc_options *options) {
    return options->content_format == LC_NO_OPTION ? COAP_MEDIATYPE_TEXT_PLAIN
                                                   : (uint32_t)options->content_format;
}

/* The alert's status, or that of a refusal without one. */
static int refusal_of(const lscoap_libcoap_client *client, const coap_pdu_t *received,
                      const struct lc_options *options) {
    const uint8_t *data = NULL;
    size_t len = 0;

    coap_get_data(received, &len, &data);
    if (COAP_RESPONSE_CLASS(coap_pdu_get_code(received)) == 2 ||
        format_of(options) != LSCOAP_CONTENT_FORMAT_HANDSHAKE || len != ALERT_LEN ||
        data[0] != 0x1F || data[1] < 1 || data[1] > 5) {
        return LSCOAP_LIBCOAP_ERR_REFUSED;
    }
    lc_client_tell_message(client, LSCOAP_LIBCOAP_MESSAGE_RECEIVED, data, len);
    /* LSCOAP_ALERT_UNKNOWN_DEVICE, the alert of code 1, is the first of five that count down. */
    return LSCOAP_ALERT_UNKNOWN_DEVICE - (data[1] - 1);
}

/* Opens a sealed answer or notification. With LSCOAP_OK it is authentic, and *inner NULL where what
 * was sealed is no CoAP response. */
static int open_answer(lscoap_libcoap_client *client, lscoap_exchange *exchange,
                       const coap_pdu_t *outer, const struct lc_body *object, coap_pdu_t **inner) {
    size_t len;
    int status = lscoap_open_response(lc_session(client), exchange, object->bytes, object->len,
                                      client->plain->bytes, LC_PLAIN_MAX, &len);

    if (status != LSCOAP_OK) {
        return status;
    }
    lc_session_confirmed(client);
    *inner = lc_decode_plaintext(client->plain, len, outer);
    if (*inner != NULL && (COAP_RESPONSE_CLASS(coap_pdu_get_code(*inner)) < 2 ||
                           !lc_response_options_allowed(*inner))) {
        coap_delete_pdu(*inner);
        *inner = NULL;
    }
    return LSCOAP_OK;
}

static bool has_observe(const coap_pdu_t *pdu) {
    struct lc_options options;

    lc_read_options(pdu, &options);
    return options.observe != LC_NO_OPTION;
}

static void on_handshake_answer(lscoap_libcoap_client *client, const coap_pdu_t *received,
                                const struct lc_options *options, bool is_before) {
    struct lc_pending *pending = &client->pending;
    bool busy = pending->outer_code == COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE;
    const uint8_t *data = NULL;
    size_t len = 0;

    coap_get_data(received, &len, &data);
    if (!busy && format_of(options) == LSCOAP_CONTENT_FORMAT_HANDSHAKE && len > 0 &&
        len <= sizeof pending->message) {
        memcpy(pending->message, data, len);
        pending->message_len = len;
        finish(pending, LSCOAP_OK);
    } else if (busy && !is_before) {
        take_delay(pending, options, refusal_of(client, received, options));
    } else if (!is_before) {
        take_hint(pending, LSCOAP_LIBCOAP_ERR_REFUSED);
    }
}

/* The whole answer is there, if it is one. */
static int open_pending(lscoap_libcoap_client *client, const coap_pdu_t *received,
                        const struct lc_body *whole) {
    struct lc_pending *pending = &client->pending;
    int status = open_answer(client, &pending->exchange, received, whole, &client->answer);

    if (status != LSCOAP_OK) {
        return status;
    }
    pending->outer_code = COAP_EMPTY_CODE;
    if (client->answer == NULL) {
        finish(pending, LSCOAP_ERR_MALFORMED);
        return LSCOAP_OK;
    }
    finish(pending, LSCOAP_OK);
    if (pending->observation != NULL && pending->ask.answer_observed &&
        has_observe(client->answer)) {
        *pending->observation = pending->begins;
        pending->observation->live = true;
        pending->observation->exchange = pending->exchange;
        pending->observation->ask = pending->ask;
        memset(&pending->ask, 0, sizeof pending->ask);
    }
    return LSCOAP_OK;
}

static void on_request_answer(lscoap_libcoap_client *client, const coap_pdu_t *received,
                              const struct lc_options *options, bool is_next, bool is_before) {
    struct lc_pending *pending = &client->pending;
    bool goes_on = pending->outer_code == COAP_RESPONSE_CODE_CONTINUE ||
                   (is_next && pending->outer_code == COAP_RESPONSE_CODE_INCOMPLETE);
    struct lc_body whole;
    int status = LSCOAP_LIBCOAP_ERR_REFUSED;

    if (goes_on || (pending->outer_code == pending->expected &&
                    format_of(options) == LSCOAP_CONTENT_FORMAT_SEALED)) {
        switch (lc_ask_take(client, &pending->ask, received, options, is_next, &whole)) {
        case LC_TOOK_BLOCK:
            pending->sent_ms = now_ms();
            pending->repeated = false;
            pending->again_ms = UINT64_MAX;
            return;
        case LC_TOOK_WHOLE:
            status = open_pending(client, received, &whole);
            break;
        case LC_TOOK_NOTHING:
            break;
        }
    }
    if (status == LSCOAP_OK || is_before) {
        return;
    }
    if (pending->outer_code == COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE ||
        (pending->outer_code == COAP_RESPONSE_CODE_INCOMPLETE && !pending->ask.fetching)) {
        take_delay(pending, options, refusal_of(client, received, options));
    } else if (status == LSCOAP_LIBCOAP_ERR_REFUSED) {
        take_hint(pending, refusal_of(client, received, options));
    } else {
        take_hint(pending, status);
    }
}

/* False: it is nothing that is waited for. */
static bool on_pending(lscoap_libcoap_client *client, const coap_pdu_t *received,
                       const struct lc_options *options) {
    struct lc_pending *pending = &client->pending;
    coap_bin_const_t token = coap_pdu_get_token(received);
    bool is_next = is_token(&pending->ask.next, token);
    bool is_before = is_token(&pending->ask.before, token);

    if (pending->kind == LC_IDLE || pending->done ||
        !(is_next || is_before || is_token(&pending->ask.first, token))) {
        return false;
    }
    if (is_next != pending->ask.fetching && pending->observation == NULL) {
        return true; /* the beginning of an answer whose rest is on its way */
    }
    if (is_next && !pending->ask.fetching) {
        return true;
    }
    pending->outer_code = coap_pdu_get_code(received);
    if (pending->kind == LC_HANDSHAKE) {
        on_handshake_answer(client, received, options, is_before);
    } else {
        on_request_answer(client, received, options, is_next, is_before);
    }
    return true;
}

static void on_notification(lscoap_libcoap_client *client, struct lc_observation *observation,
                            const coap_pdu_t *received, const struct lc_options *options,
                            bool is_next) {
    coap_pdu_code_t code = coap_pdu_get_code(received);
    bool sealed =
        code == COAP_RESPONSE_CODE_CONTENT && format_of(options) == LSCOAP_CONTENT_FORMAT_SEALED;
    coap_pdu_t *inner = NULL;
    struct lc_body whole;
    bool last;

    /* What is forged, or older than the last, changes nothing; nor does a block that is refused: a
     * newer notification will come. */
    if (!(sealed || (is_next && code == COAP_RESPONSE_CODE_INCOMPLETE)) ||
        (is_next && !observation->ask.fetching) ||
        lc_ask_take(client, &observation->ask, received, options, is_next, &whole) !=
            LC_TOOK_WHOLE ||
        open_answer(client, &observation->exchange, received, &whole, &inner) != LSCOAP_OK ||
        inner == NULL) {
        return;
    }
    last = !observation->ask.answer_observed || !has_observe(inner);
    if (last) {
        observation->live = false;
        lc_ask_clear(&observation->ask);
    }
    observation->on_notification(observation->context, inner, last);
    coap_delete_pdu(inner);
}

/* What has come, from the client's server. */
static coap_response_t take_response(lscoap_libcoap_client *client, const coap_pdu_t *received) {
    coap_bin_const_t token = coap_pdu_get_token(received);
    struct lc_options options;

    lc_read_options(received, &options);
    if (on_pending(client, received, &options)) {
        return COAP_RESPONSE_OK;
    }
    for (size_t i = 0; i < LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX; i++) {
        struct lc_observation *observation = &client->observations[i];
        bool is_next = is_token(&observation->ask.next, token);

        if (observation->live && (is_next || is_token(&observation->ask.first, token) ||
                                  is_token(&observation->ask.before, token))) {
            on_notification(client, observation, received, &options, is_next);
            return COAP_RESPONSE_OK;
        }
    }
    /* A reset ends an observation that nobody here wants; acknowledgements get no answer. */
    return coap_pdu_get_type(received) == COAP_MESSAGE_ACK ? COAP_RESPONSE_OK : COAP_RESPONSE_FAIL;
}

static bool on_response(void *owner, const coap_session_t *peer, const coap_pdu_t *received,
                        coap_response_t *verdict) {
    lscoap_libcoap_client *client = owner;

    if (peer != client->peer) {
        return false;
    }
    *verdict = take_response(client, received);
    return true;
}

static void take_nack(struct lc_pending *pending, const coap_pdu_t *sent,
                      coap_nack_reason_t reason) {
    if (pending->kind == LC_IDLE || pending->done) {
        return;
    }
    if (sent != NULL && !is_token(pending->ask.fetching ? &pending->ask.next : &pending->ask.first,
                                  coap_pdu_get_token(sent))) {
        return; /* the newest datagram is what counts */
    }
    if (reason == COAP_NACK_TOO_MANY_RETRIES) {
        finish(pending, pending->status);
    } else if (reason == COAP_NACK_NOT_DELIVERABLE) { /* by this machine */
        finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE);
    } else if (reason == COAP_NACK_ICMP_ISSUE && pending->icmp_ms != 0 &&
               now_ms() - pending->icmp_ms > ICMP_APART_MS) {
        finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE); /* a retransmission met it as well */
    } else {
        /* A reset matches by its message id alone, an ICMP error by ports: not yet believed. */
        if (reason == COAP_NACK_ICMP_ISSUE && pending->icmp_ms == 0) {
            pending->icmp_ms = now_ms();
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
        pending->sent_ms = now_ms();
        pending->repeated = false;
    }
    if (status != LSCOAP_OK) {
        finish(pending, status);
    }
}

/* What is due at this time, and how long to wait then. */
static uint32_t work(lscoap_libcoap_client *client, uint64_t limit_ms) {
    struct lc_pending *pending = &client->pending;
    uint64_t now = now_ms();
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
        finish(pending, pending->status);
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

    pending->sent_ms = now_ms();
    pending->again_ms = UINT64_MAX;
    pending->status = LSCOAP_LIBCOAP_ERR_TIMEOUT;
    if (timeout_ms != 0) {
        limit_ms = pending->sent_ms + timeout_ms;
    }
    status = lc_ask_send(client, &pending->ask, true);
    if (status != LSCOAP_OK) {
        finish(pending, status);
    }
    while (!pending->done) {
        uint32_t wait_ms = work(client, limit_ms);

        if (!pending->done && coap_io_process(client->context, wait_ms) < 0) {
            finish(pending, LSCOAP_LIBCOAP_ERR_UNREACHABLE);
        }
    }
    lc_ask_clear(&pending->ask);
    pending->kind = LC_IDLE;
    return pending->status;
}
