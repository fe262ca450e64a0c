/* The glue's logic that needs no kernel, on this machine. Prints the checks that fail; the exit
 * status is 0 if none did. */
#include "inner_message.h"
#include "kept_answers.h"

#include <stdio.h>
#include <string.h>

static unsigned checks, failures;

static void check(bool passed, int line, const char *text) {
    checks++;
    if (!passed) {
        failures++;
        printf("main.c:%d: %s\n", line, text);
    }
}
#define CHECK(condition) check((condition), __LINE__, #condition)

static bool is(const uint8_t *bytes, int len, const void *expected, size_t expected_len) {
    return len >= 0 && (size_t)len == expected_len && memcmp(bytes, expected, expected_len) == 0;
}

/* CON FETCH with token AABB: Observe, Uri-Path a and bc, Content-Format, Uri-Query q, Accept,
 * payload. */
static const uint8_t outer[] = {0x42, 0x05, 0x12, 0x34, 0xAA, 0xBB, 0x60, 0x51, 'a',  0x02,
                                'b',  'c',  0x12, 0xFD, 0xEA, 0x31, 'q',  0x20, 0xFF, 1};

static void test_aad(void) {
    static const uint8_t expected[] = {0xB1, 'a', 0x02, 'b', 'c', 0x41, 'q'};
    uint8_t aad[16] = {0};

    CHECK(is(aad, inner_request_aad(outer, sizeof outer, aad, sizeof aad), expected,
             sizeof expected));
    CHECK(inner_request_aad(outer, sizeof outer, aad, sizeof expected - 1) == -1);
    CHECK(inner_request_aad(outer, 6, aad, sizeof aad) == 0);
    for (size_t len = 0; len < 6; len++) {
        CHECK(inner_request_aad(outer, len, aad, sizeof aad) == -1);
    }
}

/* A segment whose length takes one and two bytes more. */
static void test_long_options(void) {
    static const size_t lengths[] = {12, 13, 268, 269, 300};
    uint8_t message[400] = {0x40, 0x02, 0, 1}, aad[400] = {0};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t len = lengths[i];
        size_t at = 4;

        message[at++] = (uint8_t)(0xB0 | (len < 13 ? len : len < 269 ? 13 : 14));
        if (len >= 269) {
            message[at++] = (uint8_t)((len - 269) >> 8);
            message[at++] = (uint8_t)(len - 269);
        } else if (len >= 13) {
            message[at++] = (uint8_t)(len - 13);
        }
        memset(message + at, 'x', len);
        at += len;
        CHECK(is(aad, inner_request_aad(message, at, aad, sizeof aad), message + 4, at - 4));
        CHECK(inner_request_aad(message, at - 1, aad, sizeof aad) == -1);
    }
}

static enum inner_result merge(const void *plain, size_t len, uint8_t *out, size_t room,
                               size_t *out_len) {
    return inner_request(outer, sizeof outer, plain, len, out, room, out_len);
}

static void test_request(void) {
    /* PUT, If-Match 7, Content-Format 50, payload */
    static const uint8_t plain[] = {0x03, 0x11, 7, 0xB1, 50, 0xFF, 'x'};
    static const uint8_t expected[] = {0x42, 0x03, 0x12, 0x34, 0xAA, 0xBB, 0x11, 7,    0xA1, 'a',
                                       0x02, 'b',  'c',  0x11, 50,   0x31, 'q',  0xFF, 'x'};
    /* GET with Observe, which the handler does not see */
    static const uint8_t observe[] = {0x01, 0x60};
    static const uint8_t observed[] = {0x42, 0x01, 0x12, 0x34, 0xAA, 0xBB, 0xB1,
                                       'a',  0x02, 'b',  'c',  0x41, 'q'};
    uint8_t out[64];
    size_t len = 0;

    CHECK(merge(plain, sizeof plain, out, sizeof out, &len) == INNER_OK);
    CHECK(is(out, (int)len, expected, sizeof expected));
    CHECK(merge(plain, sizeof plain, out, sizeof expected - 1, &len) == INNER_TOO_LONG);
    CHECK(merge(observe, sizeof observe, out, sizeof out, &len) == INNER_OK);
    CHECK(is(out, (int)len, observed, sizeof observed));
}

