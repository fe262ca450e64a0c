#include "check.h"
#include <stdio.h>
#include <string.h>

#define CASE(name) void case_##name(struct check *t);
#include "cases.h"
#undef CASE

const char *const check_names[] = {
#define CASE(name) #name,
#include "cases.h"
#undef CASE
    NULL};

static void (*const functions[])(struct check *t) = {
#define CASE(name) case_##name,
#include "cases.h"
#undef CASE
};

bool check_that(struct check *t, bool passed, const char *file, int line, const char *text) {
    t->checks++;
    if (!passed) {
        t->failures++;
        fprintf(stderr, "%s:%d: %s%s%s: %s\n", file, line, t->name, t->note ? ", " : "",
                t->note ? t->note : "", text);
    }
    return passed;
}

bool check_status(struct check *t, lscoap_status got, lscoap_status expected, const char *file,
                  int line, const char *text) {
    char message[1024];
    snprintf(message, sizeof message, "%s: %d (%s), not %d (%s)", text, (int)got,
             lscoap_status_string(got), (int)expected, lscoap_status_string(expected));
    return check_that(t, got == expected, file, line, message);
}

bool check_bytes(struct check *t, const void *got, const void *expected, size_t len,
                 const char *file, int line, const char *text) {
    char message[256];
    snprintf(message, sizeof message, "%s: %lu bytes are not as expected", text,
             (unsigned long)len);
    return check_that(t, memcmp(got, expected, len) == 0, file, line, message);
}

bool check_filled(struct check *t, const void *got, uint8_t value, size_t len, const char *file,
                  int line, const char *text) {
    char message[256];
    size_t at = 0;
    while (at < len && ((const uint8_t *)got)[at] == value) {
        at++;
    }
    snprintf(message, sizeof message, "%s: byte %lu of %lu is not %02x", text, (unsigned long)at,
             (unsigned long)len, value);
    return check_that(t, at == len, file, line, message);
}

unsigned check_run(const char *name, unsigned *checks) {
    for (size_t i = 0; check_names[i] != NULL; i++) {
        if (strcmp(check_names[i], name) == 0) {
            struct check t = {name, NULL, 0, 0};
            functions[i](&t);
            check_that(&t, t.checks != 0, __FILE__, __LINE__, "the case checks nothing");
            *checks = t.checks;
            return t.failures;
        }
    }
    fprintf(stderr, "no case named %s\n", name);
    return 1;
}
