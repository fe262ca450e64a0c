/* lscoap_device over Zephyr's sockets. */
#include <lscoap/coap_client.h>
#include <lscoap/platform.h>

#include "client_settings.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

LOG_MODULE_DECLARE(lscoap, CONFIG_LSCOAP_LOG_LEVEL);

enum { PAUSE_MS = 50 /* where the socket cannot be waited for */ };

static uint64_t now_ms(void) {
    return (uint64_t)k_uptime_get();
}

/* ---- storage */

static int store(const uint8_t *blob, size_t len) {
#if defined(CONFIG_LSCOAP_COAP_CLIENT_SETTINGS)
    return client_settings_save(blob, len);
#else
    ARG_UNUSED(blob);
    ARG_UNUSED(len);
    return -ENOTSUP;
#endif
}

int lscoap_coap_client_restore(struct lscoap_coap_client *client) {
#if defined(CONFIG_LSCOAP_COAP_CLIENT_SETTINGS)
    return client_settings_restore(&client->device);
#else
    ARG_UNUSED(client);
    return LSCOAP_ERR_STORAGE;
#endif
}

/* ---- the socket */

static void send_datagram(const struct lscoap_coap_client *client, const uint8_t *datagram,
                          size_t len) {
    if (zsock_send(client->sock, datagram, len, 0) < 0) {
        LOG_DBG("send: %d", errno); /* as good as lost */
    }
}

/* Waits for a datagram until then, and takes it. */
static void receive(struct lscoap_coap_client *client, uint64_t until) {
    struct zsock_pollfd poll = {.fd = client->sock, .events = ZSOCK_POLLIN};
    const uint64_t now = now_ms();
    const uint64_t wait = until > now ? until - now : 0;
    const int ready = zsock_poll(&poll, 1, (int)MIN(wait, (uint64_t)INT_MAX));
    ssize_t len;

    if (ready == 0) {
        return;
    }
    len = ready < 0 ? -1
                    : zsock_recv(client->sock, client->received, sizeof client->received,
                                 ZSOCK_MSG_DONTWAIT);
    if (len < 0) {
        LOG_DBG("receive: %d", errno);
        k_msleep(PAUSE_MS);
        return;
    }
    if (lscoap_device_receive(&client->device, now_ms(), client->received, (size_t)len) !=
        LSCOAP_OK) {
        LOG_DBG("a request, which nobody waits for");
    }
}

/* What has not ended anything: it is tried again at the deadline. */
static bool is_retried(const struct lscoap_coap_client *client, lscoap_status status) {
    return status == LSCOAP_ERR_RANDOM ||
           (status == LSCOAP_ERR_HARDWARE && lscoap_device_session(&client->device) == NULL);
}

/* Sends, stores and receives until then (LSCOAP_OK), or until a request has ended (how it did). */
static lscoap_status drive(struct lscoap_coap_client *client, uint64_t until) {
    for (;;) {
        const uint8_t *bytes;
        size_t len;
        const lscoap_status status = lscoap_device_poll(&client->device, now_ms(), &bytes, &len);

        if (status == LSCOAP_SEND) {
            send_datagram(client, bytes, len);
        } else if (status == LSCOAP_STORE) {
            const int failed = store(bytes, len);

            if (lscoap_device_stored(&client->device, failed) != LSCOAP_OK || failed != 0) {
                LOG_WRN("the session is not stored: %d", failed);
            }
        } else if (status != LSCOAP_OK && !is_retried(client, status)) {
            return status;
        } else if (now_ms() >= until) {
            return LSCOAP_OK;
        } else {
            receive(client, MIN(until, lscoap_device_deadline(&client->device)));
        }
    }
}

/* ---- the interface */

int lscoap_coap_client_init(struct lscoap_coap_client *client, const lscoap_client_config *config,
                            int32_t carrier) {
    const lscoap_device_config device = {
        .client = *config,
        .buffer = client->sent,
        .buffer_len = sizeof client->sent,
        .observations = client->observations,
        .observations_len = ARRAY_SIZE(client->observations),
        .carrier = carrier,
#if defined(CONFIG_LSCOAP_COAP_CLIENT_SETTINGS)
        .store_block = CONFIG_LSCOAP_COAP_CLIENT_STORE_BLOCK,
#endif
    };
    lscoap_status status;

    client->sock = -1;
    memset(client->observations, 0, sizeof client->observations);
    status = lscoap_device_init(&client->device, lscoap_platform_zephyr(), &device);
    client->ready = status == LSCOAP_OK;
    return status;
}

