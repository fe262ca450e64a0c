/* libcoap 4.3.1 does not recognise a retransmitted request: the handler is called again. A sealed
 * request would then be refused as a replay, although its sender only missed the answer. So answers
 * are kept for EXCHANGE_LIFETIME (RFC 7252 section 4.8.2) and given again: never sealed twice,
 * never executed twice. Only requests that opened are kept, so a stranger cannot push them out;
 * and a session has a share of its own, so a busy device cannot either.
 *
 * Not by lscoap_answers, which is for tens of answers: it is searched from end to end (of 8192
 * places for 0.15 ms, more than five times what else a request costs here), gives each answer the
 * room of the longest, and knows neither the blocks of one nor whom they are of without the object.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#define FNV_BASIS 2166136261U

/* ---- chains ---- */

static uint32_t mix(uint32_t hash, const void *bytes, size_t len) {
    const uint8_t *at = bytes;

    while (len > 0) { /* FNV-1a, but by words, whose high bits are brought down */
        uint32_t word = 0;
        size_t some = len < sizeof word ? len : sizeof word;

        memcpy(&word, at, some);
        hash = (hash ^ word) * 16777619U;
        hash ^= hash >> 15;
        at += some;
        len -= some;
    }
    return hash;
}

uint32_t lc_hash_of_peer(const coap_address_t *remote) {
    uint32_t hash = FNV_BASIS;

    if (remote->addr.sa.sa_family == AF_INET) {
        hash = mix(hash, &remote->addr.sin.sin_addr, sizeof remote->addr.sin.sin_addr);
        hash = mix(hash, &remote->addr.sin.sin_port, sizeof remote->addr.sin.sin_port);
    } else if (remote->addr.sa.sa_family == AF_INET6) {
        hash = mix(hash, &remote->addr.sin6.sin6_addr, sizeof remote->addr.sin6.sin6_addr);
        hash = mix(hash, &remote->addr.sin6.sin6_port, sizeof remote->addr.sin6.sin6_port);
    }
    return hash;
}

static uint16_t bucket_of(uint32_t hash) {
    return (uint16_t)((hash ^ hash >> 16) % LC_BUCKETS);
}

/* LC_BUCKETS is none, here and below. */
static uint16_t bucket_of_object(const struct lc_body *object) {
    size_t len = object->len < LC_OBJECT_START ? object->len : (size_t)LC_OBJECT_START;

    return object->len == 0 ? LC_BUCKETS : bucket_of(mix(FNV_BASIS, object->bytes, len));
}

static uint16_t bucket_of_tag(uint32_t peer_hash, const struct lc_tag *tag) {
    uint32_t origin = lc_is_name(tag) ? FNV_BASIS : peer_hash;

    return tag->len == 0 ? LC_BUCKETS : bucket_of(mix(origin, tag->bytes, tag->len));
}

/* Where a list begins. */
static uint16_t *head_of(struct lc_answers *answers, int chain, uint16_t at) {
    return chain == LC_BY_AGE ? &answers->newest_of_all
                              : &answers->newest[chain][answers->nodes[at].buckets[chain]];
}

static void link_in(struct lc_answers *answers, int chain, uint16_t at) {
    uint16_t *newest = head_of(answers, chain, at);

    answers->nodes[at].links[chain] = (struct lc_link){.newer = LC_NO_ANSWER, .older = *newest};
    if (*newest != LC_NO_ANSWER) {
        answers->nodes[*newest].links[chain].newer = at;
    } else if (chain == LC_BY_AGE) {
        answers->oldest_of_all = at;
    }
    *newest = at;
}

static void unlink_from(struct lc_answers *answers, int chain, uint16_t at) {
    const struct lc_link *link = &answers->nodes[at].links[chain];

    if (link->newer != LC_NO_ANSWER) {
        answers->nodes[link->newer].links[chain].older = link->older;
    } else {
        *head_of(answers, chain, at) = link->older;
    }
    if (link->older != LC_NO_ANSWER) {
        answers->nodes[link->older].links[chain].newer = link->newer;
    } else if (chain == LC_BY_AGE) {
        answers->oldest_of_all = link->newer;
    }
}

static bool is_in(const struct lc_answers *answers, int chain, uint16_t at) {
    return chain == LC_BY_AGE || answers->nodes[at].buckets[chain] != LC_BUCKETS;
}

/* ---- places ---- */

static size_t bytes_of(const struct lc_answer *entry) {
    return entry->target_len + entry->request_len + entry->answer_len;
}

static void give_back(struct lc_answers *answers, uint16_t at) {
    answers->nodes[at].links[LC_BY_AGE].older = answers->unused;
    answers->unused = at;
}

