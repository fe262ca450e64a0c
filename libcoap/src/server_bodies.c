/* Block-wise transfer inside the seal (RFC 7959; RFC 8613 section 4.1.3.4.1), which handlers do not
 * see. Each block of a request opens, and each block of an answer is asked for, by a sealed request
 * of its own. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_AT = 16 /* room for a fingerprint and a code before the options of a message */ };

/* The session and what makes the request the same (RFC 7959 section 2.4: its Cache-Key): method and
 * options but for those of blocks, Observe, Size and Echo. In the server's message; NULL: too long.
 */
static const uint8_t *key_of(const struct lc_request *request, size_t *len) {
    static const struct lc_set without[] = {
        {COAP_OPTION_OBSERVE, LC_NO_OPTION}, {COAP_OPTION_BLOCK2, LC_NO_OPTION},
        {COAP_OPTION_BLOCK1, LC_NO_OPTION},  {COAP_OPTION_SIZE2, LC_NO_OPTION},
        {COAP_OPTION_SIZE1, LC_NO_OPTION},   {COAP_OPTION_ECHO, LC_NO_OPTION}};
    const struct lc_body nothing = {0};
    uint8_t *message = request->server->message + KEY_AT;
    size_t written = lc_write_message(request->inner, without, sizeof without / sizeof *without,
                                      &nothing, message, LC_MESSAGE_MAX - KEY_AT);
    size_t options = LC_HEADER_LEN + coap_pdu_get_token(request->inner).length;
    uint8_t *key = message + options - 1 - LSCOAP_FINGERPRINT_LEN;

    if (written == 0) {
        return NULL;
    }
    memcpy(key, request->fingerprint, LSCOAP_FINGERPRINT_LEN);
    key[LSCOAP_FINGERPRINT_LEN] = (uint8_t)coap_pdu_get_code(request->inner);
    *len = written - options + 1 + LSCOAP_FINGERPRINT_LEN;
    return key;
}

/* ---- requests ---- */

/* What handlers get: without blocks, with all of the body. NULL: too long, or no memory. */
static coap_pdu_t *without_blocks(const struct lc_request *request, const struct lc_body *body) {
    static const struct lc_set without[] = {{COAP_OPTION_BLOCK2, LC_NO_OPTION},
                                            {COAP_OPTION_BLOCK1, LC_NO_OPTION},
                                            {COAP_OPTION_SIZE1, LC_NO_OPTION}};
    uint8_t *message = request->server->message;
    size_t len = lc_write_message(request->inner, without, sizeof without / sizeof *without, body,
                                  message, LC_MESSAGE_MAX);

    return len == 0 ? NULL : lc_parse_message(message, len);
}

bool lc_bodies_receive(struct lc_request *request, coap_pdu_t *response) {
    const struct lc_options *options = &request->inner_options;
    struct lc_incoming in = {.has_session = true, .slot = request->slot, .block = &options->block1};
    struct lc_body body = {0};
    uint8_t *assembled = NULL;
    lscoap_status refused;
    coap_pdu_t *whole;

    coap_get_data(request->inner, &body.len, &body.bytes);
    body.offset = options->block1.offset;
    in.key = key_of(request, &in.key_len);
    if (in.key == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_REQUEST_TOO_LARGE);
        return false;
    }
    if (!lc_blocks_receive(request->server, &in, request->now_ms, &body, &assembled, response,
                           &refused)) {
        return false;
    }
    whole = without_blocks(request, &body);
    free(assembled);
    if (whole == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_REQUEST_TOO_LARGE);
        return false;
    }
    coap_delete_pdu(request->inner);
    request->inner = whole;
    return true;
}

/* ---- answers ---- */

static void drop(struct lc_kept_body *body) {
    coap_delete_pdu(body->answer);
    free(body->key);
    memset(body, 0, sizeof *body);
}

void lc_bodies_clear(lscoap_libcoap_server *server) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_BODIES_MAX; i++) {
        drop(&server->bodies[i]);
    }
}

static struct lc_kept_body *find(const struct lc_request *request, const uint8_t *key, size_t len) {
    for (size_t i = 0; i < LSCOAP_LIBCOAP_BODIES_MAX; i++) {
        struct lc_kept_body *body = &request->server->bodies[i];

        if (body->answer != NULL && body->key_len == len && memcmp(body->key, key, len) == 0) {
            return body;
        }
    }
    return NULL;
}

static struct lc_kept_body *find_of(const struct lc_request *request) {
    size_t len;
    const uint8_t *key = key_of(request, &len);

    return key == NULL ? NULL : find(request, key, len);
}

/* Where another answer may be kept: what is there makes room. NULL: all of them are being fetched.
 */
static struct lc_kept_body *find_room(const struct lc_request *request) {
    struct lc_kept_body *room = NULL;
    struct lc_kept_body *own = NULL;
    size_t of_one = 0;

    for (size_t i = 0; i < LSCOAP_LIBCOAP_BODIES_MAX; i++) {
        struct lc_kept_body *body = &request->server->bodies[i];

        if (body->answer != NULL && body->slot == request->slot) {
            of_one++;
            own = own == NULL || body->used_ms < own->used_ms ? body : own;
        }
        if ((body->answer == NULL || body->fetched ||
             request->now_ms - body->used_ms > LC_PATIENCE_MS) &&
            (room == NULL || body->used_ms < room->used_ms)) { /* a free one has 0 */
            room = body;
        }
    }
    return of_one < LSCOAP_LIBCOAP_BODIES_OF_ONE && room != NULL ? room : own;
}

bool lc_bodies_keep(const struct lc_request *request, coap_pdu_t *answer,
                    const struct lc_inner *inner) {
    size_t len;
    const uint8_t *key = key_of(request, &len);
    struct lc_kept_body *body = key == NULL ? NULL : find(request, key, len);

    if (body == NULL) {
        body = key == NULL ? NULL : find_room(request);
    }
    if (body == NULL) {
        return false;
    }
    drop(body);
    body->key = malloc(len);
    if (body->key == NULL) {
        return false;
    }
    memcpy(body->key, key, len);
    body->key_len = len;
    body->slot = request->slot;
    body->answer = answer;
    body->etag = inner->etag == LC_NO_OPTION ? 0 : (uint64_t)inner->etag;
    body->used_ms = request->now_ms;
    return true;
}

coap_pdu_t *lc_bodies_find(const struct lc_request *request, struct lc_inner *inner) {
    struct lc_kept_body *body = find_of(request);
    size_t size = (size_t)16 << request->inner_options.block2.szx;
    struct lc_body all = {0};

    if (body == NULL) {
        return NULL;
    }
    coap_get_data(body->answer, &all.len, &all.bytes);
    body->used_ms = request->now_ms;
    body->fetched = body->fetched || request->inner_options.block2.offset + size >= all.len;
    if (body->etag != 0) {
        inner->etag = (int64_t)body->etag;
    }
    return body->answer;
}

bool lc_bodies_in_transit(const struct lc_request *request) {
    const struct lc_kept_body *body = find_of(request);

    return body != NULL && !body->fetched && request->now_ms - body->used_ms < LC_PATIENCE_MS;
}

bool lc_bodies_arrived(const struct lc_request *request) {
    const struct lc_kept_body *body = find_of(request);

    return body != NULL && body->fetched;
}
