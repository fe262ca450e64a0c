/* A message of the client's and its answer, either of them in blocks (RFC 7959) where it is long:
 * of the sealed object in a payload, of the message itself in OSCORE options (RFC 8613
 * section 4.1.3.4.1). Not by libcoap's block-wise transfer: its tokens can be guessed, it takes
 * memory for as much as a stranger's Size2 option says, and it holds every answer to a request to
 * be the same one. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_MAX = 1 << (LC_SZX_MAX + 4),
    FIRST_CAPACITY = 4096,
    ANEW_MAX = 8 /* other ETags in one answer */
};

static size_t size_of(uint32_t szx) {
    return (size_t)1 << (szx + 4);
}

static bool draw(const lscoap_libcoap_client *client, uint8_t *out, size_t len) {
    return client->config.platform.random(client->config.platform.context, out, len) == 0;
}

static bool add_block(coap_pdu_t *pdu, coap_option_num_t option, size_t offset, bool more,
                      uint32_t szx) {
    return lc_add_uint_option(pdu, option,
                              (uint32_t)(offset >> (szx + 4)) << 4 | (more ? 8U : 0U) | szx);
}

static bool add_tag(coap_pdu_t *pdu, const struct lc_tag *tag) {
    return tag->len == 0 || coap_add_option(pdu, COAP_OPTION_RTAG, tag->len, tag->bytes) != 0;
}

static bool is_oscore(const struct lc_ask *ask) {
    return ask->carrier == LSCOAP_CARRIER_OSCORE;
}

/* The message, or the block of it at `offset`. */
static bool add_message(coap_pdu_t *pdu, const struct lc_ask *ask) {
    size_t len = ask->len - ask->offset;
    bool blocks = ask->in_blocks || (ask->tag.len > 0 && !is_oscore(ask));
    bool more = false;

    if (ask->in_blocks && len > size_of(ask->szx)) {
        len = size_of(ask->szx);
        more = true;
    }
    return (!blocks || (add_block(pdu, COAP_OPTION_BLOCK1, ask->offset, more, ask->szx) &&
                        (ask->offset > 0 ||
                         lc_add_uint_option(pdu, COAP_OPTION_SIZE1, (uint32_t)ask->len)))) &&
           add_tag(pdu, &ask->tag) &&
           (ask->echo_len == 0 ||
            coap_add_option(pdu, COAP_OPTION_ECHO, ask->echo_len, ask->echo)) &&
           (len == 0 || coap_add_data(pdu, len, ask->bytes + ask->offset));
}

/* A request for the block of the answer that comes next. Of a sealed object: with the Request-Tag,
 * or else the request, which name the answer, and the ETag, which says which. */
static bool add_next(coap_pdu_t *pdu, const struct lc_ask *ask) {
    bool named = ask->answer_len > 0 && ask->etag.len > 0 && !is_oscore(ask);

    return (!named || coap_add_option(pdu, COAP_OPTION_ETAG, ask->etag.len, ask->etag.bytes)) &&
           add_block(pdu, COAP_OPTION_BLOCK2, ask->answer_len, false, ask->answer_szx) &&
           add_tag(pdu, &ask->tag) &&
           (ask->tag.len > 0 || is_oscore(ask) || coap_add_data(pdu, ask->len, ask->bytes));
}

/* NULL: it does not fit, or there is no memory. */
static coap_pdu_t *build(const lscoap_libcoap_client *client, const struct lc_ask *ask) {
    const struct lc_token *token = ask->fetching ? &ask->next : &ask->first;
    coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, ask->code, client->peer);

    if (pdu != NULL && coap_add_token(pdu, token->len, token->bytes) &&
        (ask->observe < 0 || ask->fetching ||
         lc_add_uint_option(pdu, COAP_OPTION_OBSERVE, (uint32_t)ask->observe)) &&
        lc_add_uri(pdu, ask->path, ask->fetching && is_oscore(ask) ? -1 : ask->content_format) &&
        (ask->accept < 0 || lc_add_uint_option(pdu, COAP_OPTION_ACCEPT, (uint32_t)ask->accept)) &&
        (ask->fetching ? add_next(pdu, ask) : add_message(pdu, ask))) {
        return pdu;
    }
    coap_delete_pdu(pdu);
    return NULL;
}

static void forget_sealed(struct lc_ask *ask) {
    coap_delete_pdu(ask->sealed);
    ask->sealed = NULL;
}

