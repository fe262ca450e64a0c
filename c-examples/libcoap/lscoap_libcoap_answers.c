/* libcoap 4.3.1 does not recognise a retransmitted request: the handler is called again. A sealed
 * request would then be refused as a replay, although its sender only missed the answer. So answers
 * are kept for EXCHANGE_LIFETIME (RFC 7252 section 4.8.2) and given again: never sealed twice,
 * never executed twice. Only requests that opened are kept, so a stranger cannot push them out. */
#include "lscoap_libcoap_internal.h"

#include <stdlib.h>
#include <string.h>

static struct lc_answer *entry_at(struct lc_answers *answers, size_t i) {
    return &answers->entries[(answers->first + i) % LSCOAP_LIBCOAP_ANSWERS_MAX];
}

static size_t bytes_of(const struct lc_answer *entry) {
    return entry->aad_len + entry->request_len + entry->answer_len;
}

static void drop_oldest(struct lc_answers *answers) {
    struct lc_answer *oldest = entry_at(answers, 0);

    answers->bytes -= bytes_of(oldest);
    free(oldest->bytes);
    memset(oldest, 0, sizeof *oldest);
    answers->first = (answers->first + 1) % LSCOAP_LIBCOAP_ANSWERS_MAX;
    answers->count--;
}

void lc_request_tag(const coap_pdu_t *pdu, struct lc_tag *tag) {
    coap_opt_iterator_t iterator;
    const coap_opt_t *option = coap_check_option(pdu, COAP_OPTION_RTAG, &iterator);

    tag->len = option == NULL ? 0 : coap_opt_length(option);
    if (tag->len > LC_TOKEN_MAX) {
        tag->len = 0;
    }
    if (tag->len > 0) {
        memcpy(tag->bytes, coap_opt_value(option), tag->len);
    }
}

enum lc_repeat lc_answers_find(struct lc_answers *answers, const struct lc_request *request,
                               uint64_t now_ms, const struct lc_answer **answer) {
    const coap_address_t *remote = coap_session_get_addr_remote(request->peer);
    const struct lc_body *body = &request->body;
    struct lc_tag tag;

    lc_request_tag(request->outer, &tag);
    while (answers->count > 0 && entry_at(answers, 0)->expires_ms <= now_ms) {
        drop_oldest(answers);
    }
    for (size_t i = answers->count; i-- > 0;) { /* newest first */
        struct lc_answer *entry = entry_at(answers, i);
        bool same_message = entry->mid == coap_pdu_get_mid(request->outer);
        bool same_transfer = tag.len > 0 && tag.len == entry->tag.len &&
                             memcmp(tag.bytes, entry->tag.bytes, tag.len) == 0;

        if ((!same_message && !same_transfer) || body->len == 0 ||
            body->offset > entry->request_len || body->len > entry->request_len - body->offset ||
            memcmp(body->bytes, entry->bytes + entry->aad_len + body->offset, body->len) != 0 ||
            !coap_address_equals(remote, &entry->remote)) {
            continue;
        }
        if (!request->block1.more && body->offset + body->len == entry->request_len) {
            *answer = entry;
            return LC_REPEAT_ANSWER;
        }
        if (request->block1.present) {
            return LC_REPEAT_STRAGGLER;
        }
    }
    return LC_REPEAT_NO;
}

const struct lc_answer *lc_answers_newest(struct lc_answers *answers,
                                          const struct lc_request *request) {
    const coap_address_t *remote = coap_session_get_addr_remote(request->peer);

    for (size_t i = answers->count; i-- > 0;) {
        const struct lc_answer *entry = entry_at(answers, i);

        if (entry->resource == request->resource &&
            entry->method == coap_pdu_get_code(request->outer) &&
            entry->aad_len == request->aad_len &&
            memcmp(entry->bytes, request->aad, request->aad_len) == 0 &&
            coap_address_equals(remote, &entry->remote)) {
            return entry;
        }
    }
    return NULL;
}

const struct lc_answer *lc_answers_put(struct lc_answers *answers, const struct lc_request *request,
                                       const uint8_t *sealed, size_t sealed_len,
                                       const struct lc_answer *kept, uint64_t now_ms) {
    size_t length = request->aad_len + request->body.len + sealed_len;
    uint8_t *bytes = malloc(length);
    struct lc_answer *entry;

    if (bytes == NULL) {
        return NULL;
    }
    memcpy(bytes, request->aad, request->aad_len);
    if (request->body.len > 0) {
        memcpy(bytes + request->aad_len, request->body.bytes, request->body.len);
    }
    memcpy(bytes + request->aad_len + request->body.len, sealed, sealed_len);
    while (answers->count > 0 && (answers->count == LSCOAP_LIBCOAP_ANSWERS_MAX ||
                                  answers->bytes + length > LSCOAP_LIBCOAP_ANSWERS_BYTES)) {
        drop_oldest(answers);
    }
    entry = entry_at(answers, answers->count++);
    answers->bytes += length;
    *entry = *kept;
    entry->resource = request->resource;
    coap_address_copy(&entry->remote, coap_session_get_addr_remote(request->peer));
    entry->method = coap_pdu_get_code(request->outer);
    entry->mid = coap_pdu_get_mid(request->outer);
    lc_request_tag(request->outer, &entry->tag);
    entry->bytes = bytes;
    entry->aad_len = request->aad_len;
    entry->request_len = request->body.len;
    entry->answer_len = sealed_len;
    entry->expires_ms = now_ms + LSCOAP_LIBCOAP_ANSWERS_MS;
    return entry;
}

void lc_answers_clear(struct lc_answers *answers) {
    while (answers->count > 0) {
        drop_oldest(answers);
    }
}
