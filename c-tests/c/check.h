/* A test framework of one page. A case gets a `struct check *t`, which the macros find by that
 * name, so that cases run in parallel. A failed check is reported and counted; the case goes on. */
#ifndef CHECK_H
#define CHECK_H

#include <lscoap.h>
#include <stdbool.h>

struct check {
    const char *name;
    const char *note; /* what the case is at, for the report; may be null */
    unsigned checks;
    unsigned failures;
};

/* Each gives whether the check passed. */
bool check_that(struct check *t, bool passed, const char *file, int line, const char *text);
bool check_status(struct check *t, lscoap_status got, lscoap_status expected, const char *file,
                  int line, const char *text);
bool check_bytes(struct check *t, const void *got, const void *expected, size_t len,
                 const char *file, int line, const char *text);
bool check_filled(struct check *t, const void *got, uint8_t value, size_t len, const char *file,
                  int line, const char *text);

#define CHECK(condition) check_that(t, (condition), __FILE__, __LINE__, #condition)
#define CHECK_STATUS(call, expected) check_status(t, (call), (expected), __FILE__, __LINE__, #call)
#define CHECK_BYTES(got, expected, len)                                                            \
    check_bytes(t, (got), (expected), (len), __FILE__, __LINE__, #got)
#define CHECK_FILLED(got, value, len)                                                              \
    check_filled(t, (got), (value), (len), __FILE__, __LINE__, #got)

/* Runs the case of this name: the number of failures; a case that checks nothing has failed. */
unsigned check_run(const char *name, unsigned *checks);
/* The names of all cases, ended by a null pointer. */
extern const char *const check_names[];

#endif
