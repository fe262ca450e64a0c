/* Block-wise transfer (RFC 7959) of requests, sealed ones and those whose blocks are sealed, and of
 * sealed answers. Not libcoap's own: that of 4.3.1 takes memory for a body as long as a stranger's
 * Size1 option says, does not survive every order of blocks (libcoap issue 1566), forgets a request
 * when its last block has been answered once, and keeps one body for all answers of a resource.
 *
 * Requests are put together here; answers are in the table of answers anyway, and their blocks are
 * taken from there. A Request-Tag of 8 bytes names both, an ETag one of several answers. Libcoap's
 * client asks for blocks with FETCH or POST, the same Uri options, a token of its own and no
 * payload: then address, method and Uri options name the answer.
 *
 * No block of a sealed object is authentic before the last one has come. So what a stranger begins
 * takes no room from a transfer that moves, and what does not fit into one leaves it as it was. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 4096,
    OVER_MS = 93 * 1000,  /* MAX_TRANSMIT_WAIT: no further block comes after that */
    SECOND_MS = 5 * 1000, /* the second block comes sooner, even when it is lost once */
    BUSY_MAX_AGE_S = 2
};

/* ---- requests ---- */

static void drop(struct lc_transfer *transfer) {
    free(transfer->key);
    free(transfer->bytes);
    memset(transfer, 0, sizeof *transfer);
}

void lc_transfers_clear(lscoap_libcoap_server *server) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        drop(&server->transfers[i]);
    }
}

static bool is_idle(const struct lc_transfer *transfer, uint64_t now_ms) {
    return now_ms - transfer->used_ms > (transfer->moves ? LC_PATIENCE_MS : SECOND_MS);
}

/* A new transfer's place. One session has few at a time. Of those that may make room it is the one
 * that was idle longest; NULL: all of them go on. */
static struct lc_transfer *find_room(lscoap_libcoap_server *server, size_t slot, uint64_t now_ms) {
    struct lc_transfer *room = NULL;
    size_t of_session = 0;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        of_session += server->transfers[i].key != NULL && server->transfers[i].slot == slot ? 1 : 0;
    }
    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        struct lc_transfer *transfer = &server->transfers[i];
        bool own = transfer->key != NULL && transfer->slot == slot;

        if ((own || of_session < LSCOAP_LIBCOAP_TRANSFERS_OF_ONE) &&
            (transfer->key == NULL || is_idle(transfer, now_ms)) &&
            (room == NULL || transfer->used_ms < room->used_ms)) { /* a free one has 0 */
            room = transfer;
        }
    }
    return room;
}

static struct lc_transfer *find_transfer(lscoap_libcoap_server *server,
                                         const struct lc_incoming *in, uint64_t now_ms) {
    struct lc_transfer *found = NULL;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        struct lc_transfer *transfer = &server->transfers[i];

        if (transfer->key != NULL && now_ms - transfer->used_ms > OVER_MS) {
            drop(transfer);
        }
        if (transfer->key != NULL && transfer->key_len == in->key_len &&
            memcmp(transfer->key, in->key, in->key_len) == 0) {
            found = transfer;
        }
    }
    return found;
}

/* The first block of a transfer: memory only for what names a session. NULL, with what the response
 * or *refused says: not now. */
static struct lc_transfer *begin(lscoap_libcoap_server *server, const struct lc_incoming *in,
                                 uint64_t now_ms, coap_pdu_t *response, lscoap_status *refused) {
    struct lc_transfer *transfer;

    if (!in->has_session) {
        *refused = LSCOAP_ERR_UNKNOWN_SESSION;
        return NULL;
    }
    transfer = find_room(server, in->slot, now_ms);
    if (transfer == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
        lc_add_uint_option(response, COAP_OPTION_MAXAGE, BUSY_MAX_AGE_S);
        return NULL;
    }
    drop(transfer);
    transfer->key = malloc(in->key_len);
    if (transfer->key == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return NULL;
    }
    memcpy(transfer->key, in->key, in->key_len);
    transfer->key_len = in->key_len;
    transfer->slot = in->slot;
    return transfer;
}

/* Adds what comes next. False when there is no memory. */
static bool append(struct lc_transfer *transfer, const struct lc_body *body) {
    size_t needed = transfer->len + body->len;

    if (needed > transfer->capacity) {
        size_t capacity = transfer->capacity == 0 ? FIRST_CAPACITY : 2 * transfer->capacity;
        uint8_t *bytes = realloc(transfer->bytes, capacity);

        if (bytes == NULL) {
            return false;
        }
        transfer->bytes = bytes;
        transfer->capacity = capacity;
    }
    memcpy(transfer->bytes + transfer->len, body->bytes, body->len);
    transfer->len = needed;
    return true;
}

