/*
 * A CoAP client over zsock_*: the handshake, and sealed requests, one at a time, each sent again
 * until it is answered (RFC 7252 section 4.2). Calls block; a thread that makes them has
 * LSCOAP_STACK_SIZE bytes of stack.
 */
#ifndef LSCOAP_COAP_CLIENT_H
#define LSCOAP_COAP_CLIENT_H

#include <lscoap.h>
#include <zephyr/net/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Results besides lscoap_status. */
enum {
    LSCOAP_COAP_ERR_NO_ANSWER = -101, /* to any retransmission */
    LSCOAP_COAP_ERR_RESET = -102,    /* the server does not want the message, or somebody says so */
    LSCOAP_COAP_ERR_REFUSED = -103,  /* an answer that is neither sealed nor an alert */
    LSCOAP_COAP_ERR_TOO_LONG = -104, /* the request does not fit: see Kconfig.coap */
    LSCOAP_COAP_ERR_SOCKET = -105    /* errno says why */
};

/* A client for one server at a time. Place it in zeroed memory and never copy it. */
struct lscoap_coap_client {
    int sock;
    uint64_t opaque_[(sizeof(lscoap_client) + sizeof(lscoap_session) +
                      2 * CONFIG_LSCOAP_COAP_CLIENT_DATAGRAM_MAX) /
                         sizeof(uint64_t) +
                     16];
};

struct lscoap_coap_request {
    uint8_t method;         /* enum coap_method; GET and FETCH travel as FETCH, others as POST */
    const char *path;       /* "/a/b", which is not hidden */
    int32_t content_format; /* of the payload; -1 for none */
    const uint8_t *payload;
    size_t payload_len;
};

struct lscoap_coap_answer {
    uint8_t code; /* as the server sealed it */
    int32_t content_format;
    const uint8_t *payload; /* in the client, until its next call */
    size_t payload_len;
};

/* Loads the identity; nothing is sent. */
int lscoap_coap_client_init(struct lscoap_coap_client *client, const lscoap_client_config *config);

/* Makes a session with the server at this address, in place of the one there may be. */
int lscoap_coap_client_connect(struct lscoap_coap_client *client, const struct sockaddr *server,
                               socklen_t server_len);

/* Makes a sealed request. If the server has forgotten the session, another one is made, once. */
int lscoap_coap_client_request(struct lscoap_coap_client *client,
                               const struct lscoap_coap_request *request,
                               struct lscoap_coap_answer *answer);

/* The session, for lscoap_session_fingerprint() and lscoap_session_export_key(). */
const lscoap_session *lscoap_coap_client_session(const struct lscoap_coap_client *client);

/* Closes the socket and wipes session and identity. */
void lscoap_coap_client_close(struct lscoap_coap_client *client);

/* A result in words. */
const char *lscoap_coap_client_strerror(int result);

#ifdef __cplusplus
}
#endif

#endif
