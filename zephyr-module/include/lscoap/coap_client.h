/*
 * A CoAP client over zsock_*: the handshake, and sealed requests, one at a time, each sent again
 * until it is answered (RFC 7252 section 4.2). Calls block; a thread that makes them has
 * LSCOAP_STACK_SIZE bytes of stack.
 */
#ifndef LSCOAP_COAP_CLIENT_H
#define LSCOAP_COAP_CLIENT_H

#include <lscoap.h>
#include <stdbool.h>
#include <zephyr/net/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Results besides lscoap_status. */
enum {
    LSCOAP_COAP_ERR_NO_ANSWER = -101, /* to any retransmission */
    LSCOAP_COAP_ERR_RESET = -102,     /* no answer either, and somebody did not want the message */
    LSCOAP_COAP_ERR_REFUSED = -103,   /* an answer that is neither sealed nor an alert */
    LSCOAP_COAP_ERR_TOO_LONG = -104,  /* the request does not fit: see Kconfig.coap */
    LSCOAP_COAP_ERR_SOCKET = -105,    /* errno says why */
    LSCOAP_COAP_ERR_UNCERTAIN = -106, /* see lscoap_coap_client_request() */
    LSCOAP_COAP_ERR_ANSWER_TOO_LONG = -107, /* it comes in blocks, or does not fit */
    LSCOAP_COAP_ERR_PATH = -108             /* no path: a fragment, or a bad %XX */
};

/* A client for one server at a time. Place it in zeroed memory and never copy it. */
struct lscoap_coap_client {
    int sock;
    uint64_t opaque_[(sizeof(lscoap_client) + 2 * sizeof(lscoap_session) +
                      2 * CONFIG_LSCOAP_COAP_CLIENT_DATAGRAM_MAX) /
                         sizeof(uint64_t) +
                     16];
};

struct lscoap_coap_request {
    uint8_t method;         /* enum coap_method; GET and FETCH travel as FETCH, others as POST */
    const char *path;       /* "/a/b?c", percent-encoded (RFC 7252 section 6.4); it is not hidden */
    int32_t content_format; /* of the payload; -1 for none */
    const uint8_t *payload;
    size_t payload_len;
    bool at_least_once; /* a POST or PATCH that may be executed twice */
};

struct lscoap_coap_answer {
    uint8_t code; /* as the server sealed it */
    int32_t content_format;
    const uint8_t *payload; /* in the client, until its next call */
    size_t payload_len;
};

/* Loads the identity; nothing is sent. */
int lscoap_coap_client_init(struct lscoap_coap_client *client, const lscoap_client_config *config);

/* Makes a session with the server at this address. Where that fails, the session that there may be
 * stays. */
int lscoap_coap_client_connect(struct lscoap_coap_client *client, const struct sockaddr *server,
                               socklen_t server_len);

/* Makes a sealed request. If the server has lost the session, another one is made and the request
 * goes out in it, in three sessions at most. A POST or PATCH without `at_least_once` goes out in
 * one only: LSCOAP_COAP_ERR_UNCERTAIN says that it may have been executed or not, and that there is
 * a new session in which to ask or to try again. */
int lscoap_coap_client_request(struct lscoap_coap_client *client,
                               const struct lscoap_coap_request *request,
                               struct lscoap_coap_answer *answer);

/* The session, for lscoap_session_fingerprint() and lscoap_session_export_key(). */
const lscoap_session *lscoap_coap_client_session(const struct lscoap_coap_client *client);

/* Closes the socket and wipes session and identity. */
void lscoap_coap_client_close(struct lscoap_coap_client *client);

/* A result in words. */
const char *lscoap_coap_client_strerror(int result);

/* A byte of an answer for a terminal, which it must not steer: as it is if printable or a newline,
 * else \xNN. NUL-terminated. */
enum { LSCOAP_COAP_PRINTABLE_MAX = 5 };
void lscoap_coap_printable(uint8_t byte, char text[LSCOAP_COAP_PRINTABLE_MAX]);

#ifdef __cplusplus
}
#endif

#endif
