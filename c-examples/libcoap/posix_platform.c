#define _DEFAULT_SOURCE /* madvise() */

#include "posix_platform.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>

static int fill_random(void *context, uint8_t *out, size_t len) {
    (void)context;
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);

        if (got < 0 && errno != EINTR) {
            return -1;
        }
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        }
    }
    return 0;
}

static uint64_t nanoseconds(void *context) {
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

lscoap_platform posix_platform(void) {
    const lscoap_platform platform = {
        .context = NULL, .random = fill_random, .unique = nanoseconds};

    return platform;
}

/* A server asks twice for each request: Linux has a clock for that, which is right to some
 * milliseconds. */
#ifndef CLOCK_MONOTONIC_COARSE
#define CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC
#endif

uint64_t posix_platform_now_ms(void *context) {
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void posix_platform_no_core(void) {
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
}

void posix_platform_hide_memory(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512]; /* a longer one gives a second line, which is none of a mapping */

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long begin;
        unsigned long end;
        char flags[5];

        if (sscanf(line, "%lx-%lx %4s", &begin, &end, flags) == 3 && flags[1] == 'w') {
            (void)madvise((void *)begin, end - begin, MADV_DONTDUMP);
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
}

void posix_platform_wipe(void *bytes, size_t len) {
    volatile uint8_t *at = bytes;

    while (len-- > 0) {
        *at++ = 0;
    }
}
