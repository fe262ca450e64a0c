#include <lscoap/coap_service.h>
#include <lscoap/platform.h>

#include "inner_message.h"
#include "kept_answers.h"

#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/net_ip.h>

LOG_MODULE_DECLARE(lscoap, CONFIG_LSCOAP_LOG_LEVEL);

#define MESSAGE_MAX CONFIG_LSCOAP_COAP_SERVICE_MESSAGE_MAX
#define ANSWERS CONFIG_LSCOAP_COAP_SERVICE_ANSWERS

enum { INNER_OPTIONS_MAX = 16, BUSY_MAX_AGE_S = 5 };

BUILD_ASSERT(CONFIG_COAP_SERVER_STACK_SIZE >= CONFIG_LSCOAP_STACK_SIZE,
             "set CONFIG_COAP_SERVER_STACK_SIZE to at least CONFIG_LSCOAP_STACK_SIZE");
BUILD_ASSERT(CONFIG_COAP_SERVER_MESSAGE_SIZE >= LSCOAP_MESSAGE_MAX + 40,
             "set CONFIG_COAP_SERVER_MESSAGE_SIZE to what the longest handshake message needs");

const char *const lscoap_coap_handshake_path[] = {".well-known", "lscoap", NULL};

/* One server. Handlers run in the CoAP server's thread only; the lock is for calls from others. */
static K_MUTEX_DEFINE(lock);
static lscoap_server server;
static lscoap_slot slots[CONFIG_LSCOAP_SLOTS];
static bool ready;

static struct kept_answer kept_list[ANSWERS];
static uint8_t kept_bytes[ANSWERS][MESSAGE_MAX];
static struct kept_answers kept = {kept_list, kept_bytes[0], ANSWERS, MESSAGE_MAX, 0};

/* A sealed request and where its answer goes. */
struct exchange {
    struct coap_resource *resource; /* the outer one */
    const struct coap_packet *outer;
    const struct sockaddr *addr;
    socklen_t addr_len;
    const uint8_t *object;
    size_t object_len;
    lscoap_session *session;
    lscoap_exchange exchange;
    bool answered;
};
static struct exchange *current;

/* Plaintext in, plaintext out; and a message, inner or outer. */
static uint8_t plain[MESSAGE_MAX];
static uint8_t message[MESSAGE_MAX];

lscoap_status lscoap_coap_service_init(const lscoap_server_config *config) {
    lscoap_status status;

    (void)k_mutex_lock(&lock, K_FOREVER);
    status =
        lscoap_server_init(&server, lscoap_platform_zephyr(), config, slots, ARRAY_SIZE(slots));
    ready = status == LSCOAP_OK;
    (void)k_mutex_unlock(&lock);
    return status;
}

lscoap_status lscoap_coap_forget(const uint8_t *device_id, size_t len) {
    lscoap_status status;

    (void)k_mutex_lock(&lock, K_FOREVER);
    status = lscoap_server_forget(&server, device_id, len);
    (void)k_mutex_unlock(&lock);
    return status;
}

const lscoap_session *lscoap_coap_current_session(void) {
    return current == NULL ? NULL : current->session;
}

/* ---- outer answers */

static int begin_answer(struct coap_packet *answer, const struct coap_packet *request,
                        uint8_t code) {
    uint8_t token[COAP_TOKEN_MAX_LEN];
    const uint8_t token_len = coap_header_get_token(request, token);
    const bool confirmable = coap_header_get_type(request) == COAP_TYPE_CON;

    return coap_packet_init(answer, message, sizeof message, COAP_VERSION_1,
                            confirmable ? COAP_TYPE_ACK : COAP_TYPE_NON_CON, token_len, token, code,
                            confirmable ? coap_header_get_id(request) : coap_next_id());
}

