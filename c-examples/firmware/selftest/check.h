/* A test framework of one page. A case is a function; its failed checks are printed, and it goes
 * on. */
#ifndef CHECK_H
#define CHECK_H

#include <lscoap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs a case for a profile and prints a line about it. A case that checks nothing has failed. */
void check_case(const char *name, void (*run)(int32_t profile), int32_t profile);
/* Adds to the case's line a count of something. */
void check_report(uint32_t count, const char *of_what);
/* How many checks have failed. */
uint32_t check_failures(void);
/* Prints the totals, and gives the program's exit status. */
int check_end(void);

/* Each gives whether the check passed. */
bool check_that(bool passed, const char *file, int line, const char *text);
bool check_status(lscoap_status got, lscoap_status expected, const char *file, int line,
                  const char *text);

#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
#define CHECK_STATUS(call, expected) check_status((call), (expected), __FILE__, __LINE__, #call)

#endif
