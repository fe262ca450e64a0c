/* What comes for a client: the answer that is waited for, and notifications. Whatever comes is
 * looked for by its token, which nobody guesses; and what has it and does not open is a hint, no
 * more: anybody who saw the request can have sent it. */
#include "client.h"

#include <string.h>
#include <time.h>

enum {
    DELAYS_MAX = 3,   /* 4.08 and 5.03 to one request */
    DELAY_MAX_S = 30, /* Max-Age of a 5.03 is not authentic */
    ALERT_LEN = 2     /* 1F and its code */
};

uint64_t lc_client_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool lc_is_token(const struct lc_token *token, coap_bin_const_t of_pdu) {
    return token->len > 0 && token->len == of_pdu.length &&
           memcmp(token->bytes, of_pdu.s, token->len) == 0;
}

/* ---- what comes, as libcoap delivers it ---- */

void lc_finish(struct lc_pending *pending, int status) {
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
        lc_finish(pending, status);
        return;
    }
    if (pending->outer_code == COAP_RESPONSE_CODE_INCOMPLETE || delay_s < 0) {
        delay_s = 0;
    }
    pending->status = status;
    pending->again_ms =
        lc_client_now() + 1000 * (uint64_t)(delay_s < DELAY_MAX_S ? delay_s : DELAY_MAX_S);
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

/* Opens a sealed answer or notification, whose payload is `whole`, once its blocks are together;
 * then `observed` says whether its first one had Observe. With LSCOAP_OK it is authentic, and
 * *inner NULL where what was sealed is no CoAP response. */
static int open_answer(lscoap_libcoap_client *client, lscoap_exchange *exchange,
                       const coap_pdu_t *outer, const struct lc_body *whole, bool observed,
                       coap_pdu_t **inner) {
    const struct lc_set observe = {COAP_OPTION_OBSERVE, observed ? 0 : LC_NO_OPTION};
    lscoap_io io = {
        .input = client->message,
        .input_len = lc_write_message(outer, &observe, 1, whole, client->message, LC_MESSAGE_MAX),
        .out = client->message,
        .out_cap = LC_MESSAGE_MAX};
    int status = io.input_len == 0 ? LSCOAP_ERR_MALFORMED
                                   : lscoap_unprotect_response(lc_session(client), &io, exchange);

    if (status != LSCOAP_OK) {
        return status;
    }
    lc_session_confirmed(client);
    *inner = lc_parse_message(client->message, io.out_len);
    if (*inner != NULL && !lc_response_understood(*inner)) {
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
        lc_finish(pending, LSCOAP_OK);
    } else if (busy && !is_before) {
        take_delay(pending, options, refusal_of(client, received, options));
    } else if (!is_before) {
        take_hint(pending, LSCOAP_LIBCOAP_ERR_REFUSED);
    }
}

/* The answer that was waited for. */
static void take_answer(lscoap_libcoap_client *client, coap_pdu_t *answer, bool observed) {
    struct lc_pending *pending = &client->pending;

    client->answer = answer;
    pending->outer_code = COAP_EMPTY_CODE;
    lc_finish(pending, answer == NULL ? LSCOAP_ERR_MALFORMED : LSCOAP_OK);
    if (pending->observation != NULL && answer != NULL && observed) {
        *pending->observation = pending->begins;
        pending->observation->live = true;
        pending->observation->ask = pending->ask;
        memset(&pending->ask, 0, sizeof pending->ask);
    }
}

/* ---- answers in payloads ---- */

/* The whole answer is there, if it is one. */
static int open_pending(lscoap_libcoap_client *client, const coap_pdu_t *received,
                        const struct lc_body *whole) {
    struct lc_ask *ask = &client->pending.ask;
    coap_pdu_t *inner = NULL;
    int status = open_answer(client, &ask->exchange, received, whole, ask->answer_observed, &inner);

    if (status == LSCOAP_OK) {
        take_answer(client, inner, inner != NULL && has_observe(inner));
    }
    return status;
}

