/* A device: makes a session with the server on the host, gets /index and posts a reading, under
 * seal. */
#include <lscoap/coap_client.h>
#include <lscoap/identity.h>

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/coap.h>
#include <zephyr/sys/printk.h>

#if defined(CONFIG_SECURE_GET_EXPRESS)
#define PROFILE LSCOAP_EXPRESS
#else
#define PROFILE LSCOAP_SIGNED
#endif

#if defined(CONFIG_SECURE_GET_OSCORE)
#define CARRIER LSCOAP_CARRIER_OSCORE
#else
#define CARRIER LSCOAP_CARRIER_PAYLOAD
#endif

static struct lscoap_coap_client client;

static int begin(void) {
    static struct lscoap_identity identity;
    lscoap_client_config config;
    int result = lscoap_identity_load(&identity);

    if (result != 0) {
        printk("no identity: %d\n", result);
        return LSCOAP_ERR_KEY;
    }
    config = lscoap_identity_config(&identity, PROFILE);
    result = lscoap_coap_client_init(&client, &config, CARRIER);
    lscoap_identity_wipe(&identity);
    return result;
}

static int connect_to_server(void) {
    struct lscoap_coap_address server;
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];
    uint32_t began = k_uptime_get_32();
    int result;

    if (!lscoap_coap_parse_address(CONFIG_SECURE_GET_SERVER, CONFIG_SECURE_GET_PORT, &server)) {
        return LSCOAP_ERR_ARGUMENT;
    }
    result = lscoap_coap_client_connect(&client, &server.any, server.len);
    if (result == LSCOAP_OK) {
        result = lscoap_session_fingerprint(lscoap_coap_client_session(&client), fingerprint);
    }
    if (result == LSCOAP_OK) {
        printk("Server authenticated after %u ms! Session fingerprint ", k_uptime_get_32() - began);
        for (size_t i = 0; i < sizeof fingerprint; i++) {
            printk("%02x", fingerprint[i]);
        }
        printk("\n");
    }
    return result;
}

static unsigned notifications;

/* An answer on its way to the console. */
static int print_piece(void *context, const lscoap_piece *piece) {
    const char *what = context;
    char text[LSCOAP_COAP_PRINTABLE_MAX];

    if (piece->status != LSCOAP_OK) {
        printk("%s: %s\n", what, lscoap_status_string(piece->status));
        return 0;
    }
    notifications += piece->notification && !piece->more;
    if (piece->offset == 0) {
        printk("%s%s: %u.%02u\n", piece->notification ? "notification, " : "", what,
               piece->code >> 5, piece->code & 0x1F);
    }
    for (size_t i = 0; i < piece->payload_len; i++) {
        lscoap_coap_printable(piece->payload[i], text);
        printk("%s", text);
    }
    printk("%s", !piece->more && piece->payload_len > 0 ? "\n" : "");
    return 0;
}

/* The resource as it is now, and as it becomes. */
static int observe(void) {
    static const lscoap_request request = {.code = COAP_METHOD_GET,
                                           .flags = LSCOAP_OBSERVE,
                                           .path = "/index",
                                           .take = print_piece,
                                           .context = (void *)"GET /index"};
    int result = lscoap_coap_client_request(&client, &request);

    while (result == LSCOAP_OK && notifications < CONFIG_SECURE_GET_NOTIFICATIONS) {
        result = lscoap_coap_client_run(&client, 1000);
    }
    return result == LSCOAP_OK ? lscoap_coap_client_cancel(&client, &request) : result;
}

static int run(void) {
    static const char reading[] = "21.5";
    static const lscoap_request get = {.code = COAP_METHOD_GET,
                                       .path = "/index",
                                       .take = print_piece,
                                       .context = (void *)"GET /index"};
    static const lscoap_request post = {.code = COAP_METHOD_POST,
                                        .path = "/index",
                                        .content_format = COAP_CONTENT_FORMAT_APP_JSON + 1,
                                        .payload = (const uint8_t *)reading,
                                        .payload_len = sizeof reading - 1,
                                        .take = print_piece,
                                        .context = (void *)"POST /index"};
    int result = begin();

    if (result == LSCOAP_OK) {
        result = connect_to_server();
    }
    if (result == LSCOAP_OK) {
        result = lscoap_coap_client_request(&client, &get);
    }
    if (result == LSCOAP_OK) {
        result = lscoap_coap_client_request(&client, &post);
    }
    if (result == LSCOAP_OK && CONFIG_SECURE_GET_NOTIFICATIONS > 0) {
        result = observe();
    }
    return result;
}

int main(void) {
    int result = run();
    size_t unused;

    lscoap_coap_client_close(&client);
    if (k_thread_stack_space_get(k_current_get(), &unused) == 0) {
        printk("stack: main used %zu of %d bytes\n", CONFIG_MAIN_STACK_SIZE - unused,
               CONFIG_MAIN_STACK_SIZE);
    }
    printk("secure_get: %s\n", result == LSCOAP_OK ? "done" : lscoap_coap_client_strerror(result));
    return 0;
}