static void drop(struct lc_answers *answers, uint16_t at) {
    struct lc_answer *entry = &answers->entries[at];

    for (int chain = 0; chain < LC_CHAINS; chain++) {
        if (is_in(answers, chain, at)) {
            unlink_from(answers, chain, at);
        }
    }
    *answers->nodes[at].place = LC_NO_ANSWER;
    answers->bytes -= bytes_of(entry);
    free(entry->bytes);
    entry->bytes = NULL;
    give_back(answers, at);
}

bool lc_answers_init(struct lc_answers *answers, size_t n_slots) {
    answers->shares = calloc(n_slots, sizeof *answers->shares);
    for (size_t i = 0; answers->shares != NULL && i < n_slots; i++) {
        struct lc_share *share = &answers->shares[i];

        memset(share->answers, 0xFF, sizeof share->answers); /* LC_NO_ANSWER */
        memset(share->notifications, 0xFF, sizeof share->notifications);
    }
    memset(answers->newest, 0xFF, sizeof answers->newest); /* LC_NO_ANSWER */
    answers->newest_of_all = LC_NO_ANSWER;
    answers->oldest_of_all = LC_NO_ANSWER;
    answers->unused = LC_NO_ANSWER;
    answers->bytes = 0;
    for (size_t i = LSCOAP_LIBCOAP_ANSWERS_MAX; i > 0; i--) {
        give_back(answers, (uint16_t)(i - 1));
    }
    return answers->shares != NULL;
}

void lc_answers_expire(struct lc_answers *answers, uint64_t now_ms) {
    while (answers->oldest_of_all != LC_NO_ANSWER &&
           answers->entries[answers->oldest_of_all].expires_ms <= now_ms) {
        drop(answers, answers->oldest_of_all);
    }
}

void lc_answers_free(struct lc_answers *answers) {
    lc_answers_expire(answers, UINT64_MAX);
    free(answers->shares);
    answers->shares = NULL;
}

/* The place in its session's share for an answer to come, which whatever was there gives up. */
static uint16_t *next_place(struct lc_answers *answers, const struct lc_request *request) {
    struct lc_share *share = &answers->shares[request->slot];
    uint16_t *place;

    if (request->body.len == 0) {
        place = &share->notifications[share->next_notification];
        share->next_notification =
            (uint8_t)((share->next_notification + 1) % LSCOAP_LIBCOAP_OBSERVERS_OF_ONE);
    } else {
        place = &share->answers[share->next_answer];
        share->next_answer = (uint8_t)((share->next_answer + 1) % LSCOAP_LIBCOAP_ANSWERS_OF_ONE);
    }
    if (*place != LC_NO_ANSWER) {
        drop(answers, *place);
    }
    return place;
}

static void make_room(struct lc_answers *answers, size_t length) {
    while (answers->oldest_of_all != LC_NO_ANSWER &&
           (answers->unused == LC_NO_ANSWER ||
            answers->bytes + length > LSCOAP_LIBCOAP_ANSWERS_BYTES)) {
        drop(answers, answers->oldest_of_all);
    }
}

/* ---- looking for them ---- */

/* To the same place, in the same way. */
static bool same_target(const struct lc_answer *entry, const struct lc_request *request) {
    return entry->manner.is_oscore == (request->options.oscore != NULL) &&
           entry->method == coap_pdu_get_code(request->outer) &&
           entry->target_len == request->target_len &&
           memcmp(entry->bytes, request->target, request->target_len) == 0;
}

static bool same_peer(const struct lc_answer *entry, const struct lc_request *request) {
    return coap_address_equals(coap_session_get_addr_remote(request->peer), &entry->remote);
}

/* Whether the request, or the block that came of it, is one that this answers. */
static enum lc_repeat compare(const struct lc_answer *entry, const struct lc_request *request) {
    const struct lc_body *body = &request->body;

    if (body->len == 0 || body->offset > entry->request_len ||
        body->len > entry->request_len - body->offset ||
        memcmp(body->bytes, entry->bytes + entry->target_len + body->offset, body->len) != 0 ||
        !same_target(entry, request)) {
        return LC_REPEAT_NO;
    }
    if (!request->options.block1.more && body->offset + body->len == entry->request_len) {
        return LC_REPEAT_ANSWER;
    }
    return request->options.block1.present && request->options.tag.len > 0 ? LC_REPEAT_STRAGGLER
                                                                           : LC_REPEAT_NO;
}

/* The first in a list that is of the same request. */
static enum lc_repeat find_in(struct lc_answers *answers, enum lc_chain chain, uint16_t bucket,
                              const struct lc_request *request, struct lc_answer **answer) {
    const struct lc_tag *tag = &request->options.tag;

    for (uint16_t at = bucket == LC_BUCKETS ? LC_NO_ANSWER : answers->newest[chain][bucket];
         at != LC_NO_ANSWER; at = answers->nodes[at].links[chain].older) {
        struct lc_answer *entry = &answers->entries[at];

        if (chain == LC_BY_OBJECT ||
            (lc_same_tag(&entry->tag, tag) && (lc_is_name(tag) || same_peer(entry, request)))) {
            enum lc_repeat repeat = compare(entry, request);

            if (repeat != LC_REPEAT_NO) {
                *answer = entry;
                return repeat;
            }
        }
    }
    return LC_REPEAT_NO;
}

