/* What lscoap asks of a platform, on a POSIX system with getrandom(). */
#ifndef LSCOAP_EXAMPLES_POSIX_PLATFORM_H
#define LSCOAP_EXAMPLES_POSIX_PLATFORM_H

#include <lscoap.h>

/* The kernel's random source and, as the value that never repeats, the time in nanoseconds. */
lscoap_platform posix_platform(void);

/* Monotonic, in milliseconds. */
uint64_t posix_platform_now_ms(void *context);

/* Lets the process leave no core file, which would hold its keys. */
void posix_platform_no_core(void);

/* Takes all memory that it has by now out of dumps that are made in spite of that (by a handler in
 * /proc/sys/kernel/core_pattern, which no limit keeps from it). To be called when the keys are in
 * their places. */
void posix_platform_hide_memory(void);

/* Overwrites secrets, in a way that the compiler does not leave out. */
void posix_platform_wipe(void *bytes, size_t len);

#endif
