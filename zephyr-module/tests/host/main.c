/* The glue's logic that needs no kernel, on this machine. Prints the checks that fail; the exit
 * status is 0 if none did. */
#include "kept_answers.h"

#include <stdbool.h>
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

static void test_kept_answers(void) {
    enum { COUNT = 2, ROOM = 4 };
    static struct kept_answer list[COUNT];
    static uint8_t bytes[COUNT * ROOM];
    struct kept_answers kept = {list, bytes, COUNT, ROOM, 0};
    static const uint8_t tag[KEPT_TAG_LEN] = {1, 2}, other[KEPT_TAG_LEN] = {1, 3},
                         third[KEPT_TAG_LEN] = {2, 2};
    size_t len = 0;

    CHECK(kept_find(&kept, tag, &len) == NULL);
    kept_put(&kept, tag, (const uint8_t *)"abc", 3);
    CHECK(is(kept_find(&kept, tag, &len), 3, "abc", 3) && len == 3);
    CHECK(kept_find(&kept, other, &len) == NULL);
    kept_put(&kept, other, (const uint8_t *)"too long", 8);
    CHECK(kept_find(&kept, other, &len) == NULL);

    kept_put(&kept, other, (const uint8_t *)"defg", 4);
    CHECK(is(kept_find(&kept, tag, &len), 3, "abc", 3));
    kept_put(&kept, third, (const uint8_t *)"h", 1); /* in place of the oldest */
    CHECK(kept_find(&kept, tag, &len) == NULL);
    CHECK(is(kept_find(&kept, other, &len), 4, "defg", 4));
}

int main(void) {
    test_kept_answers();
    printf("%u checks, %u failed\n", checks, failures);
    return failures != 0 || checks == 0;
}