static void test_bad_requests(void) {
    static const uint8_t only_outer[] = {3, 7, 11, 15, 35, 39}; /* Uri-Host ... Proxy-Scheme */
    static const uint8_t bad[][4] = {
        {0x01, 0xF0, 0, 0}, {0x01, 0x0F, 0, 0}, {0x01, 0xE0, 0, 0}, {0x01, 0x02, 'x', 0}};
    static const size_t bad_len[] = {2, 2, 3, 3};
    uint8_t out[64];
    size_t len;

    for (size_t i = 0; i < sizeof only_outer; i++) {
        const uint8_t number = only_outer[i];
        const uint8_t plain[] = {0x01, (uint8_t)(number < 13 ? number << 4 : 0xD0),
                                 (uint8_t)(number - 13)};

        CHECK(merge(plain, number < 13 ? 2 : 3, out, sizeof out, &len) == INNER_BAD_OPTION);
    }
    for (size_t i = 0; i < sizeof bad_len / sizeof *bad_len; i++) {
        CHECK(merge(bad[i], bad_len[i], out, sizeof out, &len) == INNER_MALFORMED);
    }
    CHECK(merge("\x01\xFF", 2, out, sizeof out, &len) == INNER_MALFORMED);
    CHECK(merge("", 0, out, sizeof out, &len) == INNER_MALFORMED);
    CHECK(inner_request(outer, 3, outer, 1, out, sizeof out, &len) == INNER_MALFORMED);
}

static void test_answer(void) {
    static const uint8_t message[] = {0x62, 0x45, 0x12, 0x34, 0xAA, 0xBB, 0xC0, 0xFF, 'o', 'n'};
    static const uint8_t expected[] = {0x45, 0xC0, 0xFF, 'o', 'n'};
    uint8_t plain[16] = {0};

    CHECK(is(plain, inner_answer(message, sizeof message, plain, sizeof plain), expected,
             sizeof expected));
    CHECK(is(plain, inner_answer(message, 6, plain, sizeof plain), expected, 1));
    CHECK(inner_answer(message, 5, plain, sizeof plain) == -1);
    CHECK(inner_answer(message, sizeof message, plain, sizeof expected - 1) == -1);
}

static void test_methods(void) {
    for (unsigned code = 0; code < 256; code++) {
        const bool reads = code == 1 || code == 5;
        const bool writes = !reads && code >= 2 && code <= 7;

        CHECK(inner_method_fits((uint8_t)code, 5) == reads);
        CHECK(inner_method_fits((uint8_t)code, 2) == writes);
        CHECK(!inner_method_fits((uint8_t)code, 1));
    }
}

static void test_kept_answers(void) {
    enum { COUNT = 2, ROOM = 4 };
    static struct kept_answer list[COUNT];
    static uint8_t bytes[COUNT * ROOM];
    struct kept_answers kept = {list, bytes, COUNT, ROOM, 0};
    const uint8_t object[] = {8, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8},
                  other[] = {8, 1, 0, 9, 2, 3, 4, 5, 6, 7, 8},
                  third[] = {8, 1, 0, 1, 2, 3, 4, 5, 6, 7, 9};
    size_t len = 0;

    CHECK(kept_find(&kept, object, sizeof object, &len) == NULL);
    kept_put(&kept, object, sizeof object, (const uint8_t *)"abc", 3);
    CHECK(is(kept_find(&kept, object, sizeof object, &len), 3, "abc", 3) && len == 3);
    CHECK(kept_find(&kept, other, sizeof other, &len) == NULL);
    CHECK(kept_find(&kept, object, KEPT_TAG_LEN - 1, &len) == NULL);
    kept_put(&kept, other, KEPT_TAG_LEN - 1, (const uint8_t *)"x", 1); /* has no tag: is not kept */
    kept_put(&kept, other, sizeof other, (const uint8_t *)"too long", 8);
    CHECK(kept_find(&kept, other, sizeof other, &len) == NULL);

    kept_put(&kept, other, sizeof other, (const uint8_t *)"defg", 4);
    CHECK(is(kept_find(&kept, object, sizeof object, &len), 3, "abc", 3));
    kept_put(&kept, third, sizeof third, (const uint8_t *)"h", 1); /* in place of the oldest */
    CHECK(kept_find(&kept, object, sizeof object, &len) == NULL);
    CHECK(is(kept_find(&kept, other, sizeof other, &len), 4, "defg", 4));
}

int main(void) {
    test_aad();
    test_long_options();
    test_request();
    test_bad_requests();
    test_answer();
    test_methods();
    test_kept_answers();
    printf("%u checks, %u failed\n", checks, failures);
    return failures != 0 || checks == 0;
}
