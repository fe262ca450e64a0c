#include "service.h"

#include "identity.h"

#include <lscoap/coap_service.h>

#include <string.h>
#include <zephyr/ztest.h>

static const uint16_t port = SERVICE_PORT;
static const char *const light_path[] = {"room", "light", NULL};
static const char *const long_path[] = {"long", NULL};
static const char *const leak_path[] = {"leak", NULL};
static uint8_t state[16];
static size_t state_len;
static uint32_t changes;
static int plain_send_result;

static int send_payload(struct coap_resource *resource, const struct coap_packet *request,
                        const uint8_t *payload, size_t len, struct sockaddr *addr,
                        socklen_t addr_len,
                        int (*send)(const struct coap_resource *, const struct coap_packet *,
                                    const struct sockaddr *, socklen_t,
                                    const struct coap_transmission_parameters *)) {
    uint8_t bytes[64];
    struct coap_packet answer;

    zassert_ok(coap_ack_init(&answer, request, bytes, sizeof bytes, COAP_RESPONSE_CODE_CONTENT));
    zassert_ok(coap_packet_append_payload_marker(&answer));
    zassert_ok(coap_packet_append_payload(&answer, payload, (uint16_t)len));
    return send(resource, &answer, addr, addr_len, NULL);
}

static int light_get(struct coap_resource *resource, struct coap_packet *request,
                     struct sockaddr *addr, socklen_t addr_len) {
    int result = send_payload(resource, request, state, state_len, addr, addr_len,
                              lscoap_coap_resource_send);

    /* One answer, no second. */
    zassert_equal(send_payload(resource, request, state, state_len, addr, addr_len,
                               lscoap_coap_resource_send),
                  -EALREADY);
    return result;
}

static int light_put(struct coap_resource *resource, struct coap_packet *request,
                     struct sockaddr *addr, socklen_t addr_len) {
    uint16_t len;
    const uint8_t *payload = coap_packet_get_payload(request, &len);

    ARG_UNUSED(resource);
    ARG_UNUSED(addr);
    ARG_UNUSED(addr_len);
    if (payload == NULL || len > sizeof state) {
        return -ENOTSUP;
    }
    memcpy(state, payload, len);
    state_len = len;
    changes++;
    return COAP_RESPONSE_CODE_CHANGED;
}

static int long_get(struct coap_resource *resource, struct coap_packet *request,
                    struct sockaddr *addr, socklen_t addr_len) {
    static uint8_t bytes[SERVICE_LONG_LEN + 64], payload[SERVICE_LONG_LEN];
    struct coap_packet answer;

    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)i;
    }
    zassert_ok(coap_ack_init(&answer, request, bytes, sizeof bytes, COAP_RESPONSE_CODE_CONTENT));
    zassert_ok(coap_append_option_int(&answer, COAP_OPTION_CONTENT_FORMAT,
                                      COAP_CONTENT_FORMAT_APP_OCTET_STREAM));
    zassert_ok(coap_packet_append_payload_marker(&answer));
    zassert_ok(coap_packet_append_payload(&answer, payload, sizeof payload));
    return lscoap_coap_resource_send(resource, &answer, addr, addr_len, NULL);
}

/* A handler that forgets to seal: nothing goes out. */
static int leak_get(struct coap_resource *resource, struct coap_packet *request,
                    struct sockaddr *addr, socklen_t addr_len) {
    plain_send_result = send_payload(resource, request, (const uint8_t *)"secret", 6, addr,
                                     addr_len, coap_resource_send);
    return -EPERM;
}

COAP_SERVICE_DEFINE(node, NULL, &port, 0);
LSCOAP_COAP_HANDSHAKE_DEFINE(node);
/* cppcheck-suppress unknownMacro ; it does not read the header */
LSCOAP_COAP_RESOURCE_DEFINE(light, node, light_path, .get = light_get, .put = light_put);
LSCOAP_COAP_RESOURCE_DEFINE(longer, node, long_path, .get = long_get);
LSCOAP_COAP_RESOURCE_DEFINE(leak, node, leak_path, .get = leak_get);

static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    ARG_UNUSED(context);
    if (id_len != strlen(DEVICE_ID) || memcmp(id, DEVICE_ID, id_len) != 0) {
        return -1;
    }
    memcpy(public_key, identity.device_key, sizeof identity.device_key);
    return 0;
}

void service_start(void) {
    const lscoap_server_config config = {.identity = identity.server_secret,
                                         .find_device = find_device};

    zassert_equal(lscoap_coap_service_init(&config), LSCOAP_OK);
    zassert_ok(coap_service_start(&node));
}

uint32_t service_puts(void) {
    return changes;
}

int service_plain_send_result(void) {
    return plain_send_result;
}
