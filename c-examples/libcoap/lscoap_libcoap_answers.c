/* libcoap 4.3.1 does not recognise a retransmitted request: the handler is called again. A sealed
 * request would then be refused as a replay, although its sender only missed the answer. So answers
 * are kept for EXCHANGE_LIFETIME (RFC 7252 section 4.8.2) and given again: never sealed twice,
 * never executed twice. Only requests that opened are kept, so a stranger cannot push them out. */
#include "lscoap_libcoap_internal.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

static struct lc_answer *entry_at(struct lc_answers *answers, uint64_t number) {
    return &answers->entries[number % LSCOAP_LIBCOAP_ANSWERS_MAX];
}

static size_t bytes_of(const struct lc_answer *entry) {
    return entry->aad_len + entry->request_len + entry->answer_len;
}

static void drop_oldest(struct lc_answers *answers) {
    struct lc_answer *oldest = entry_at(answers, answers->first++);

    answers->bytes -= bytes_of(oldest);
    free(oldest->bytes);
    memset(oldest, 0, sizeof *oldest);
}

/* ---- chains ---- */

static uint32_t mix(uint32_t hash, const void *bytes, size_t len) {
    const uint8_t *at = bytes;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * 16777619U; /* FNV-1a */
    }
    return hash;
}

static uint32_t hash_of_peer(const coap_address_t *remote) {
    uint32_t hash = 2166136261U;

    if (remote->addr.sa.sa_family == AF_INET) {
        hash = mix(hash, &remote->addr.sin.sin_addr, sizeof remote->addr.sin.sin_addr);
        hash = mix(hash, &remote->addr.sin.sin_port, sizeof remote->addr.sin.sin_port);
    } else if (remote->addr.sa.sa_family == AF_INET6) {
        hash = mix(hash, &remote->addr.sin6.sin6_addr, sizeof remote->addr.sin6.sin6_addr);
        hash = mix(hash, &remote->addr.sin6.sin6_port, sizeof remote->addr.sin6.sin6_port);
    }
    return hash;
}

/* Where the chains of an answer to this peer begin. */
static void find_chains(struct lc_answers *answers, const coap_address_t *remote, coap_mid_t mid,
                        const struct lc_tag *tag, uint64_t *newest[LC_CHAINS]) {
    uint32_t peer = hash_of_peer(remote);
    const uint32_t hashes[LC_CHAINS] = {[LC_BY_MESSAGE] = mix(peer, &mid, sizeof mid),
                                        [LC_BY_TAG] = mix(peer, tag->bytes, tag->len),
                                        [LC_BY_PEER] = peer};

    for (int chain = 0; chain < LC_CHAINS; chain++) {
        newest[chain] = &answers->newest[chain][(hashes[chain] ^ hashes[chain] >> 16) % LC_BUCKETS];
    }
}

/* The answer of this number; NULL when that is the end of a chain. */
static struct lc_answer *live(struct lc_answers *answers, uint64_t number) {
    return number >= answers->first && number > 0 ? entry_at(answers, number) : NULL;
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

/* Whether the request, or the block that came of it, is one that this answers. */
static enum lc_repeat compare(const struct lc_answer *entry, const struct lc_request *request,
                              const coap_address_t *remote) {
    const struct lc_body *body = &request->body;

    if (body->len == 0 || body->offset > entry->request_len ||
        body->len > entry->request_len - body->offset ||
        memcmp(body->bytes, entry->bytes + entry->aad_len + body->offset, body->len) != 0 ||
        !coap_address_equals(remote, &entry->remote)) {
        return LC_REPEAT_NO;
    }
    if (!request->block1.more && body->offset + body->len == entry->request_len) {
        return LC_REPEAT_ANSWER;
    }
    return request->block1.present ? LC_REPEAT_STRAGGLER : LC_REPEAT_NO;
}

enum lc_repeat lc_answers_find(struct lc_answers *answers, const struct lc_request *request,
                               uint64_t now_ms, const struct lc_answer **answer) {
    const coap_address_t *remote = coap_session_get_addr_remote(request->peer);
    coap_mid_t mid = coap_pdu_get_mid(request->outer);
    uint64_t *newest[LC_CHAINS];
    struct lc_answer *entry;
    struct lc_tag tag;
    int last;

    lc_request_tag(request->outer, &tag);
    last = tag.len > 0 ? LC_BY_TAG : LC_BY_MESSAGE;
    while (answers->first < answers->next &&
           entry_at(answers, answers->first)->expires_ms <= now_ms) {
        drop_oldest(answers);
    }
    find_chains(answers, remote, mid, &tag, newest);
    for (int chain = LC_BY_MESSAGE; chain <= last; chain++) {
        for (uint64_t number = *newest[chain]; (entry = live(answers, number)) != NULL;
             number = entry->older[chain]) {
            bool same_message = entry->mid == mid;
            bool same_transfer = tag.len > 0 && tag.len == entry->tag.len &&
                                 memcmp(tag.bytes, entry->tag.bytes, tag.len) == 0;
            enum lc_repeat repeat =
                same_message || same_transfer ? compare(entry, request, remote) : LC_REPEAT_NO;

            if (repeat != LC_REPEAT_NO) {
                *answer = entry;
                return repeat;
            }
        }
    }
    return LC_REPEAT_NO;
}

const struct lc_answer *lc_answers_newest(struct lc_answers *answers,
                                          const struct lc_request *request) {
    const coap_address_t *remote = coap_session_get_addr_remote(request->peer);
    const struct lc_tag none = {.len = 0};
    uint64_t *newest[LC_CHAINS];
    const struct lc_answer *entry;

    find_chains(answers, remote, 0, &none, newest);
    for (uint64_t number = *newest[LC_BY_PEER]; (entry = live(answers, number)) != NULL;
         number = entry->older[LC_BY_PEER]) {
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
    uint64_t *newest[LC_CHAINS];
    struct lc_answer *entry;

    if (bytes == NULL) {
        return NULL;
    }
    memcpy(bytes, request->aad, request->aad_len);
    if (request->body.len > 0) {
        memcpy(bytes + request->aad_len, request->body.bytes, request->body.len);
    }
    memcpy(bytes + request->aad_len + request->body.len, sealed, sealed_len);
    if (answers->next == 0) {
        answers->first = answers->next = 1; /* 0 ends a chain */
    }
    while (answers->first < answers->next &&
           (answers->next - answers->first == LSCOAP_LIBCOAP_ANSWERS_MAX ||
            answers->bytes + length > LSCOAP_LIBCOAP_ANSWERS_BYTES)) {
        drop_oldest(answers);
    }
    entry = entry_at(answers, answers->next);
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
    find_chains(answers, &entry->remote, entry->mid, &entry->tag, newest);
    for (int chain = 0; chain < LC_CHAINS; chain++) {
        entry->older[chain] = *newest[chain];
        *newest[chain] = answers->next;
    }
    answers->next++;
    return entry;
}

void lc_answers_clear(struct lc_answers *answers) {
    while (answers->first < answers->next) {
        drop_oldest(answers);
    }
}
