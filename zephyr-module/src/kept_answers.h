/*
 * The last answers, for requests that come again: a request whose answer was lost is sent again as
 * it was, and opens only once. Bytes in, bytes out: nothing of Zephyr's.
 */
#ifndef LSCOAP_KEPT_ANSWERS_H
#define LSCOAP_KEPT_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

enum {
    KEPT_PEER_MAX = 18, /* an IPv6 address and a port */
    KEPT_TAG_LEN = 8    /* the tag at the end of a sealed request, which no other one has */
};

/* What tells one request from another. */
struct kept_request {
    const uint8_t *peer;
    size_t peer_len;
    uint16_t message_id;
    const uint8_t *object; /* sealed */
    size_t object_len;
};

struct kept_answer {
    uint8_t peer[KEPT_PEER_MAX];
    uint8_t peer_len;
    uint16_t message_id;
    uint8_t tag[KEPT_TAG_LEN];
    size_t len; /* 0: none */
};

/* `count` answers, with `room` bytes for each. */
struct kept_answers {
    struct kept_answer *list;
    uint8_t *bytes;
    size_t count;
    size_t room;
    size_t oldest;
};

/* The answer that this request had, null if it is not kept. */
const uint8_t *kept_find(const struct kept_answers *answers, const struct kept_request *request,
                         size_t *len);

/* Keeps an answer in place of the oldest one. One that is longer than the room is not kept. */
void kept_put(struct kept_answers *answers, const struct kept_request *request,
              const uint8_t *answer, size_t len);

#endif