/* An answer of this content format, or without payload if that is empty. */
static int make_answer(struct coap_packet *answer, const struct coap_packet *request, uint8_t code,
                       uint16_t format, const uint8_t *payload, size_t len) {
    int result = begin_answer(answer, request, code);

    if (result < 0 || len == 0) {
        return result;
    }
    result = coap_append_option_int(answer, COAP_OPTION_CONTENT_FORMAT, format);
    if (result == 0 && code == COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE) {
        result = coap_append_option_int(answer, COAP_OPTION_MAX_AGE, BUSY_MAX_AGE_S);
    }
    if (result == 0) {
        result = coap_packet_append_payload_marker(answer);
    }
    return result == 0 ? coap_packet_append_payload(answer, payload, len) : result;
}

static int answer_in_clear(struct coap_resource *resource, const struct coap_packet *request,
                           const struct sockaddr *addr, socklen_t addr_len, uint8_t code,
                           const uint8_t *payload, size_t len) {
    struct coap_packet answer;
    int result = make_answer(&answer, request, code, LSCOAP_CONTENT_FORMAT_HANDSHAKE, payload, len);

    return result < 0 ? result : coap_resource_send(resource, &answer, addr, addr_len, NULL);
}

static bool has_format(const struct coap_packet *request, int format) {
    return coap_get_option_int(request, COAP_OPTION_CONTENT_FORMAT) == format;
}

/* ---- handshakes */

enum { PEER_MAX = sizeof(struct in6_addr) + sizeof(uint16_t) };

/* Address and port. */
static size_t peer_of(const struct sockaddr *addr, uint8_t out[PEER_MAX]) {
    if (addr->sa_family == AF_INET) {
        memcpy(out, &net_sin(addr)->sin_addr, sizeof(struct in_addr));
        memcpy(out + sizeof(struct in_addr), &net_sin(addr)->sin_port, sizeof(uint16_t));
        return sizeof(struct in_addr) + sizeof(uint16_t);
    }
    memcpy(out, &net_sin6(addr)->sin6_addr, sizeof(struct in6_addr));
    memcpy(out + sizeof(struct in6_addr), &net_sin6(addr)->sin6_port, sizeof(uint16_t));
    return sizeof(struct in6_addr) + sizeof(uint16_t);
}

static bool is_on_link(struct in6_addr *ip) {
#if defined(CONFIG_NET_NATIVE_IPV6)
    return net_if_ipv6_addr_onlink(NULL, ip);
#else
    ARG_UNUSED(ip);
    return false;
#endif
}

/* Whom the sender shares room with (protocol section 10): an IPv4 address (mapped ones too), an
 * IPv6 /64, or the address itself where it is link-local, unique-local or on-link. */
static size_t source_of(const struct sockaddr *addr, uint8_t out[sizeof(struct in6_addr)]) {
    struct in6_addr ip;

    if (addr->sa_family == AF_INET) {
        memcpy(out, &net_sin(addr)->sin_addr, sizeof(struct in_addr));
        return sizeof(struct in_addr);
    }
    ip = net_sin6(addr)->sin6_addr;
    if (net_ipv6_addr_is_v4_mapped(&ip)) {
        memcpy(out, ip.s6_addr + sizeof ip - sizeof(struct in_addr), sizeof(struct in_addr));
        return sizeof(struct in_addr);
    }
    memcpy(out, &ip, sizeof ip);
    if (net_ipv6_is_ll_addr(&ip) || net_ipv6_is_ula_addr(&ip) || is_on_link(&ip)) {
        return sizeof ip;
    }
    return sizeof ip / 2;
}