/* Seals what comes next, into ask->sealed. */
static int seal(lscoap_libcoap_client *client, struct lc_ask *ask) {
    coap_pdu_t *pdu = build(client, ask);
    struct lc_body payload = {0};
    int status = LSCOAP_LIBCOAP_ERR_REQUEST;

    if (pdu != NULL) {
        coap_get_data(pdu, &payload.len, &payload.bytes);
        if (lc_write_message(pdu, NULL, 0, &payload, client->message, LC_MESSAGE_MAX) +
                LSCOAP_PROTECT_OVERHEAD <=
            coap_session_max_pdu_size(client->peer)) {
            status = lc_session_protect(client, ask->carrier, pdu, &ask->sealed,
                                        ask->fetching ? &ask->next_exchange : &ask->exchange);
        }
    }
    coap_delete_pdu(pdu);
    return status;
}

/* Smaller, for a path that takes so much of a datagram; not once a block has arrived. Handshake
 * messages all fit one. */
static bool cut(struct lc_ask *ask) {
    if (ask->carrier == 0 || ask->len == 0 || ask->fetching || ask->offset > 0 ||
        (ask->in_blocks && ask->szx == 0)) {
        return false;
    }
    ask->szx = ask->in_blocks ? ask->szx - 1 : LC_SZX_MAX;
    ask->in_blocks = true;
    return true;
}

/* What goes in blocks, or whose answers do again and again, gets a Request-Tag. */
static bool name(const lscoap_libcoap_client *client, struct lc_ask *ask) {
    bool is_observing = ask->observe == COAP_OBSERVE_ESTABLISH && !is_oscore(ask);

    if (ask->tag.len > 0 || !(ask->in_blocks || is_observing)) {
        return true;
    }
    ask->tag.len = sizeof ask->tag.bytes;
    return draw(client, ask->tag.bytes, ask->tag.len);
}

/* The datagram as it goes out. NULL: it does not fit, or there is no memory. */
static coap_pdu_t *datagram(const lscoap_libcoap_client *client, const struct lc_ask *ask) {
    const struct lc_token *token = ask->fetching ? &ask->next : &ask->first;
    coap_pdu_t *pdu;

    if (ask->sealed == NULL) {
        return build(client, ask);
    }
    pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, client->peer);
    if (pdu == NULL || !coap_add_token(pdu, token->len, token->bytes) ||
        !lc_copy(ask->sealed, pdu)) {
        coap_delete_pdu(pdu);
        return NULL;
    }
    return pdu;
}

/* An ICMP error that came meanwhile is said instead of sending, once: not to be believed. */
static bool send_twice(const lscoap_libcoap_client *client, const struct lc_ask *ask,
                       coap_pdu_t *pdu) {
    if (coap_send(client->peer, pdu) != COAP_INVALID_MID) {
        return true;
    }
    pdu = datagram(client, ask);
    return pdu != NULL && coap_send(client->peer, pdu) != COAP_INVALID_MID;
}

/* In the largest blocks that fit. */
static int prepare(lscoap_libcoap_client *client, struct lc_ask *ask, coap_pdu_t **pdu) {
    int status;

    *pdu = NULL;
    if (!ask->in_blocks && ask->len > BLOCK_MAX) {
        (void)cut(ask);
    }
    do {
        if (!name(client, ask)) {
            return LSCOAP_ERR_RANDOM;
        }
        status = is_oscore(ask) && ask->sealed == NULL ? seal(client, ask) : LSCOAP_OK;
        if (status == LSCOAP_OK) {
            *pdu = datagram(client, ask);
            status = *pdu == NULL ? LSCOAP_LIBCOAP_ERR_REQUEST : LSCOAP_OK;
        }
    } while (status == LSCOAP_LIBCOAP_ERR_REQUEST && ask->sealed == NULL && cut(ask));
    return status;
}

int lc_ask_send(lscoap_libcoap_client *client, struct lc_ask *ask, bool new_token) {
    struct lc_token *token = ask->fetching ? &ask->next : &ask->first;
    coap_pdu_t *pdu;
    int status;

    if (new_token) {
        if (!ask->fetching) {
            ask->before = ask->first;
        }
        token->len = LC_OWN_TOKEN_LEN;
        if (!draw(client, token->bytes, token->len)) {
            return LSCOAP_ERR_RANDOM;
        }
    }
    status = prepare(client, ask, &pdu);
    if (status != LSCOAP_OK) {
        return status;
    }
    return send_twice(client, ask, pdu) ? LSCOAP_OK : LSCOAP_LIBCOAP_ERR_UNREACHABLE;
}

static enum lc_took go_on(lscoap_libcoap_client *client, struct lc_ask *ask) {
    forget_sealed(ask);
    ask->failed = lc_ask_send(client, ask, true);
    return ask->failed == LSCOAP_OK ? LC_TOOK_BLOCK : LC_TOOK_NOTHING;
}