static void sent_next(struct lc_pending *pending) {
    pending->sent_ms = lc_client_now();
    pending->repeated = false;
    pending->again_ms = UINT64_MAX;
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
            sent_next(pending);
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

/* ---- answers in OSCORE options ---- */

/* What a refusal in the clear may mean (RFC 8613 section 8.2), or 0: it is nothing of OSCORE's. */
static int oscore_hint(coap_pdu_code_t code) {
    switch ((int)code) {
    case COAP_RESPONSE_CODE_UNAUTHORIZED: /* or a replay */
        return LSCOAP_ALERT_UNKNOWN_SESSION;
    case COAP_RESPONSE_CODE_BAD_REQUEST:
        return LSCOAP_ALERT_AUTHENTICATION;
    case COAP_RESPONSE_CODE_BAD_OPTION:
        return LSCOAP_ALERT_MALFORMED;
    default:
        return 0;
    }
}

/* The last block's options, and all of the payload. */
static coap_pdu_t *assembled(lscoap_libcoap_client *client, const coap_pdu_t *inner,
                             const struct lc_body *whole) {
    static const struct lc_set without[] = {{COAP_OPTION_BLOCK2, LC_NO_OPTION},
                                            {COAP_OPTION_BLOCK1, LC_NO_OPTION},
                                            {COAP_OPTION_SIZE2, LC_NO_OPTION}};
    size_t len = lc_write_message(inner, without, sizeof without / sizeof *without, whole,
                                  client->message, LC_MESSAGE_MAX);

    return len == 0 ? NULL : lc_parse_message(client->message, len);
}

/* What has opened, of the request that is waited for. */
static void take_inner(lscoap_libcoap_client *client, const coap_pdu_t *inner, bool is_next) {
    struct lc_pending *pending = &client->pending;
    coap_pdu_code_t code = coap_pdu_get_code(inner);
    struct lc_options options;
    struct lc_body whole;

    lc_read_options(inner, &options);
    if (code == COAP_RESPONSE_CODE_UNAUTHORIZED && options.echo != NULL &&
        pending->ask.echo_len == 0 && !pending->ask.fetching) {
        lc_ask_echo(&pending->ask, options.echo); /* once (RFC 9175 section 2.3) */
        pending->again_ms = 0;
        return;
    }
    if (!is_next && pending->ask.in_blocks && pending->delays < DELAYS_MAX &&
        (code == COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE || code == COAP_RESPONSE_CODE_INCOMPLETE)) {
        pending->outer_code = code;
        take_delay(pending, &options, LSCOAP_LIBCOAP_ERR_REFUSED);
        return;
    }
    switch (lc_ask_take(client, &pending->ask, inner, &options, is_next, &whole)) {
    case LC_TOOK_BLOCK:
        sent_next(pending);
        break;
    case LC_TOOK_WHOLE:
        take_answer(client, assembled(client, inner, &whole), pending->ask.answer_observed);
        break;
    case LC_TOOK_NOTHING:
        lc_finish(pending,
                  pending->ask.failed != LSCOAP_OK ? pending->ask.failed : LSCOAP_ERR_MALFORMED);
        break;
    }
}

static void on_oscore_answer(lscoap_libcoap_client *client, const coap_pdu_t *received,
                             const struct lc_options *options, bool is_next, bool is_before) {
    struct lc_pending *pending = &client->pending;
    lscoap_exchange *exchange = is_next ? &pending->ask.next_exchange : &pending->ask.exchange;
    struct lc_body payload = {0};
    coap_pdu_t *inner = NULL;
    int status = oscore_hint(pending->outer_code);

    if (options->oscore != NULL) {
        coap_get_data(received, &payload.len, &payload.bytes);
        status = open_answer(client, exchange, received, &payload, options->observe != LC_NO_OPTION,
                             &inner);
    }
    if (inner != NULL) {
        take_inner(client, inner, is_next);
    } else if (options->oscore != NULL && status == LSCOAP_OK) {
        lc_finish(pending, LSCOAP_ERR_MALFORMED);
    } else if (status != 0 && !is_before) {
        take_hint(pending, status);
    }
    coap_delete_pdu(inner);
}

/* ---- what is waited for, and notifications ---- */

/* False: it is nothing that is waited for. */
static bool on_pending(lscoap_libcoap_client *client, const coap_pdu_t *received,
                       const struct lc_options *options) {
    struct lc_pending *pending = &client->pending;
    coap_bin_const_t token = coap_pdu_get_token(received);
    bool is_next = lc_is_token(&pending->ask.next, token);
    bool is_before = lc_is_token(&pending->ask.before, token);

    if (pending->kind == LC_IDLE || pending->done ||
        !(is_next || is_before || lc_is_token(&pending->ask.first, token))) {
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
    } else if (pending->ask.carrier == LSCOAP_CARRIER_OSCORE) {
        on_oscore_answer(client, received, options, is_next, is_before);
    } else {
        on_request_answer(client, received, options, is_next, is_before);
    }
    return true;
}

static void tell_notification(struct lc_observation *observation, const coap_pdu_t *inner,
                              bool last) {
    if (last) {
        observation->live = false;
        lc_ask_clear(&observation->ask);
    }
    observation->on_notification(observation->context, inner, last);
}

/* What is forged, or older than the last, changes nothing; nor does a block that is refused: a
 * newer notification will come. */
static void on_notification(lscoap_libcoap_client *client, struct lc_observation *observation,
                            const coap_pdu_t *received, const struct lc_options *options,
                            bool is_next) {
    struct lc_ask *ask = &observation->ask;
    coap_pdu_code_t code = coap_pdu_get_code(received);
    bool sealed =
        code == COAP_RESPONSE_CODE_CONTENT && format_of(options) == LSCOAP_CONTENT_FORMAT_SEALED;
    coap_pdu_t *inner = NULL;
    struct lc_body whole;

    if ((sealed || (is_next && code == COAP_RESPONSE_CODE_INCOMPLETE)) &&
        lc_ask_take(client, ask, received, options, is_next, &whole) == LC_TOOK_WHOLE &&
        open_answer(client, &ask->exchange, received, &whole, ask->answer_observed, &inner) ==
            LSCOAP_OK &&
        inner != NULL) {
        tell_notification(observation, inner, !has_observe(inner));
    }
    coap_delete_pdu(inner);
}

static void on_oscore_notification(lscoap_libcoap_client *client,
                                   struct lc_observation *observation, const coap_pdu_t *received,
                                   const struct lc_options *options, bool is_next) {
    struct lc_ask *ask = &observation->ask;
    lscoap_exchange *exchange = is_next ? &ask->next_exchange : &ask->exchange;
    struct lc_options inner_options;
    struct lc_body body = {0};
    coap_pdu_t *inner = NULL;

    coap_get_data(received, &body.len, &body.bytes);
    if (options->oscore == NULL ||
        open_answer(client, exchange, received, &body, options->observe != LC_NO_OPTION, &inner) !=
            LSCOAP_OK ||
        inner == NULL) {
        return;
    }
    lc_read_options(inner, &inner_options);
    if (lc_ask_take(client, ask, inner, &inner_options, is_next, &body) == LC_TOOK_WHOLE) {
        coap_pdu_t *answer = assembled(client, inner, &body);

        if (answer != NULL) {
            tell_notification(observation, answer, !ask->answer_observed);
        }
        coap_delete_pdu(answer);
    }
    coap_delete_pdu(inner);
}

/* What has come, from the client's server. */
coap_response_t lc_take_response(lscoap_libcoap_client *client, const coap_pdu_t *received) {
    coap_bin_const_t token = coap_pdu_get_token(received);
    struct lc_options options;

    lc_read_options(received, &options);
    if (on_pending(client, received, &options)) {
        return COAP_RESPONSE_OK;
    }
    for (size_t i = 0; i < LSCOAP_LIBCOAP_CLIENT_OBSERVATIONS_MAX; i++) {
        struct lc_observation *observation = &client->observations[i];
        bool is_next = lc_is_token(&observation->ask.next, token);

        if (observation->live && (is_next || lc_is_token(&observation->ask.first, token) ||
                                  lc_is_token(&observation->ask.before, token))) {
            if (is_next && !observation->ask.fetching) {
                return COAP_RESPONSE_OK; /* once more */
            }
            if (observation->ask.carrier == LSCOAP_CARRIER_OSCORE) {
                on_oscore_notification(client, observation, received, &options, is_next);
            } else {
                on_notification(client, observation, received, &options, is_next);
            }
            return COAP_RESPONSE_OK;
        }
    }
    /* A reset ends an observation that nobody here wants; acknowledgements get no answer. */
    return coap_pdu_get_type(received) == COAP_MESSAGE_ACK ? COAP_RESPONSE_OK : COAP_RESPONSE_FAIL;
}
