/* Zephyr's service, between the two messages of a sealed request: what comes from outside is the
 * outer message; a device that has a key chooses the plaintext as well. */
#include "inner_message.h"
#include "target.h"

#include <string.h>

enum { FIXED_HEADER = 4 };

/* As long as it is, so that reading or writing past it is found. */
static uint8_t *copy(const uint8_t *bytes, size_t len) {
    uint8_t *place = malloc(len == 0 ? 1 : len);

    MUST(place != NULL);
    if (len > 0) {
        memcpy(place, bytes, len);
    }
    return place;
}

/* What the handler sees is for the path and query that the request was sealed for. */
static void check_path(const uint8_t *outer, size_t outer_len, const uint8_t *seen,
                       size_t seen_len) {
    uint8_t sealed_for[512], handled_for[512];
    int len = inner_request_aad(outer, outer_len, sealed_for, sizeof sealed_for);

    MUST(inner_request_aad(seen, seen_len, handled_for, sizeof handled_for) == len);
    MUST(len <= 0 || memcmp(sealed_for, handled_for, (size_t)len) == 0);
}

/* With just enough room it goes as with more, and with less it does not go. */
static void try_rooms(const uint8_t *outer, size_t outer_len, const uint8_t *plain,
                      size_t plain_len) {
    const size_t most = outer_len + plain_len + 16;
    uint8_t *roomy = malloc(most);
    size_t len = 0, again = 0;

    MUST(roomy != NULL);
    if (inner_request(outer, outer_len, plain, plain_len, roomy, most, &len) == INNER_OK) {
        uint8_t *tight = malloc(len);

        MUST(tight != NULL && len >= FIXED_HEADER && len <= most);
        MUST(inner_request(outer, outer_len, plain, plain_len, tight, len, &again) == INNER_OK);
        MUST(again == len && memcmp(tight, roomy, len) == 0);
        MUST(inner_request(outer, outer_len, plain, plain_len, tight, len - 1, &again) ==
             INNER_TOO_LONG);
        MUST(roomy[1] == plain[0]); /* the inner code */
        check_path(outer, outer_len, roomy, len);
        free(tight);
    }
    free(roomy);
}

static void try_answer(const uint8_t *message, size_t len) {
    uint8_t *plain = malloc(len + 1);
    int got;

    MUST(plain != NULL);
    got = inner_answer(message, len, plain, len + 1);
    MUST(got <= (int)len);
    if (got > 0) {
        MUST(inner_answer(message, len, plain, (size_t)got - 1) == -1);
    }
    free(plain);
}

/* A length of one byte and so much of an outer message; the rest is the plaintext. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len) {
    size_t outer_len = len == 0 ? 0 : input[0] < len - 1 ? input[0] : len - 1;
    size_t plain_len = len == 0 ? 0 : len - 1 - outer_len;
    uint8_t *outer = copy(input + (len > 0), outer_len);
    uint8_t *plain = copy(input + (len > 0) + outer_len, plain_len);
    uint8_t aad[64];

    MUST(inner_request_aad(outer, outer_len, aad, sizeof aad) <= (int)sizeof aad);
    try_rooms(outer, outer_len, plain, plain_len);
    try_answer(outer, outer_len);
    try_answer(plain, plain_len);
    free(plain);
    free(outer);
    return 0;
}
