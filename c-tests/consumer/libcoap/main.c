/* A consumer of the adapter: a client for a server's key, which is printed as its enrolment string.
 */
#include <lscoap_libcoap.h>
#include <stdio.h>
#include <string.h>

static int no_random(void *context, uint8_t *out, size_t len) {
    (void)context;
    memset(out, 1, len);
    return 0;
}

int main(void) {
    static const uint8_t secret[LSCOAP_SECRET_KEY_LEN] = {1};
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    lscoap_libcoap_client_config config = {.platform = {.random = no_random},
                                           .client = {.device_id = (const uint8_t *)"a",
                                                      .device_id_len = 1,
                                                      .identity = secret,
                                                      .server_key = key,
                                                      .profile = LSCOAP_SIGNED}};
    char text[LSCOAP_SERVER_STRING_MAX];
    size_t len;
    lscoap_libcoap_client *client;

    coap_startup();
    if (lscoap_public_key(secret, key) != LSCOAP_OK ||
        lscoap_format_server(key, text, sizeof text, &len) != LSCOAP_OK) {
        return 1;
    }
    client = lscoap_libcoap_client_new(&config, NULL);
    if (client == NULL) {
        return 1;
    }
    puts(text);
    lscoap_libcoap_client_free(client);
    coap_cleanup();
    return 0;
}