/* 2.31: the next block of the message, in the size that the server likes. */
static enum lc_took take_continue(lscoap_libcoap_client *client, struct lc_ask *ask,
                                  const struct lc_options *options) {
    const struct lc_block *block = &options->block1;
    size_t size = size_of(ask->szx);

    if (!ask->in_blocks || !options->blocks_valid || !block->present ||
        block->number != ask->offset >> (ask->szx + 4) || ask->len - ask->offset <= size) {
        return LC_TOOK_NOTHING;
    }
    ask->offset += size;
    if (block->szx < ask->szx) {
        ask->szx = block->szx;
    }
    return go_on(client, ask);
}

/* The answer, or the one that has taken its place, from its beginning. */
static enum lc_took begin_anew(lscoap_libcoap_client *client, struct lc_ask *ask) {
    bool changes = is_oscore(ask) && ask->code != COAP_REQUEST_CODE_GET &&
                   ask->code != COAP_REQUEST_CODE_FETCH; /* it would be executed again */

    if (changes || ask->answer_len == 0 || ask->anew++ == ANEW_MAX) {
        return LC_TOOK_NOTHING;
    }
    ask->answer_len = 0;
    return go_on(client, ask);
}

static bool append(struct lc_ask *ask, const uint8_t *bytes, size_t len) {
    if (len > LC_OBJECT_MAX - ask->answer_len) {
        return false;
    }
    if (len > ask->answer_capacity - ask->answer_len) {
        size_t capacity = ask->answer_capacity == 0 ? FIRST_CAPACITY : 2 * ask->answer_capacity;
        uint8_t *larger = realloc(ask->answer, capacity);

        if (larger == NULL) {
            return false;
        }
        ask->answer = larger;
        ask->answer_capacity = capacity;
    }
    memcpy(ask->answer + ask->answer_len, bytes, len);
    ask->answer_len += len;
    return true;
}

/* A block of the answer: its first one comes with the answer itself, the others, and the first one
 * of a fresh start, are asked for. */
static enum lc_took take_block(lscoap_libcoap_client *client, struct lc_ask *ask,
                               const struct lc_options *options, bool is_next,
                               const struct lc_body *body, struct lc_body *whole) {
    const struct lc_block *block = &options->block2;
    size_t size = size_of(block->szx);

    if (!options->blocks_valid || body->len == 0 || body->len > size ||
        (block->more && body->len != size) ||
        block->offset != (is_next ? ask->answer_len : (size_t)0)) {
        return LC_TOOK_NOTHING;
    }
    if (is_next && block->number > 0 && !lc_same_tag(&options->etag, &ask->etag)) {
        return begin_anew(client, ask); /* of another answer */
    }
    if (block->number == 0) {
        ask->answer_len = 0;
        ask->etag = options->etag;
        ask->fetching = true;
    }
    ask->answer_szx = block->szx;
    if (!append(ask, body->bytes, body->len)) {
        return LC_TOOK_NOTHING;
    }
    if (block->more) {
        return go_on(client, ask);
    }
    *whole = (struct lc_body){.bytes = ask->answer, .len = ask->answer_len};
    ask->fetching = false;
    return LC_TOOK_WHOLE;
}

enum lc_took lc_ask_take(lscoap_libcoap_client *client, struct lc_ask *ask,
                         const coap_pdu_t *received, const struct lc_options *options, bool is_next,
                         struct lc_body *whole) {
    struct lc_body body = {0};

    if (coap_pdu_get_code(received) == COAP_RESPONSE_CODE_CONTINUE) {
        return is_next || ask->fetching ? LC_TOOK_NOTHING : take_continue(client, ask, options);
    }
    if (is_next && coap_pdu_get_code(received) == COAP_RESPONSE_CODE_INCOMPLETE) {
        return begin_anew(client, ask); /* the server does not have it any more */
    }
    coap_get_data(received, &body.len, &body.bytes);
    if (!is_next) {
        ask->answer_observed = options->observe != LC_NO_OPTION;
        ask->anew = 0;
    }
    if (options->block2.present && (is_next || options->block2.more)) {
        return take_block(client, ask, options, is_next, &body, whole);
    }
    if (is_next && ask->answer_len > 0) {
        return LC_TOOK_NOTHING;
    }
    ask->fetching = false;
    *whole = body;
    return LC_TOOK_WHOLE;
}

void lc_ask_restart(struct lc_ask *ask) {
    forget_sealed(ask);
    if (!ask->fetching) {
        ask->offset = 0;
    }
}

void lc_ask_echo(struct lc_ask *ask, const coap_opt_t *echo) {
    ask->echo_len = coap_opt_length(echo);
    memcpy(ask->echo, coap_opt_value(echo), ask->echo_len);
    forget_sealed(ask);
}

void lc_ask_clear(struct lc_ask *ask) {
    free(ask->path);
    free(ask->bytes);
    free(ask->answer);
    coap_delete_pdu(ask->sealed);
    memset(ask, 0, sizeof *ask);
}
