/* A server: the host's secure_client gets and puts /light, under seal. */
#include "directory.h"
#include "light.h"

#include <lscoap/coap_service.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

/* What devices have to know. */
static void print_server_string(const lscoap_server_config *config) {
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    char text[LSCOAP_SERVER_STRING_MAX];
    size_t len;

    if (lscoap_public_key(config->identity, key) == LSCOAP_OK &&
        lscoap_format_server(key, text, sizeof text, &len) == LSCOAP_OK) {
        printk("%s\n", text);
    }
}

int main(void) {
    const lscoap_server_config config = directory_config();
    const lscoap_status status = lscoap_coap_service_init(&config);
    int result;

    if (status != LSCOAP_OK) {
        printk("secure_server: %s\n", lscoap_status_string(status));
        return 0;
    }
    print_server_string(&config);
    result = light_serve();
    if (result != 0) {
        printk("secure_server: no CoAP service: %d\n", result);
        return 0;
    }
    printk("secure_server: serving /light on port %d\n", CONFIG_SECURE_SERVER_PORT);
    return 0;
}
