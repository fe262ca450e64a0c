#include "directory.h"

#include "site.h"

#include <string.h>
#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

/* The enrolment strings are read at each look-up: there are few of them, and handshakes are rare.
 */
static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    uint8_t known[LSCOAP_DEVICE_ID_MAX];
    size_t known_len;

    (void)context;
    for (size_t i = 0; i < ARRAY_SIZE(site_devices); i++) {
        if (lscoap_parse_device(site_devices[i], strlen(site_devices[i]), known, &known_len,
                                public_key, NULL) == LSCOAP_OK &&
            known_len == id_len && memcmp(known, id, id_len) == 0) {
            return 0;
        }
    }
    return -1;
}

lscoap_server_config directory_config(void) {
    if (SITE_IS_TEST) {
        printk("INSECURE: everybody knows this server's key (SECURE_SERVER_KEY_FILE is not set)\n");
    }
    return (lscoap_server_config){.identity = site_secret, .find_device = find_device};
}