bool lscoap_coap_parse_address(const char *text, uint16_t port, struct lscoap_coap_address *out) {
    memset(out, 0, sizeof *out);
    if (zsock_inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(port);
        out->len = sizeof out->in;
    } else if (zsock_inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(port);
        out->len = sizeof out->in6;
    }
    return out->len > 0;
}

static void close_socket(struct lscoap_coap_client *client) {
    if (client->ready && client->sock >= 0) {
        (void)zsock_close(client->sock);
    }
    client->sock = -1;
}

static int open_socket(struct lscoap_coap_client *client, const struct sockaddr *server,
                       socklen_t server_len) {
    close_socket(client);
    client->sock = zsock_socket(server->sa_family, SOCK_DGRAM, IPPROTO_UDP);
    if (client->sock < 0) {
        return LSCOAP_COAP_ERR_SOCKET;
    }
    if (zsock_connect(client->sock, server, server_len) < 0) {
        const int why = errno;

        close_socket(client);
        errno = why;
        return LSCOAP_COAP_ERR_SOCKET;
    }
    return lscoap_device_moved(&client->device, now_ms());
}

/* To its end; null only connects. */
static int finish(struct lscoap_coap_client *client, const lscoap_request *request) {
    lscoap_status status = lscoap_device_request(&client->device, now_ms(), request);

    if (status == LSCOAP_OK) {
        status = drive(client, UINT64_MAX);
    }
    return status == LSCOAP_DONE ? LSCOAP_OK : status;
}

int lscoap_coap_client_connect(struct lscoap_coap_client *client, const struct sockaddr *server,
                               socklen_t server_len) {
    int result;

    if (!client->ready) {
        return LSCOAP_ERR_UNINITIALISED;
    }
    result = open_socket(client, server, server_len);
    if (result != LSCOAP_OK) {
        return result;
    }
    result = finish(client, NULL);
    LOG_DBG("connected: %s", lscoap_status_string(result));
    return result;
}

int lscoap_coap_client_request(struct lscoap_coap_client *client, const lscoap_request *request) {
    if (!client->ready || client->sock < 0) {
        return LSCOAP_ERR_UNINITIALISED;
    }
    return request == NULL ? LSCOAP_ERR_NULL : finish(client, request);
}

uint8_t lscoap_coap_client_code(const struct lscoap_coap_client *client) {
    return lscoap_device_code(&client->device);
}

int lscoap_coap_client_run(struct lscoap_coap_client *client, uint32_t ms) {
    if (!client->ready || client->sock < 0) {
        return LSCOAP_ERR_UNINITIALISED;
    }
    return drive(client, now_ms() + ms);
}

int lscoap_coap_client_cancel(struct lscoap_coap_client *client, const lscoap_request *request) {
    const lscoap_status status = lscoap_device_cancel(&client->device, now_ms(), request);

    return status == LSCOAP_OK ? lscoap_coap_client_run(client, 0) : status;
}

const lscoap_session *lscoap_coap_client_session(const struct lscoap_coap_client *client) {
    return lscoap_device_session(&client->device);
}

void lscoap_coap_client_close(struct lscoap_coap_client *client) {
    close_socket(client);
    client->ready = false;
    lscoap_device_wipe(&client->device);
}

const char *lscoap_coap_client_strerror(int result) {
    return result == LSCOAP_COAP_ERR_SOCKET ? "the socket failed" : lscoap_status_string(result);
}

int lscoap_coap_body_take(void *context, const lscoap_piece *piece) {
    struct lscoap_coap_body *body = context;

    if (piece->status != LSCOAP_OK) {
        return 0;
    }
    if (piece->offset == 0) {
        body->len = 0;
    }
    if (piece->offset != body->len || body->room - body->len < piece->payload_len) {
        return -ENOBUFS;
    }
    memcpy(body->bytes + body->len, piece->payload, piece->payload_len);
    body->len += piece->payload_len;
    return 0;
}

void lscoap_coap_printable(uint8_t byte, char text[LSCOAP_COAP_PRINTABLE_MAX]) {
    static const char digits[] = "0123456789abcdef";

    if ((byte >= ' ' && byte <= '~') || byte == '\n') {
        text[0] = (char)byte;
        text[1] = '\0';
    } else {
        text[0] = '\\';
        text[1] = 'x';
        text[2] = digits[byte >> 4];
        text[3] = digits[byte & 0x0F];
        text[4] = '\0';
    }
}
