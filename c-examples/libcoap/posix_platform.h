/* What lscoap asks of a platform, on a POSIX system with getrandom(). */
#ifndef LSCOAP_EXAMPLES_POSIX_PLATFORM_H
#define LSCOAP_EXAMPLES_POSIX_PLATFORM_H

#include <lscoap.h>

/* The kernel's random source and, as the value that never repeats, the time in nanoseconds. */
lscoap_platform posix_platform(void);

/* Monotonic, in milliseconds. */
uint64_t posix_platform_now_ms(void *context);

/* Overwrites secrets, in a way that the compiler does not leave out. */
void posix_platform_wipe(void *bytes, size_t len);

#endif
