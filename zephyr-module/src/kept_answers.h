/*
 * The last answers, for requests that come again: a request whose answer was lost is sent again as
 * it was, perhaps in another message or from another port, and opens only once. Bytes in, bytes
 * out: nothing of Zephyr's.
 */
#ifndef LSCOAP_KEPT_ANSWERS_H
#define LSCOAP_KEPT_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

enum { KEPT_TAG_LEN = 8 /* the tag at the end of a sealed request, which no other one has */ };

struct kept_answer {
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

/* The answer that the sealed request with this tag had, null if it is not kept. */
const uint8_t *kept_find(const struct kept_answers *answers, const uint8_t tag[KEPT_TAG_LEN],
                         size_t *len);

/* Keeps its answer in place of the oldest one. One that is longer than the room is not kept. */
void kept_put(struct kept_answers *answers, const uint8_t tag[KEPT_TAG_LEN], const uint8_t *answer,
              size_t len);

#endif
