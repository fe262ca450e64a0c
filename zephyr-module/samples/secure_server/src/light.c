/* A light behind a seal: GET /light says "on" or "off", PUT changes it. Handlers as of any CoAP
 * service. */
#include "light.h"

#include <lscoap/coap_service.h>

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

static const uint16_t port = CONFIG_SECURE_SERVER_PORT;
static const char *const light_path[] = {"light", NULL};
static bool is_on;

static void print_peer(const char *what) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t len;

    if (lscoap_session_device_id(lscoap_coap_current_session(), id, sizeof id, &len) == LSCOAP_OK) {
        printk("%s from %.*s\n", what, (int)len, (const char *)id);
    }
}

static int light_get(struct coap_resource *resource, struct coap_packet *request,
                     struct sockaddr *addr, socklen_t addr_len) {
    const char *state = is_on ? "on" : "off";
    uint8_t token[COAP_TOKEN_MAX_LEN], bytes[32];
    const uint8_t token_len = coap_header_get_token(request, token);
    struct coap_packet answer;
    int result =
        coap_packet_init(&answer, bytes, sizeof bytes, COAP_VERSION_1, COAP_TYPE_ACK, token_len,
                         token, COAP_RESPONSE_CODE_CONTENT, coap_header_get_id(request));

    if (result == 0) {
        result = coap_append_option_int(&answer, COAP_OPTION_CONTENT_FORMAT,
                                        COAP_CONTENT_FORMAT_TEXT_PLAIN);
    }
    if (result == 0) {
        result = coap_packet_append_payload_marker(&answer);
    }
    if (result == 0) {
        result = coap_packet_append_payload(&answer, (const uint8_t *)state, strlen(state));
    }
    print_peer("GET /light");
    return result < 0 ? result : lscoap_coap_resource_send(resource, &answer, addr, addr_len, NULL);
}

static int light_put(struct coap_resource *resource, struct coap_packet *request,
                     struct sockaddr *addr, socklen_t addr_len) {
    uint16_t len;
    const uint8_t *wanted = coap_packet_get_payload(request, &len);

    ARG_UNUSED(resource);
    ARG_UNUSED(addr);
    ARG_UNUSED(addr_len);
    if (len == 2 && memcmp(wanted, "on", len) == 0) {
        is_on = true;
    } else if (len == 3 && memcmp(wanted, "off", len) == 0) {
        is_on = false;
    } else {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    print_peer(is_on ? "PUT /light on" : "PUT /light off");
    return COAP_RESPONSE_CODE_CHANGED;
}

COAP_SERVICE_DEFINE(node, NULL, &port, 0);
LSCOAP_COAP_HANDSHAKE_DEFINE(node);
/* cppcheck-suppress unknownMacro ; it does not read the header */
LSCOAP_COAP_RESOURCE_DEFINE(light, node, light_path, .get = light_get, .put = light_put);

int light_serve(void) {
    return coap_service_start(&node);
}