/* False, with a code: the block does not fit what came before. */
static bool take_block(struct lc_transfer *transfer, const struct lc_body *body,
                       const struct lc_block *block, coap_pdu_code_t *refusal) {
    *refusal = COAP_RESPONSE_CODE_INCOMPLETE;
    if (block->offset + body->len <= transfer->len) { /* once more */
        return block->more && memcmp(transfer->bytes + block->offset, body->bytes, body->len) == 0;
    }
    if (block->offset != transfer->len) {
        return false;
    }
    if (block->offset + body->len > LC_OBJECT_MAX) {
        *refusal = COAP_RESPONSE_CODE_REQUEST_TOO_LARGE;
        return false;
    }
    *refusal = COAP_RESPONSE_CODE_INTERNAL_ERROR;
    transfer->moves = transfer->len > 0;
    return append(transfer, body);
}

/* Another body under the same key, from its beginning. One that has a name keeps it. */
static bool begins_anew(const struct lc_transfer *transfer, const struct lc_incoming *in,
                        const struct lc_body *body) {
    return in->block->number == 0 && !in->named &&
           (body->len > transfer->len || memcmp(transfer->bytes, body->bytes, body->len) != 0);
}

void lc_blocks_continue(const struct lc_block *block, coap_pdu_t *response) {
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTINUE);
    lc_add_uint_option(response, COAP_OPTION_BLOCK1,
                       lc_block_value(block->number, true, block->szx));
}

bool lc_blocks_receive(lscoap_libcoap_server *server, const struct lc_incoming *in, uint64_t now_ms,
                       struct lc_body *body, uint8_t **assembled, coap_pdu_t *response,
                       lscoap_status *refused) {
    const struct lc_block *block = in->block;
    size_t size = (size_t)1 << (block->szx + 4);
    struct lc_transfer *transfer;
    coap_pdu_code_t refusal;

    *refused = LSCOAP_OK;
    if (!block->present || (block->number == 0 && !block->more)) {
        return true;
    }
    if (body->len == 0 || body->len > size || (block->more && body->len != size)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
        return false;
    }
    transfer = find_transfer(server, in, now_ms);
    if (transfer != NULL && begins_anew(transfer, in, body)) {
        drop(transfer);
        transfer = NULL;
    }
    if (transfer == NULL && block->number > 0) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INCOMPLETE);
        return false;
    }
    if (transfer == NULL) {
        transfer = begin(server, in, now_ms, response, refused);
        if (transfer == NULL) {
            return false;
        }
    }
    if (!take_block(transfer, body, block, &refusal)) {
        coap_pdu_set_code(response, refusal);
        return false;
    }
    transfer->used_ms = now_ms;
    if (block->more) {
        lc_blocks_continue(block, response);
        return false;
    }
    *assembled = transfer->bytes;
    *body = (struct lc_body){.bytes = transfer->bytes, .len = transfer->len};
    transfer->bytes = NULL;
    drop(transfer);
    return true;
}

/* ---- answers ---- */

bool lc_add_answer(const struct lc_options *request, coap_pdu_t *response, struct lc_answer *answer,
                   bool follow_up) {
    const uint8_t *bytes = answer->bytes + answer->target_len + answer->request_len;
    const struct lc_block *wanted = &request->block2;
    const struct lc_block *block1 = &request->block1;
    uint32_t szx = LC_SZX_MAX;
    uint8_t etag[8];
    size_t offset = 0;
    size_t size;
    bool blocks;

    if (wanted->present) {
        szx = wanted->szx;
        offset = follow_up ? wanted->offset : 0;
    }
    size = answer->manner.is_oscore && !wanted->present ? SIZE_MAX : (size_t)1 << (szx + 4);
    blocks = answer->answer_len > size; /* in an OSCORE option, blocks are inside */
    if (offset >= answer->answer_len) {
        return false;
    }
    if (answer->answer_len - offset < size) {
        size = answer->answer_len - offset;
    }
    answer->in_blocks = blocks;
    answer->fetched = answer->fetched || offset + size == answer->answer_len;
    coap_pdu_set_code(response, answer->manner.code);
    if (blocks &&
        !coap_add_option(response, COAP_OPTION_ETAG,
                         coap_encode_var_safe8(etag, sizeof etag, answer->manner.etag), etag)) {
        return false;
    }
    if (answer->manner.observe && !follow_up) {
        lc_add_uint_option(response, COAP_OPTION_OBSERVE, answer->manner.observe_value);
    }
    if (answer->manner.is_oscore) {
        coap_add_option(response, COAP_OPTION_OSCORE, answer->manner.oscore_len,
                        answer->manner.oscore);
    } else {
        lc_add_uint_option(response, COAP_OPTION_CONTENT_FORMAT, LSCOAP_CONTENT_FORMAT_SEALED);
    }
    if (blocks) {
        lc_add_uint_option(response, COAP_OPTION_BLOCK2,
                           lc_block_value((uint32_t)(offset >> (szx + 4)),
                                          offset + size < answer->answer_len, szx));
    }
    if (answer->request_len > 0 && !follow_up && block1->present) {
        lc_add_uint_option(response, COAP_OPTION_BLOCK1,
                           lc_block_value(block1->number, false, block1->szx));
    }
    if (blocks && offset == 0) {
        lc_add_uint_option(response, COAP_OPTION_SIZE2, (uint32_t)answer->answer_len);
    }
    return coap_add_data(response, size, bytes + offset) != 0;
}
