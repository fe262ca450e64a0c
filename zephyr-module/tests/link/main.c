/* A node of the module's glue and the library, linked without Zephyr. Where both roles are there,
 * they talk to each other. The exit status is 0 if nothing failed. */
#include "scenarios.h"

#include <lscoap/identity.h>
#include <lscoap/platform.h>

#include <stdio.h>
#include <zephyr/kernel.h>

int standin_init_start(void);

int main(void) {
    uint8_t random[4];
    const lscoap_platform *platform = lscoap_platform_zephyr();
    unsigned failures = standin_init_start() != 0;

    failures += platform->random(platform->context, random, sizeof random) != 0;
#if defined(CONFIG_LSCOAP_COAP_CLIENT) && defined(CONFIG_LSCOAP_COAP_SERVICE) &&                   \
    defined(CONFIG_LSCOAP_IDENTITY_TEST)
    failures += scenarios();
#endif
    printf("%u failed\n", failures);
    return failures != 0;
}
