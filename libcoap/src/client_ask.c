/* A message of the client's and its answer, either of them in blocks (RFC 7959) where it is long.
 * Not by libcoap's block-wise transfer: its tokens can be guessed, it takes memory for as much as a
 * stranger's Size2 option says, and it holds every answer to a request to be the same one. */
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

/* The message, or the block of it at `offset`. */
static bool add_message(coap_pdu_t *pdu, const struct lc_ask *ask) {
    size_t len = ask->len - ask->offset;
    bool more = false;

    if (ask->in_blocks && len > size_of(ask->szx)) {
        len = size_of(ask->szx);
        more = true;
    }
    return (ask->tag.len == 0 || (add_block(pdu, COAP_OPTION_BLOCK1, ask->offset, more, ask->szx) &&
                                  (ask->offset > 0 || lc_add_uint_option(pdu, COAP_OPTION_SIZE1,
                                                                         (uint32_t)ask->len)))) &&
           add_tag(pdu, &ask->tag) && coap_add_data(pdu, len, ask->bytes + ask->offset);
}

/* A request for the block of the answer that comes next: with the Request-Tag, or else the request,
 * which name the answer, and the ETag, which says which. */
static bool add_next(coap_pdu_t *pdu, const struct lc_ask *ask) {
    bool anew = ask->answer_len == 0;

    return (anew || ask->etag.len == 0 ||
            coap_add_option(pdu, COAP_OPTION_ETAG, ask->etag.len, ask->etag.bytes)) &&
           add_block(pdu, COAP_OPTION_BLOCK2, ask->answer_len, false, ask->answer_szx) &&
           add_tag(pdu, &ask->tag) &&
           (ask->tag.len > 0 || coap_add_data(pdu, ask->len, ask->bytes));
}

/* NULL: it does not fit, or there is no memory. */
static coap_pdu_t *build(const lscoap_libcoap_client *client, const struct lc_ask *ask) {
    const struct lc_token *token = ask->fetching ? &ask->next : &ask->first;
    coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, ask->code, client->peer);

    if (pdu != NULL && coap_add_token(pdu, token->len, token->bytes) &&
        (ask->observe < 0 || ask->fetching ||
         lc_add_uint_option(pdu, COAP_OPTION_OBSERVE, (uint32_t)ask->observe)) &&
        lc_add_uri(pdu, ask->path, ask->content_format) &&
        (ask->fetching ? add_next(pdu, ask) : add_message(pdu, ask))) {
        return pdu;
    }
    coap_delete_pdu(pdu);
    return NULL;
}

/* Smaller, for a path that takes so much of a datagram; not once a block has arrived. Handshake
 * messages all fit one. */
static bool cut(struct lc_ask *ask) {
    if (ask->content_format != LSCOAP_CONTENT_FORMAT_SEALED || ask->fetching || ask->offset > 0 ||
        (ask->in_blocks && ask->szx == 0)) {
        return false;
    }
    ask->szx = ask->in_blocks ? ask->szx - 1 : LC_SZX_MAX;
    ask->in_blocks = true;
    return true;
}

/* What goes in blocks, or whose answers do again and again, gets a Request-Tag. */
static bool name(const lscoap_libcoap_client *client, struct lc_ask *ask) {
    if (ask->tag.len > 0 || !(ask->in_blocks || ask->observe == COAP_OBSERVE_ESTABLISH)) {
        return true;
    }
    ask->tag.len = sizeof ask->tag.bytes;
    return draw(client, ask->tag.bytes, ask->tag.len);
}

/* An ICMP error that came meanwhile is said instead of sending, once: not to be believed. */
static bool send_twice(const lscoap_libcoap_client *client, const struct lc_ask *ask,
                       coap_pdu_t *pdu) {
    if (coap_send(client->peer, pdu) != COAP_INVALID_MID) {
        return true;
    }
    pdu = build(client, ask);
    return pdu != NULL && coap_send(client->peer, pdu) != COAP_INVALID_MID;
}

int lc_ask_send(lscoap_libcoap_client *client, struct lc_ask *ask, bool new_token) {
    struct lc_token *token = ask->fetching ? &ask->next : &ask->first;
    coap_pdu_t *pdu;

    if (new_token) {
        if (!ask->fetching) {
            ask->before = ask->first;
        }
        token->len = LC_OWN_TOKEN_LEN;
        if (!draw(client, token->bytes, token->len)) {
            return LSCOAP_ERR_RANDOM;
        }
    }
    if (!ask->in_blocks && ask->len > BLOCK_MAX) {
        (void)cut(ask);
    }
    do {
        if (!name(client, ask)) {
            return LSCOAP_ERR_RANDOM;
        }
        pdu = build(client, ask);
    } while (pdu == NULL && cut(ask));
    if (pdu == NULL) {
        return LSCOAP_LIBCOAP_ERR_REQUEST;
    }
    return send_twice(client, ask, pdu) ? LSCOAP_OK : LSCOAP_LIBCOAP_ERR_UNREACHABLE;
}

static enum lc_took go_on(lscoap_libcoap_client *client, struct lc_ask *ask) {
    return lc_ask_send(client, ask, true) == LSCOAP_OK ? LC_TOOK_BLOCK : LC_TOOK_NOTHING;
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
    if (ask->answer_len == 0 || ask->anew++ == ANEW_MAX) {
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
    if (!ask->fetching) {
        ask->offset = 0;
    }
}

void lc_ask_clear(struct lc_ask *ask) {
    free(ask->path);
    free(ask->bytes);
    free(ask->answer);
    memset(ask, 0, sizeof *ask);
}
