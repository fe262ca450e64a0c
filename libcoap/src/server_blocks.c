/* Block-wise transfer (RFC 7959) of sealed objects, at the server. Not libcoap's own: that of 4.3.1
 * takes memory for a body as long as a stranger's Size1 option says, does not survive every order
 * of blocks (libcoap issue 1566), forgets a request when its last block has been answered once, and
 * keeps one body for all answers of a resource.
 *
 * Requests are put together here; answers are in the table of answers anyway, and their blocks are
 * taken from there. A Request-Tag of 8 bytes names both, an ETag one of several answers. Libcoap's
 * client asks for blocks with FETCH or POST, the same Uri options, a token of its own and no
 * payload: then address, resource, method and Uri options name the answer.
 *
 * Nothing here is authentic before the last block has come. So what a stranger begins takes no room
 * from a transfer that moves, and what does not fit into one leaves it as it was. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 4096,
    OVER_MS = 93 * 1000,  /* MAX_TRANSMIT_WAIT: no further block comes after that */
    SECOND_MS = 5 * 1000, /* the second block comes sooner, even when it is lost once */
    BUSY_MAX_AGE_S = 2
};

/* The value of a Block option: number, more to come, size. */
static uint32_t block_value(uint32_t number, bool more, uint32_t szx) {
    return number << 4 | (more ? 8U : 0U) | szx;
}

/* ---- requests ---- */

static void drop(struct lc_transfer *transfer) {
    free(transfer->bytes);
    memset(transfer, 0, sizeof *transfer);
}

void lc_transfers_clear(lscoap_libcoap_server *server) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        drop(&server->transfers[i]);
    }
}

static bool same_transfer(const struct lc_transfer *transfer, const struct lc_request *request) {
    return transfer->resource == request->resource &&
           lc_same_tag(&transfer->tag, &request->options.tag) &&
           transfer->method == coap_pdu_get_code(request->outer) &&
           (lc_is_name(&transfer->tag) ||
            coap_address_equals(&transfer->remote, coap_session_get_addr_remote(request->peer)));
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
        of_session +=
            server->transfers[i].resource != NULL && server->transfers[i].slot == slot ? 1 : 0;
    }
    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        struct lc_transfer *transfer = &server->transfers[i];
        bool own = transfer->resource != NULL && transfer->slot == slot;

        if ((own || of_session < LSCOAP_LIBCOAP_TRANSFERS_OF_ONE) &&
            (transfer->resource == NULL || is_idle(transfer, now_ms)) &&
            (room == NULL || transfer->used_ms < room->used_ms)) { /* a free one has 0 */
            room = transfer;
        }
    }
    return room;
}

static struct lc_transfer *find_transfer(const struct lc_request *request) {
    struct lc_transfer *found = NULL;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        struct lc_transfer *transfer = &request->resource->server->transfers[i];

        if (transfer->resource != NULL && request->now_ms - transfer->used_ms > OVER_MS) {
            drop(transfer);
        }
        if (transfer->resource != NULL && same_transfer(transfer, request)) {
            found = transfer;
        }
    }
    return found;
}

/* The first block of a transfer: memory only for what names a session. NULL, with what the response
 * or *refused says: not now. */
static struct lc_transfer *begin(const struct lc_request *request, coap_pdu_t *response,
                                 lscoap_status *refused) {
    lscoap_libcoap_server *server = request->resource->server;
    lscoap_session *session = lscoap_server_find(&server->server, request->now_ms,
                                                 request->body.bytes, request->body.len);
    struct lc_transfer *transfer;
    size_t slot;

    if (session == NULL || lscoap_server_slot_index(&server->server, session, &slot) != LSCOAP_OK) {
        *refused = LSCOAP_ERR_UNKNOWN_SESSION;
        return NULL;
    }
    transfer = find_room(server, slot, request->now_ms);
    if (transfer == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
        lc_add_uint_option(response, COAP_OPTION_MAXAGE, BUSY_MAX_AGE_S);
        return NULL;
    }
    drop(transfer);
    transfer->resource = request->resource;
    transfer->method = coap_pdu_get_code(request->outer);
    transfer->tag = request->options.tag;
    transfer->slot = slot;
    coap_address_copy(&transfer->remote, coap_session_get_addr_remote(request->peer));
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

/* Another object under the same tag, from its beginning. One that has a name keeps it. */
static bool begins_anew(const struct lc_transfer *transfer, const struct lc_request *request) {
    return request->options.block1.number == 0 && !lc_is_name(&transfer->tag) &&
           (request->body.len > transfer->len ||
            memcmp(transfer->bytes, request->body.bytes, request->body.len) != 0);
}

void lc_blocks_continue(const struct lc_block *block, coap_pdu_t *response) {
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTINUE);
    lc_add_uint_option(response, COAP_OPTION_BLOCK1, block_value(block->number, true, block->szx));
}

bool lc_blocks_receive(struct lc_request *request, coap_pdu_t *response, lscoap_status *refused) {
    const struct lc_block *block = &request->options.block1;
    size_t size = (size_t)1 << (block->szx + 4);
    struct lc_transfer *transfer;
    coap_pdu_code_t refusal;

    *refused = LSCOAP_OK;
    if (!block->present || (block->number == 0 && !block->more)) {
        return true;
    }
    if (request->body.len == 0 || request->body.len > size ||
        (block->more && request->body.len != size)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
        return false;
    }
    transfer = find_transfer(request);
    if (transfer != NULL && begins_anew(transfer, request)) {
        drop(transfer);
        transfer = NULL;
    }
    if (transfer == NULL && block->number > 0) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INCOMPLETE);
        return false;
    }
    if (transfer == NULL) {
        transfer = begin(request, response, refused);
        if (transfer == NULL) {
            return false;
        }
    }
    if (!take_block(transfer, &request->body, block, &refusal)) {
        coap_pdu_set_code(response, refusal);
        return false;
    }
    transfer->used_ms = request->now_ms;
    if (block->more) {
        lc_blocks_continue(block, response);
        return false;
    }
    request->assembled = transfer->bytes; /* the request's to free */
    request->body.bytes = transfer->bytes;
    request->body.len = transfer->len;
    request->body.offset = 0;
    transfer->bytes = NULL;
    drop(transfer);
    return true;
}

/* ---- answers ---- */

bool lc_add_answer(const struct lc_options *request, coap_pdu_t *response, struct lc_answer *answer,
                   bool follow_up) {
    const uint8_t *bytes = answer->bytes + answer->aad_len + answer->request_len;
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
    size = (size_t)1 << (szx + 4);
    blocks = answer->answer_len > size;
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
    lc_add_uint_option(response, COAP_OPTION_CONTENT_FORMAT, LSCOAP_CONTENT_FORMAT_SEALED);
    if (blocks) {
        lc_add_uint_option(
            response, COAP_OPTION_BLOCK2,
            block_value((uint32_t)(offset >> (szx + 4)), offset + size < answer->answer_len, szx));
    }
    if (answer->request_len > 0 && !follow_up && block1->present) {
        lc_add_uint_option(response, COAP_OPTION_BLOCK1,
                           block_value(block1->number, false, block1->szx));
    }
    if (blocks && offset == 0) {
        lc_add_uint_option(response, COAP_OPTION_SIZE2, (uint32_t)answer->answer_len);
    }
    return coap_add_data(response, size, bytes + offset) != 0;
}
