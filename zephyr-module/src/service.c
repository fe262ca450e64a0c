#include <lscoap/coap_service.h>
#include <lscoap/platform.h>

#include "answer_block.h"
#include "service_oscore.h"

#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/net_ip.h>

LOG_MODULE_DECLARE(lscoap, CONFIG_LSCOAP_LOG_LEVEL);

#define MESSAGE_MAX CONFIG_LSCOAP_COAP_SERVICE_MESSAGE_MAX
#define ANSWERS CONFIG_LSCOAP_COAP_SERVICE_ANSWERS

enum { HEADER_LEN = 4, TAG_LEN = 8, BUSY_MAX_AGE_S = 5 };

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

static lscoap_kept kept_places[ANSWERS];
static uint8_t kept_bytes[ANSWERS * MESSAGE_MAX];
static lscoap_answers kept = {
    .places = kept_places, .count = ANSWERS, .bytes = kept_bytes, .bytes_len = sizeof kept_bytes};

/* A sealed request and where its answer goes. It is opened in its own bytes: header and token stay.
 */
struct exchange {
    struct coap_resource *resource; /* the outer one */
    const struct coap_packet *request;
    const struct sockaddr *addr;
    socklen_t addr_len;
    bool fetched; /* the outer code */
    int block2;   /* the part of the answer that is asked for, where the handler leaves that to us;
                     else negative */
    uint8_t tag[TAG_LEN]; /* the end of the sealed request, by which its answer is kept */
    lscoap_session *session;
    lscoap_exchange exchange;
    bool answered;
};
static struct exchange *current;

/* An answer. */
static uint8_t message[MESSAGE_MAX];

lscoap_server *service_take(void) {
    (void)k_mutex_lock(&lock, K_FOREVER);
    return &server;
}

void service_give_back(void) {
    (void)k_mutex_unlock(&lock);
}

static uint64_t now_ms(void) {
    return (uint64_t)k_uptime_get();
}

lscoap_status lscoap_coap_service_init(const lscoap_server_config *config) {
    lscoap_status status;

    (void)k_mutex_lock(&lock, K_FOREVER);
    status =
        lscoap_server_init(&server, lscoap_platform_zephyr(), config, slots, ARRAY_SIZE(slots));
    ready = status == LSCOAP_OK;
    service_oscore_sweep(&server, now_ms());
    (void)k_mutex_unlock(&lock);
    return status;
}