static int shake_hands(struct coap_resource *resource, struct coap_packet *request,
                       struct sockaddr *addr, socklen_t addr_len) {
    uint8_t peer[PEER_MAX], source[sizeof(struct in6_addr)], answer[LSCOAP_MESSAGE_MAX];
    uint16_t query_len;
    const uint8_t *query = coap_packet_get_payload(request, &query_len);
    size_t len;
    lscoap_status status;

    if (!has_format(request, LSCOAP_CONTENT_FORMAT_HANDSHAKE)) {
        return COAP_RESPONSE_CODE_UNSUPPORTED_CONTENT_FORMAT;
    }
    status =
        lscoap_server_step(&server, peer, peer_of(addr, peer), source, source_of(addr, source),
                           (uint64_t)k_uptime_get(), query, query_len, answer, sizeof answer, &len);
    LOG_DBG("%s received: %s", lscoap_message_name(query, query_len), lscoap_status_string(status));
    if (status == LSCOAP_ERR_UNEXPECTED) {
        return 0; /* an alert, which nothing answers */
    }
    if (status < 0) {
        return status == LSCOAP_ERR_RANDOM ? COAP_RESPONSE_CODE_INTERNAL_ERROR
                                           : COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    return answer_in_clear(resource, request, addr, addr_len, lscoap_response_code(answer, len),
                           answer, len);
}

int lscoap_coap_handshake(struct coap_resource *resource, struct coap_packet *request,
                          struct sockaddr *addr, socklen_t addr_len) {
    int result = COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE;

    (void)k_mutex_lock(&lock, K_FOREVER);
    if (ready) {
        result = shake_hands(resource, request, addr, addr_len);
    }
    (void)k_mutex_unlock(&lock);
    return result;
}

/* ---- sealed answers */

static int send_object(const struct exchange *exchange, const uint8_t *object, size_t len) {
    struct coap_packet answer;
    const bool fetched = coap_header_get_code(exchange->outer) == COAP_METHOD_FETCH;
    const int result = make_answer(
        &answer, exchange->outer, fetched ? COAP_RESPONSE_CODE_CONTENT : COAP_RESPONSE_CODE_CHANGED,
        LSCOAP_CONTENT_FORMAT_SEALED, object, len);

    return result < 0 ? result
                      : coap_resource_send(exchange->resource, &answer, exchange->addr,
                                           exchange->addr_len, NULL);
}

/* Seals the plaintext in `plain`, sends it, and keeps it for a repeated request. */
static int send_sealed(struct exchange *exchange, size_t plain_len) {
    size_t len;

    if (lscoap_seal_response(exchange->session, &exchange->exchange, plain, plain_len, plain,
                             sizeof plain, &len) != LSCOAP_OK) {
        return -EMSGSIZE;
    }
    kept_put(&kept, exchange->object, exchange->object_len, plain, len);
    exchange->answered = true;
    return send_object(exchange, plain, len);
}

/* Seals an answer that is only a code. */
static int send_sealed_code(struct exchange *exchange, uint8_t code) {
    plain[0] = code;
    return send_sealed(exchange, 1);
}

int lscoap_coap_resource_send(const struct coap_resource *resource,
                              const struct coap_packet *response, const struct sockaddr *addr,
                              socklen_t addr_len,
                              const struct coap_transmission_parameters *params) {
    int len;

    ARG_UNUSED(addr);
    ARG_UNUSED(addr_len);
    ARG_UNUSED(params);
    if (current == NULL || resource != current->resource->user_data) {
        return -EINVAL;
    }
    if (current->answered) {
        return -EALREADY;
    }
    len = inner_answer(response->data, response->offset, plain, sizeof plain);
    return len < 0 ? -EMSGSIZE : send_sealed(current, (size_t)len);
}

/* ---- sealed requests */

/* A repeated request gets the answer that it had: false if that is not kept. */
static bool answer_again(const struct exchange *exchange) {
    size_t len;
    const uint8_t *object = kept_find(&kept, exchange->object, exchange->object_len, &len);

    if (object == NULL) {
        return false;
    }
    LOG_DBG("a repeated request gets its answer again");
    (void)send_object(exchange, object, len);
    return true;
}

static coap_method_t method_of(const struct coap_resource *resource, uint8_t code) {
    switch (code) {
    case COAP_METHOD_GET:
        return resource->get;
    case COAP_METHOD_POST:
        return resource->post;
    case COAP_METHOD_PUT:
        return resource->put;
    case COAP_METHOD_DELETE:
        return resource->del;
    case COAP_METHOD_FETCH:
        return resource->fetch;
    case COAP_METHOD_PATCH:
        return resource->patch;
    case COAP_METHOD_IPATCH:
        return resource->ipatch;
    default:
        return NULL;
    }
}

/* As Zephyr's CoAP server does it. */
static uint8_t code_of_result(int result) {
    switch (result) {
    case -ENOENT:
        return COAP_RESPONSE_CODE_NOT_FOUND;
    case -ENOTSUP:
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    case -EPERM:
        return COAP_RESPONSE_CODE_NOT_ALLOWED;
    default:
        return result > 0 ? (uint8_t)result : COAP_RESPONSE_CODE_INTERNAL_ERROR;
    }
}

/* Calls the handler with the message in `inner`; what it returns, or the code that refuses the
 * request. */
static int handle(struct exchange *exchange, uint8_t *inner, size_t len) {
    struct coap_resource *resource = exchange->resource->user_data;
    struct coap_option options[INNER_OPTIONS_MAX];
    struct coap_packet request;
    coap_method_t method;
    struct sockaddr addr;
    int result;

    if (coap_packet_parse(&request, inner, (uint16_t)len, options, ARRAY_SIZE(options)) < 0 ||
        !inner_method_fits(coap_header_get_code(&request), coap_header_get_code(exchange->outer))) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    method = method_of(resource, coap_header_get_code(&request));
    if (method == NULL) {
        return COAP_RESPONSE_CODE_NOT_ALLOWED;
    }
    memcpy(&addr, exchange->addr, MIN(sizeof addr, exchange->addr_len));
    current = exchange;
    result = method(resource, &request, &addr, exchange->addr_len);
    current = NULL;
    return result;
}

/* A request that opened, to its end: whatever is wrong with it is said under seal. */
static int serve(struct exchange *exchange, size_t plain_len) {
    static uint8_t inner[MESSAGE_MAX];
    size_t len;
    int result;

    switch (inner_request(exchange->outer->data, exchange->outer->max_len, plain, plain_len, inner,
                          sizeof inner, &len)) {
    case INNER_OK:
        result = handle(exchange, inner, len);
        break;
    case INNER_BAD_OPTION:
        result = COAP_RESPONSE_CODE_BAD_OPTION;
        break;
    case INNER_TOO_LONG:
        result = COAP_RESPONSE_CODE_REQUEST_TOO_LARGE;
        break;
    default:
        result = COAP_RESPONSE_CODE_BAD_REQUEST;
        break;
    }
    return exchange->answered ? 0 : send_sealed_code(exchange, code_of_result(result));
}

static int open_request(struct coap_resource *resource, struct coap_packet *request,
                        struct sockaddr *addr, socklen_t addr_len) {
    struct exchange exchange = {
        .resource = resource, .outer = request, .addr = addr, .addr_len = addr_len};
    uint8_t aad[LSCOAP_AAD_MAX];
    uint16_t object_len;
    size_t plain_len;
    int aad_len;
    lscoap_status status;

    if (!has_format(request, LSCOAP_CONTENT_FORMAT_SEALED)) {
        return COAP_RESPONSE_CODE_UNAUTHORIZED;
    }
    exchange.object = coap_packet_get_payload(request, &object_len);
    exchange.object_len = object_len;
    if (answer_again(&exchange)) {
        return 0;
    }
    aad_len = inner_request_aad(request->data, request->max_len, aad, sizeof aad);
    if (aad_len < 0) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    status = lscoap_server_open_request(&server, (uint64_t)k_uptime_get(), aad, (size_t)aad_len,
                                        exchange.object, object_len, plain, sizeof plain,
                                        &plain_len, &exchange.session, &exchange.exchange);
    if (status == LSCOAP_ERR_CAPACITY) {
        return COAP_RESPONSE_CODE_REQUEST_TOO_LARGE;
    }
    if (status != LSCOAP_OK) {
        uint8_t alert[2];
        const uint8_t code = lscoap_record_refusal(status, alert);

        LOG_DBG("a request does not open: %s", lscoap_status_string(status));
        return answer_in_clear(resource, request, addr, addr_len, code, alert, sizeof alert);
    }
    return serve(&exchange, plain_len);
}

int lscoap_coap_sealed(struct coap_resource *resource, struct coap_packet *request,
                       struct sockaddr *addr, socklen_t addr_len) {
    int result = COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE;

    (void)k_mutex_lock(&lock, K_FOREVER);
    if (ready) {
        result = open_request(resource, request, addr, addr_len);
    }
    (void)k_mutex_unlock(&lock);
    return result;
}
