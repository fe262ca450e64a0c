/* Runs the cases named on the command line, or all of them. */
#include "check.h"
#include <stdio.h>

int main(int argc, char **argv) {
    unsigned cases = 0, checks = 0, failures = 0;
    const char *const *names = argc > 1 ? (const char *const *)argv + 1 : check_names;
    for (; *names != NULL; names++) {
        unsigned done = 0;
        failures += check_run(*names, &done);
        checks += done;
        cases++;
    }
    printf("%u cases, %u checks, %u failures\n", cases, checks, failures);
    return failures == 0 ? 0 : 1;
}
