/* What a test asks of the stand-in for Zephyr's OSCORE. */
#ifndef STANDIN_OSCORE_H
#define STANDIN_OSCORE_H

#include <stddef.h>
#include <stdint.h>
#include <zephyr/net/coap_oscore.h>

extern struct standin_oscore {
    unsigned contexts;                        /* how many there are */
    const struct coap_oscore_context *in_use; /* an exchange has it: it cannot be removed */
    unsigned full;                            /* not 0: none can be added */
} standin_oscore;

/* The context in which this request opens; null if it does not. */
struct coap_oscore_context *standin_oscore_open(const uint8_t *bytes, size_t len);

#endif
