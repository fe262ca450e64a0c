/* Block-wise transfer (RFC 7959) of sealed objects, at the server. Not libcoap's own: that of 4.3.1
 * takes memory for a body as long as a stranger's Size1 option says, does not survive every order
 * of blocks (libcoap issue 1566), forgets a request when its last block has been answered once, and
 * keeps one body for all answers of a resource.
 *
 * Requests are put together here; answers are in the table of answers anyway, and their blocks are
 * taken from there: libcoap's client asks for them with FETCH or POST, the same Uri options, a
 * token of its own and no payload, so that address, resource, method and Uri options name the
 * answer. */
#include "lscoap_libcoap_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 4096,
    IDLE_MS = 93 * 1000 /* MAX_TRANSMIT_WAIT: no further block comes after that */
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
           coap_address_equals(&transfer->remote, coap_session_get_addr_remote(request->peer));
}

/* A new transfer's place. One peer has few at a time; the one that was idle longest makes room. */
static struct lc_transfer *find_room(lscoap_libcoap_server *server, const coap_address_t *remote) {
    struct lc_transfer *oldest = NULL;
    struct lc_transfer *oldest_of_peer = NULL;
    size_t of_peer = 0;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        struct lc_transfer *transfer = &server->transfers[i];

        if (transfer->resource != NULL && coap_address_equals(&transfer->remote, remote)) {
            of_peer++;
            if (oldest_of_peer == NULL || transfer->used_ms < oldest_of_peer->used_ms) {
                oldest_of_peer = transfer;
            }
        }
        if (oldest == NULL || transfer->used_ms < oldest->used_ms) { /* a free one has 0 */
            oldest = transfer;
        }
    }
    return of_peer < LSCOAP_LIBCOAP_TRANSFERS_OF_ONE ? oldest : oldest_of_peer;
}

static struct lc_transfer *find_transfer(const struct lc_request *request) {
    struct lc_transfer *found = NULL;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_TRANSFERS_MAX; i++) {
        struct lc_transfer *transfer = &request->resource->server->transfers[i];

        if (transfer->resource != NULL && request->now_ms - transfer->used_ms > IDLE_MS) {
            drop(transfer);
        }
        if (transfer->resource != NULL && same_transfer(transfer, request)) {
            found = transfer;
        }
    }
    return found;
}

/* The first block of a transfer: memory only for what names a session. NULL: refused. */
static struct lc_transfer *begin(const struct lc_request *request) {
    lscoap_libcoap_server *server = request->resource->server;
    const coap_address_t *remote = coap_session_get_addr_remote(request->peer);
    struct lc_transfer *transfer;

    if (lscoap_server_find(&server->server, request->now_ms, request->body.bytes,
                           request->body.len) == NULL) {
        return NULL;
    }
    transfer = find_room(server, remote);
    drop(transfer);
    transfer->resource = request->resource;
    transfer->method = coap_pdu_get_code(request->outer);
    transfer->tag = request->options.tag;
    coap_address_copy(&transfer->remote, remote);
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
    return append(transfer, body);
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
    if (transfer != NULL && block->number == 0 &&
        (request->body.len > transfer->len ||
         memcmp(transfer->bytes, request->body.bytes, request->body.len) != 0)) {
        drop(transfer); /* another object under the same tag */
        transfer = NULL;
    }
    if (transfer == NULL && block->number == 0) {
        transfer = begin(request);
        if (transfer == NULL) {
            *refused = LSCOAP_ERR_UNKNOWN_SESSION;
            return false;
        }
    }
    if (transfer == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INCOMPLETE);
        return false;
    }
    if (!take_block(transfer, &request->body, block, &refusal)) {
        coap_pdu_set_code(response, refusal);
        drop(transfer);
        return false;
    }
    transfer->used_ms = request->now_ms;
    if (block->more) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTINUE);
        lc_add_uint_option(response, COAP_OPTION_BLOCK1,
                           block_value(block->number, true, block->szx));
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

bool lc_add_answer(const struct lc_options *request, coap_pdu_t *response,
                   const struct lc_answer *answer, bool follow_up) {
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
