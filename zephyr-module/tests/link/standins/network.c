#include "network.h"

#include <zephyr/net/coap_service.h>
#include <zephyr/random/random.h>

#include <errno.h>
#include <lscoap.h>
#include <string.h>

enum { DATAGRAM_MAX = 1152, M1 = 0x11, M3 = 0x13, X1 = 0x15, R1 = 0x17, URI_PATH = 11 };

struct standin_network standin_network;

static uint8_t inbox[DATAGRAM_MAX]; /* of the client: one datagram */
static size_t inbox_len;
static int64_t now_ms;

/* ---- time and randomness */

int k_mutex_lock(struct k_mutex *mutex, k_timeout_t timeout) {
    ARG_UNUSED(timeout);
    mutex->depth++;
    return 0;
}

int k_mutex_unlock(struct k_mutex *mutex) {
    mutex->depth--;
    return 0;
}

int64_t k_uptime_get(void) {
    return now_ms;
}

uint32_t k_uptime_get_32(void) {
    return (uint32_t)now_ms;
}

int32_t k_msleep(int32_t ms) {
    now_ms += ms;
    return 0;
}

void sys_rand_get(void *out, size_t len) {
    static uint32_t state = 1;
    uint8_t *bytes = out;

    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
}

int sys_csrand_get(void *out, size_t len) {
    sys_rand_get(out, len);
    return standin_network.no_random ? -EIO : 0;
}

/* ---- the service's side */

static bool is_for(const struct coap_resource *resource, const struct coap_packet *request) {
    struct standin_option option = {.next = standin_options(request)};
    const char *const *segment = resource->path;

    while (standin_next_option(request, &option)) {
        if (option.number == URI_PATH) {
            if (*segment == NULL || strlen(*segment) != option.len ||
                memcmp(*segment, option.value, option.len) != 0) {
                return false;
            }
            segment++;
        }
    }
    return *segment == NULL;
}

static void reply(const struct coap_packet *request, uint8_t code, const uint8_t *payload,
                  uint16_t len) {
    uint8_t token[COAP_TOKEN_MAX_LEN], bytes[64];
    const uint8_t token_len = coap_header_get_token(request, token);
    struct coap_packet answer;

    (void)coap_packet_init(&answer, bytes, sizeof bytes, COAP_VERSION_1, COAP_TYPE_ACK, token_len,
                           token, code, coap_header_get_id(request));
    if (len > 0) {
        (void)coap_append_option_int(&answer, COAP_OPTION_CONTENT_FORMAT,
                                     LSCOAP_CONTENT_FORMAT_HANDSHAKE);
        (void)coap_packet_append_payload_marker(&answer);
        (void)coap_packet_append_payload(&answer, payload, len);
    }
    (void)coap_resource_send(NULL, &answer, NULL, 0, NULL);
}

int coap_resource_send(const struct coap_resource *resource, const struct coap_packet *response,
                       const struct sockaddr *addr, socklen_t addr_len,
                       const struct coap_transmission_parameters *params) {
    ARG_UNUSED(resource);
    ARG_UNUSED(addr);
    ARG_UNUSED(addr_len);
    ARG_UNUSED(params);
    memcpy(inbox, response->data, response->offset);
    inbox_len = response->offset;
    standin_network.answers++;
    standin_network.last_code = coap_header_get_code(response);
    return 0;
}

/* As Zephyr's CoAP server does it. */
static void serve(struct coap_packet *request) {
    struct sockaddr addr = {.sa_family = AF_INET};

    for (struct coap_resource *const *it = standin_network.resources; *it != NULL; it++) {
        if (is_for(*it, request)) {
            const uint8_t code = coap_header_get_code(request);
            const coap_method_t method = code == COAP_METHOD_POST    ? (*it)->post
                                         : code == COAP_METHOD_FETCH ? (*it)->fetch
                                                                     : NULL;
            const int result = method == NULL ? COAP_RESPONSE_CODE_NOT_ALLOWED
                                              : method(*it, request, &addr, sizeof addr);

            if (result > 0) {
                reply(request, (uint8_t)result, NULL, 0);
            }
            return;
        }
    }
    reply(request, COAP_RESPONSE_CODE_NOT_FOUND, NULL, 0);
}

/* Whether an answer to this is to be replaced by an alert. */
static bool forges(const struct coap_packet *request) {
    uint16_t len;
    const uint8_t *payload = coap_packet_get_payload(request, &len);
    const int format = coap_get_option_int(request, COAP_OPTION_CONTENT_FORMAT);
    unsigned *count = format == LSCOAP_CONTENT_FORMAT_SEALED ? &standin_network.forge
                      : payload != NULL && payload[0] == M3  ? &standin_network.forge_m3
                                                             : NULL;

    if (format == LSCOAP_CONTENT_FORMAT_SEALED) {
        standin_network.records++;
    } else if (payload != NULL) {
        standin_network.first_messages += payload[0] == M1 || payload[0] == X1;
        standin_network.resumptions += payload[0] == R1;
    }
    if (count == NULL || *count == 0) {
        return false;
    }
    (*count)--;
    return true;
}

void standin_deliver(const uint8_t *bytes, size_t len) {
    static uint8_t copy[DATAGRAM_MAX];
    struct coap_packet request;
    bool forged;

    if (len > sizeof copy) {
        return;
    }
    memcpy(copy, bytes, len);
    if (coap_packet_parse(&request, copy, (uint16_t)len, NULL, 0) < 0) {
        return;
    }
    forged = forges(&request);
    if (standin_network.lose > 0) {
        standin_network.lose--;
    } else if (standin_network.resources != NULL) {
        serve(&request);
    }
    if (forged) {
        const uint8_t alert[] = {0x1F, standin_network.alert};

        reply(&request, COAP_RESPONSE_CODE_BAD_REQUEST, alert, sizeof alert);
    }
}

/* ---- the client's side */

int zsock_socket(int family, int type, int protocol) {
    standin_network.family = family;
    return type == SOCK_DGRAM && protocol == IPPROTO_UDP ? 3 : -1;
}

int zsock_close(int sock) {
    ARG_UNUSED(sock);
    return 0;
}

int zsock_connect(int sock, const struct sockaddr *addr, socklen_t len) {
    ARG_UNUSED(sock);
    ARG_UNUSED(addr);
    ARG_UNUSED(len);
    return 0;
}

ssize_t zsock_send(int sock, const void *bytes, size_t len, int flags) {
    ARG_UNUSED(sock);
    ARG_UNUSED(flags);
    standin_deliver(bytes, len);
    return (ssize_t)len;
}

ssize_t zsock_recv(int sock, void *bytes, size_t room, int flags) {
    const size_t len = MIN(inbox_len, room);

    ARG_UNUSED(sock);
    ARG_UNUSED(flags);
    if (inbox_len == 0) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(bytes, inbox, len);
    inbox_len = 0;
    return (ssize_t)len;
}

int zsock_poll(struct zsock_pollfd *fds, int count, int timeout_ms) {
    ARG_UNUSED(fds);
    ARG_UNUSED(count);
    if (inbox_len > 0) {
        return 1;
    }
    (void)k_msleep(timeout_ms);
    return 0;
}

int zsock_inet_pton(sa_family_t family, const char *text, void *out) {
    memset(out, 0, family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr));
    return strchr(text, family == AF_INET ? '.' : ':') != NULL;
}
