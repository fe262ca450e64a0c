#include "check.h"
#include "board.h"

/* A case that fails may do so thousands of times: the first ones are shown. */
enum { REPORTS = 4, FAILURES_SHOWN = 10 };

static uint32_t cases, failed_cases, checks, failed_checks;
static uint32_t failed_before; /* this case */
static struct {
    uint32_t count;
    const char *of_what;
} reports[REPORTS];
static size_t reported;

void check_case(const char *name, void (*run)(int32_t profile), int32_t profile) {
    const uint32_t checks_before = checks;
    failed_before = failed_checks;
    reported = 0;
    run(profile);
    const bool passed = checks != checks_before && failed_checks == failed_before;
    cases++;
    failed_cases += passed ? 0 : 1;

    board_print(passed ? "ok    " : "FAIL  ");
    board_print(profile == LSCOAP_SIGNED    ? "signed: "
                : profile == LSCOAP_EXPRESS ? "express: "
                                            : "");
    board_print(name);
    for (size_t i = 0; i < reported; i++) {
        board_print(i == 0 ? ": " : ", ");
        board_print_u32(reports[i].count);
        board_print(" ");
        board_print(reports[i].of_what);
    }
    board_print("\n");
}

void check_report(uint32_t count, const char *of_what) {
    if (CHECK(reported < REPORTS)) {
        reports[reported].count = count;
        reports[reported].of_what = of_what;
        reported++;
    }
}

int check_end(void) {
    board_print_u32(cases);
    board_print(" cases, ");
    board_print_u32(failed_cases);
    board_print(" failed; ");
    board_print_u32(checks);
    board_print(" checks, ");
    board_print_u32(failed_checks);
    board_print(" failed\n");
    return cases == 0 || failed_checks != 0 || failed_cases != 0;
}

uint32_t check_failures(void) {
    return failed_checks;
}

/* Counts a check, and begins the line about one that has failed: gives whether to go on with it. */
static bool begin_failure(bool passed, const char *file, int line, const char *text) {
    checks++;
    if (passed) {
        return false;
    }
    failed_checks++;
    if (failed_checks - failed_before > FAILURES_SHOWN) {
        return false;
    }
    board_print(file);
    board_print(":");
    board_print_u32((uint32_t)line);
    board_print(": ");
    board_print(text);
    return true;
}

bool check_that(bool passed, const char *file, int line, const char *text) {
    if (begin_failure(passed, file, line, text)) {
        board_print("\n");
    }
    return passed;
}

bool check_status(lscoap_status got, lscoap_status expected, const char *file, int line,
                  const char *text) {
    if (begin_failure(got == expected, file, line, text)) {
        board_print(": got '");
        board_print(lscoap_status_string(got));
        board_print("', not '");
        board_print(lscoap_status_string(expected));
        board_print("'\n");
    }
    return got == expected;
}
