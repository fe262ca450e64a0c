/* A light: makes a session with the server on the host, joins the server's group in it, and does
 * what the server tells the group. */
#include "group.h"

#include <lscoap/coap_client.h>
#include <lscoap/identity.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

enum { RETRY_MS = 5000, LOOK_MS = 1000 };

static struct lscoap_coap_client client;
static struct lscoap_coap_address server;

static uint64_t now_ms(void) {
    return (uint64_t)k_uptime_get();
}

static int begin(void) {
    static struct lscoap_identity identity;
    lscoap_client_config config;
    int result = lscoap_identity_load(&identity);

    if (result != 0) {
        printk("no identity: %d\n", result);
        return LSCOAP_ERR_KEY;
    }
    if (!lscoap_coap_parse_address(CONFIG_GROUP_LIGHT_SERVER, CONFIG_GROUP_LIGHT_PORT, &server)) {
        return LSCOAP_ERR_ARGUMENT;
    }
    config = lscoap_identity_config(&identity, LSCOAP_SIGNED);
    result = lscoap_coap_client_init(&client, &config, LSCOAP_CARRIER_PAYLOAD);
    lscoap_identity_wipe(&identity);
    return result == LSCOAP_OK ? group_begin(&client, &server) : result;
}

/* Until something has come from the server or the group, or is due. */
static void wait(void) {
    struct zsock_pollfd poll[] = {{.fd = client.sock, .events = ZSOCK_POLLIN},
                                  {.fd = group_socket(), .events = ZSOCK_POLLIN}};
    const uint64_t due = MIN(lscoap_device_deadline(&client.device), group_deadline());
    const uint64_t now = now_ms();

    (void)zsock_poll(poll, ARRAY_SIZE(poll), due <= now ? 0 : (int)MIN(due - now, LOOK_MS));
}

int main(void) {
    int result = begin();

    if (result != LSCOAP_OK) {
        printk("group_light: %s\n", lscoap_coap_client_strerror(result));
        return 0;
    }
    for (;;) {
        result = lscoap_coap_client_connect(&client, &server.any, server.len);
        printk("group_light: %s\n",
               result == LSCOAP_OK ? "Server authenticated" : lscoap_coap_client_strerror(result));
        while (result == LSCOAP_OK) {
            wait();
            result = lscoap_coap_client_run(&client, 1);
            group_run(now_ms());
        }
        k_msleep(RETRY_MS);
    }
}
