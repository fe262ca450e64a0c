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
    result = lscoap_coap_client_init(&client, &config);
    lscoap_identity_wipe(&identity);
    return result;
}

static int connect_to_server(void) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(CONFIG_SECURE_GET_PORT)};
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];
    uint32_t began = k_uptime_get_32();
    int result;

    if (zsock_inet_pton(AF_INET, CONFIG_SECURE_GET_SERVER, &server.sin_addr) != 1) {
        return LSCOAP_ERR_ARGUMENT;
    }
    result = lscoap_coap_client_connect(&client, (struct sockaddr *)&server, sizeof server);
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

static int request(const char *name, const struct lscoap_coap_request *request) {
    struct lscoap_coap_answer answer;
    int result = lscoap_coap_client_request(&client, request, &answer);

    if (result == LSCOAP_OK) {
        printk("%s %s: %u.%02u\n", name, request->path, answer.code >> 5, answer.code & 0x1F);
        for (size_t i = 0; i < answer.payload_len; i++) {
            char text[LSCOAP_COAP_PRINTABLE_MAX];

            lscoap_coap_printable(answer.payload[i], text);
            printk("%s", text);
        }
        printk("%s", answer.payload_len > 0 ? "\n" : "");
    }
    return result;
}

static int run(void) {
    static const char reading[] = "21.5";
    const struct lscoap_coap_request get = {
        .method = COAP_METHOD_GET, .path = "/index", .content_format = -1};
    const struct lscoap_coap_request post = {.method = COAP_METHOD_POST,
                                             .path = "/index",
                                             .content_format = COAP_CONTENT_FORMAT_APP_JSON,
                                             .payload = (const uint8_t *)reading,
                                             .payload_len = sizeof reading - 1};
    int result = begin();

    if (result == LSCOAP_OK) {
        result = connect_to_server();
    }
    if (result == LSCOAP_OK) {
        result = request("GET", &get);
    }
    if (result == LSCOAP_OK) {
        result = request("POST", &post);
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
