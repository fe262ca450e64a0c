/* The CoAP client of the bare-metal example over Zephyr's sockets. */
#include <lscoap/coap_client.h>
#include <lscoap/platform.h>

#include "secure_session.h"

#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

LOG_MODULE_DECLARE(lscoap, CONFIG_LSCOAP_LOG_LEVEL);

enum { WAIT_MS = 50 };

/* What lscoap_coap_client.opaque_ has inside. */
struct inner {
    struct coap_client coap;
    struct secure_session session;
    bool ready; /* init() has succeeded */
};

BUILD_ASSERT(sizeof(struct inner) <= sizeof(((struct lscoap_coap_client *)0)->opaque_));
BUILD_ASSERT((int)LSCOAP_COAP_ERR_NO_ANSWER == (int)SECURE_ERR_NO_ANSWER);
BUILD_ASSERT((int)LSCOAP_COAP_ERR_RESET == (int)SECURE_ERR_RESET);
BUILD_ASSERT((int)LSCOAP_COAP_ERR_REFUSED == (int)SECURE_ERR_REFUSED);
BUILD_ASSERT((int)LSCOAP_COAP_ERR_TOO_LONG == (int)SECURE_ERR_TOO_LONG);
BUILD_ASSERT((int)LSCOAP_COAP_ERR_UNCERTAIN == (int)SECURE_ERR_UNCERTAIN);
BUILD_ASSERT((int)LSCOAP_COAP_ERR_ANSWER_TOO_LONG == (int)SECURE_ERR_ANSWER_TOO_LONG);
BUILD_ASSERT((int)LSCOAP_COAP_ERR_PATH == (int)SECURE_ERR_PATH);
BUILD_ASSERT((int)LSCOAP_COAP_PRINTABLE_MAX == (int)COAP_PRINTABLE_MAX);

static struct inner *inner_of(struct lscoap_coap_client *client) {
    return (struct inner *)client->opaque_;
}

/* ---- struct coap_io; the context is the client */

static void io_send(void *context, const uint8_t *datagram, size_t len) {
    const struct lscoap_coap_client *client = context;

    if (zsock_send(client->sock, datagram, len, 0) < 0) {
        LOG_DBG("send: %d", errno); /* as good as lost */
    }
}

static size_t io_receive(void *context, uint8_t *datagram, size_t capacity) {
    const struct lscoap_coap_client *client = context;
    ssize_t len = zsock_recv(client->sock, datagram, capacity, ZSOCK_MSG_DONTWAIT);

    return len > 0 ? (size_t)len : 0;
}

static uint32_t io_now_ms(void *context) {
    ARG_UNUSED(context);
    return k_uptime_get_32();
}

static int io_random(void *context, uint8_t *out, size_t len) {
    const lscoap_platform *platform = lscoap_platform_zephyr();

    ARG_UNUSED(context);
    return platform->random(platform->context, out, len);
}

static void io_wait(void *context) {
    const struct lscoap_coap_client *client = context;
    struct zsock_pollfd poll = {.fd = client->sock, .events = ZSOCK_POLLIN};

    if (zsock_poll(&poll, 1, WAIT_MS) < 0) {
        k_msleep(WAIT_MS);
    }
}

static void log_message(bool sent, const uint8_t *message, size_t len) {
    LOG_DBG("%s %s (%u bytes)", lscoap_message_name(message, len), sent ? "sent" : "received",
            (unsigned)len);
}

/* ---- the interface */

int lscoap_coap_client_init(struct lscoap_coap_client *client, const lscoap_client_config *config) {
    const struct coap_io io = {.context = client,
                               .send = io_send,
                               .receive = io_receive,
                               .now_ms = io_now_ms,
                               .random = io_random,
                               .wait = io_wait};
    struct inner *inner = inner_of(client);
    int result;

    client->sock = -1;
    coap_client_init(&inner->coap, &io);
    result =
        secure_init(&inner->session, &inner->coap, lscoap_platform_zephyr(), config, log_message);
    inner->ready = result == LSCOAP_OK;
    return result;
}

static int open_socket(struct lscoap_coap_client *client, const struct sockaddr *server,
                       socklen_t server_len) {
    if (client->sock >= 0) {
        (void)zsock_close(client->sock);
    }
    client->sock = zsock_socket(server->sa_family, SOCK_DGRAM, IPPROTO_UDP);
    if (client->sock < 0) {
        return LSCOAP_COAP_ERR_SOCKET;
    }
    if (zsock_connect(client->sock, server, server_len) < 0) {
        const int why = errno;

        (void)zsock_close(client->sock);
        client->sock = -1;
        errno = why;
        return LSCOAP_COAP_ERR_SOCKET;
    }
    return LSCOAP_OK;
}

int lscoap_coap_client_connect(struct lscoap_coap_client *client, const struct sockaddr *server,
                               socklen_t server_len) {
    int result;

    if (!inner_of(client)->ready) {
        return LSCOAP_ERR_UNINITIALISED;
    }
    result = open_socket(client, server, server_len);
    if (result != LSCOAP_OK) {
        return result;
    }
    result = secure_connect(&inner_of(client)->session);
    LOG_DBG("handshake: %s", secure_result_string(result));
    return result;
}

int lscoap_coap_client_request(struct lscoap_coap_client *client,
                               const struct lscoap_coap_request *request,
                               struct lscoap_coap_answer *answer) {
    struct inner *inner = inner_of(client);
    const struct coap_request sealed = {.code = request->method,
                                        .path = request->path,
                                        .content_format = request->content_format,
                                        .payload = request->payload,
                                        .payload_len = request->payload_len,
                                        .at_least_once = request->at_least_once};
    struct coap_message message;
    int result;

    if (!inner->ready || client->sock < 0) {
        return LSCOAP_ERR_UNINITIALISED;
    }
    result = secure_request(&inner->session, &sealed, &message);
    if (result == LSCOAP_OK) {
        answer->code = message.code;
        answer->content_format = message.content_format;
        answer->payload = message.payload;
        answer->payload_len = message.payload_len;
    }
    return result;
}

const lscoap_session *lscoap_coap_client_session(const struct lscoap_coap_client *client) {
    return secure_current(&((const struct inner *)client->opaque_)->session);
}

void lscoap_coap_client_close(struct lscoap_coap_client *client) {
    struct inner *inner = inner_of(client);

    if (inner->ready && client->sock >= 0) {
        (void)zsock_close(client->sock);
    }
    client->sock = -1;
    inner->ready = false;
    secure_wipe(&inner->session);
}

const char *lscoap_coap_client_strerror(int result) {
    return result == LSCOAP_COAP_ERR_SOCKET ? "the socket failed" : secure_result_string(result);
}

void lscoap_coap_printable(uint8_t byte, char text[LSCOAP_COAP_PRINTABLE_MAX]) {
    coap_printable(byte, text);
}