enum lc_repeat lc_answers_find(struct lc_answers *answers, const struct lc_request *request,
                               struct lc_answer **answer) {
    const struct lc_tag *tag = &request->options.tag;

    if (request->body.offset == 0 && !request->options.block1.more) { /* all of it */
        return find_in(answers, LC_BY_OBJECT, bucket_of_object(&request->body), request, answer);
    }
    return tag->len > 0
               ? find_in(answers, LC_BY_TAG, bucket_of_tag(request->peer_hash, tag), request,
                         answer)
               : find_in(answers, LC_BY_PEER, bucket_of(request->peer_hash), request, answer);
}

static bool is_etag(const struct lc_tag *etag, const struct lc_answer *entry) {
    return etag->len == 0 || coap_decode_var_bytes8(etag->bytes, etag->len) == entry->manner.etag;
}

struct lc_answer *lc_answers_newest(struct lc_answers *answers, const struct lc_request *request) {
    const struct lc_tag *tag = &request->options.tag;
    enum lc_chain chain = lc_is_name(tag) ? LC_BY_TAG : LC_BY_PEER;
    uint16_t bucket =
        chain == LC_BY_TAG ? bucket_of_tag(request->peer_hash, tag) : bucket_of(request->peer_hash);
    struct lc_answer *same;

    if (lc_answers_find(answers, request, &same) == LC_REPEAT_ANSWER) {
        return is_etag(&request->options.etag, same) ? same : NULL;
    }
    for (uint16_t at = answers->newest[chain][bucket]; at != LC_NO_ANSWER;
         at = answers->nodes[at].links[chain].older) {
        struct lc_answer *entry = &answers->entries[at];

        if (same_target(entry, request) && is_etag(&request->options.etag, entry) &&
            (chain == LC_BY_TAG ? lc_same_tag(&entry->tag, tag) : same_peer(entry, request))) {
            return entry;
        }
    }
    return NULL;
}

bool lc_answers_in_transit(struct lc_answers *answers, const struct lc_request *request) {
    const struct lc_answer *newest = lc_answers_newest(answers, request);

    return newest != NULL && !newest->fetched &&
           request->now_ms - newest->asked_ms < LC_PATIENCE_MS;
}

/* ---- keeping one ---- */

/* Into every list that it can be looked for in. */
static void add_to_lists(struct lc_answers *answers, uint16_t at,
                         const struct lc_request *request) {
    const struct lc_answer *entry = &answers->entries[at];
    struct lc_node *node = &answers->nodes[at];

    node->buckets[LC_BY_OBJECT] = bucket_of_object(&request->body);
    node->buckets[LC_BY_TAG] = bucket_of_tag(request->peer_hash, &entry->tag);
    node->buckets[LC_BY_PEER] = bucket_of(request->peer_hash);
    for (int chain = 0; chain < LC_CHAINS; chain++) {
        if (is_in(answers, chain, at)) {
            link_in(answers, chain, at);
        }
    }
}

struct lc_answer *lc_answers_put(struct lc_answers *answers, const struct lc_request *request,
                                 const uint8_t *sealed, size_t sealed_len,
                                 const struct lc_manner *manner) {
    size_t length = request->target_len + request->body.len + sealed_len;
    uint16_t *place = next_place(answers, request);
    struct lc_answer *entry;
    uint8_t *bytes;
    uint16_t at;

    make_room(answers, length);
    bytes = malloc(length);
    if (bytes == NULL) {
        return NULL;
    }
    memcpy(bytes, request->target, request->target_len);
    if (request->body.len > 0) {
        memcpy(bytes + request->target_len, request->body.bytes, request->body.len);
    }
    memcpy(bytes + request->target_len + request->body.len, sealed, sealed_len);
    at = answers->unused;
    answers->unused = answers->nodes[at].links[LC_BY_AGE].older;
    answers->bytes += length;
    entry = &answers->entries[at];
    entry->manner = *manner;
    coap_address_copy(&entry->remote, coap_session_get_addr_remote(request->peer));
    entry->method = coap_pdu_get_code(request->outer);
    entry->tag = request->options.tag;
    entry->bytes = bytes;
    entry->target_len = request->target_len;
    entry->request_len = request->body.len;
    entry->answer_len = sealed_len;
    entry->expires_ms = request->now_ms + LSCOAP_LIBCOAP_ANSWERS_MS;
    entry->asked_ms = request->now_ms;
    entry->in_blocks = false;
    entry->fetched = false;
    answers->nodes[at].place = place;
    *place = at;
    add_to_lists(answers, at, request);
    return entry;
}