lscoap_status lscoap_coap_forget(const uint8_t *device_id, size_t len) {
    lscoap_status status;

    (void)k_mutex_lock(&lock, K_FOREVER);
    status = lscoap_server_forget(&server, device_id, len);
    service_oscore_sweep(&server, now_ms());
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
    const lscoap_sender from = {.peer = peer,
                                .peer_len = peer_of(addr, peer),
                                .source = source,
                                .source_len = source_of(addr, source)};
    lscoap_io io = {.input = query,
                    .input_len = query_len,
                    .out = answer,
                    .out_cap = sizeof answer,
                    .now_ms = now_ms()};
    lscoap_session *made = NULL;
    lscoap_status status;

    if (!has_format(request, LSCOAP_CONTENT_FORMAT_HANDSHAKE)) {
        return COAP_RESPONSE_CODE_UNSUPPORTED_CONTENT_FORMAT;
    }
    status = lscoap_server_step(&server, &from, &io, &made);
    LOG_DBG("%s received: %s", lscoap_message_name(query, query_len), lscoap_status_string(status));
    if (status == LSCOAP_ERR_UNEXPECTED) {
        return 0; /* an alert, which nothing answers */
    }
    if (status < 0) {
        return status == LSCOAP_ERR_RANDOM ? COAP_RESPONSE_CODE_INTERNAL_ERROR
                                           : COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    if (!service_oscore_made(&server, made, io.now_ms)) {
        LOG_WRN("no room for a session in Zephyr's OSCORE");
        return COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE;
    }
    return answer_in_clear(resource, request, addr, addr_len,
                           lscoap_response_code(answer, io.out_len), answer, io.out_len);
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

static int send(const struct exchange *exchange, const struct coap_packet *answer) {
    return coap_resource_send(exchange->resource, answer, exchange->addr, exchange->addr_len, NULL);
}

/* Seals the answer in `message`, sends it, and keeps it for a repeated request. */
static int send_sealed(struct exchange *exchange, size_t len) {
    lscoap_io io = {.input = message, .input_len = len, .out = message, .out_cap = sizeof message};
    const lscoap_status status =
        lscoap_protect_response(exchange->session, &io, &exchange->exchange);
    struct coap_packet answer;
    const uint8_t *object;
    uint16_t object_len;

    if (status != LSCOAP_OK) {
        return status == LSCOAP_ERR_CAPACITY ? -EMSGSIZE : -EINVAL;
    }
    if (coap_packet_parse(&answer, message, (uint16_t)io.out_len, NULL, 0) < 0) {
        return -EINVAL;
    }
    object = coap_packet_get_payload(&answer, &object_len);
    (void)lscoap_answers_keep(&kept, exchange->session, now_ms(), exchange->tag,
                              sizeof exchange->tag, object, object_len);
    exchange->answered = true;
    return send(exchange, &answer);
}

/* Seals an answer that is only a code. */
static int send_sealed_code(struct exchange *exchange, uint8_t code) {
    struct coap_packet answer;
    const int result = begin_answer(&answer, exchange->request, code);

    return result < 0 ? result : send_sealed(exchange, answer.offset);
}

int lscoap_coap_resource_send(const struct coap_resource *resource,
                              const struct coap_packet *response, const struct sockaddr *addr,
                              socklen_t addr_len,
                              const struct coap_transmission_parameters *params) {
    const size_t header_len = HEADER_LEN + (response->data[0] & 0x0F);
    struct coap_packet answer;
    int result;

    ARG_UNUSED(addr);
    ARG_UNUSED(addr_len);
    ARG_UNUSED(params);
    if (current == NULL || resource != current->resource->user_data ||
        response->offset < header_len) {
        return -EINVAL;
    }
    if (current->answered) {
        return -EALREADY;
    }
    /* With the request's header, whatever the handler's has. */
    result = begin_answer(&answer, current->request, coap_header_get_code(response));
    if (result == 0) {
        result = coap_packet_append_payload(&answer, response->data + header_len,
                                            (uint16_t)(response->offset - header_len));
    }
    if (result < 0) {
        return -EMSGSIZE;
    }
    if (current->block2 >= 0) {
        result = answer_block(&answer, sizeof message, current->block2);
        if (result == -ERANGE) {
            return send_sealed_code(current, COAP_RESPONSE_CODE_BAD_REQUEST);
        }
        if (result < 0) {
            return -EMSGSIZE;
        }
    }
    return send_sealed(current, answer.offset);
}

/* ---- sealed requests */

/* A repeated request gets the answer that it had: false if that is not kept. */
static bool answer_again(const struct exchange *exchange) {
    struct coap_packet answer;
    size_t len;
    const uint8_t *object =
        lscoap_answers_find(&kept, now_ms(), exchange->tag, sizeof exchange->tag, &len);

    if (object == NULL) {
        return false;
    }
    LOG_DBG("a repeated request gets its answer again");
    if (make_answer(&answer, exchange->request,
                    exchange->fetched ? COAP_RESPONSE_CODE_CONTENT : COAP_RESPONSE_CODE_CHANGED,
                    LSCOAP_CONTENT_FORMAT_SEALED, object, len) == 0) {
        (void)send(exchange, &answer);
    }
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

/* What may be asked by an outer FETCH, and by an outer POST (protocol section 10). */
static bool method_fits(uint8_t method, bool fetched) {
    return (method == COAP_METHOD_GET || method == COAP_METHOD_FETCH) == fetched;
}

/* Whether all critical options are known: the resource's, and Block2, which is done here where it
 * is none of those. */
static bool options_are_known(const struct lscoap_coap_resource *resource,
                              const struct coap_packet *request) {
    uint16_t known[LSCOAP_COAP_OPTIONS_MAX + 1];

    memcpy(known, resource->options, resource->options_len * sizeof *known);
    known[resource->options_len] = COAP_OPTION_BLOCK2;
    return lscoap_check_options(request->data, request->offset, known, resource->options_len + 1) ==
           LSCOAP_OK;
}

static bool reads(const struct lscoap_coap_resource *resource, uint16_t option) {
    for (size_t i = 0; i < resource->options_len; i++) {
        if (resource->options[i] == option) {
            return true;
        }
    }
    return false;
}

/* Calls the handler; what it returns, or the code that refuses the request. */
static int handle(struct exchange *exchange, struct coap_packet *request) {
    struct coap_resource *outer = exchange->resource;
    struct lscoap_coap_resource *resource = outer->user_data;
    const uint8_t code = coap_header_get_code(request);
    const coap_method_t method = method_of(&resource->inner, code);
    struct sockaddr addr;
    int result;

    if (!method_fits(code, exchange->fetched)) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    if (method == NULL) {
        return COAP_RESPONSE_CODE_NOT_ALLOWED;
    }
    if (!options_are_known(resource, request)) {
        return COAP_RESPONSE_CODE_BAD_OPTION;
    }
    if (!reads(resource, COAP_OPTION_BLOCK2)) {
        exchange->block2 = coap_get_option_int(request, COAP_OPTION_BLOCK2);
    }
    memcpy(&addr, exchange->addr, MIN(sizeof addr, exchange->addr_len));
    current = exchange;
    result = method(&resource->inner, request, &addr, exchange->addr_len);
    current = NULL;
    return result;
}

/* A request that opened, to its end: whatever is wrong with it is said under seal. */
static int serve(struct exchange *exchange, uint8_t *bytes, size_t len) {
    struct coap_packet request;
    int result = COAP_RESPONSE_CODE_BAD_REQUEST;

    if (coap_packet_parse(&request, bytes, (uint16_t)len, NULL, 0) == 0) {
        result = handle(exchange, &request);
    }
    return exchange->answered ? 0 : send_sealed_code(exchange, code_of_result(result));
}

/* Says in the clear why a request did not open; `bytes` is what is left of it. */
static int refuse(const struct exchange *exchange, lscoap_status why, const uint8_t *bytes,
                  size_t len) {
    lscoap_io io = {.input = bytes,
                    .input_len = MIN(len, sizeof message),
                    .out = message,
                    .out_cap = sizeof message};
    struct coap_packet answer;

    LOG_DBG("a request does not open: %s", lscoap_status_string(why));
    if (lscoap_refusal(why, &io) != LSCOAP_OK ||
        coap_packet_parse(&answer, message, (uint16_t)io.out_len, NULL, 0) < 0) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    if (coap_header_get_type(&answer) != COAP_TYPE_ACK) {
        const uint16_t id = coap_next_id();

        message[2] = (uint8_t)(id >> 8);
        message[3] = (uint8_t)id;
    }
    return send(exchange, &answer);
}

static int open_request(struct coap_resource *resource, struct coap_packet *request,
                        struct sockaddr *addr, socklen_t addr_len) {
    struct exchange exchange = {.resource = resource,
                                .request = request,
                                .block2 = -ENOENT,
                                .addr = addr,
                                .addr_len = addr_len,
                                .fetched = coap_header_get_code(request) == COAP_METHOD_FETCH};
    lscoap_io io = {.input = request->data,
                    .input_len = request->offset,
                    .out = request->data,
                    .out_cap = request->offset,
                    .now_ms = now_ms()};
    uint16_t object_len;
    const uint8_t *object = coap_packet_get_payload(request, &object_len);
    lscoap_status status;

    /* Blocks are not put together here, and OSCORE's own carrier has another path inside, by which
     * no resource was chosen. */
    if (lscoap_check_options(request->data, request->offset, NULL, 0) != LSCOAP_OK) {
        return COAP_RESPONSE_CODE_BAD_OPTION;
    }
    if (!has_format(request, LSCOAP_CONTENT_FORMAT_SEALED)) {
        return COAP_RESPONSE_CODE_UNAUTHORIZED;
    }
    if (object != NULL && object_len >= sizeof exchange.tag) {
        memcpy(exchange.tag, object + object_len - sizeof exchange.tag, sizeof exchange.tag);
        if (answer_again(&exchange)) {
            return 0;
        }
    }
    status = lscoap_server_unprotect_request(&server, &io, &exchange.session, &exchange.exchange);
    if (status != LSCOAP_OK) {
        return refuse(&exchange, status, request->data, request->offset);
    }
    return serve(&exchange, request->data, io.out_len);
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
