/*
 * A CoAP client over zsock_*: lscoap_device with a socket, Zephyr's clock and random numbers and,
 * with LSCOAP_COAP_CLIENT_SETTINGS, its session in the settings. Requests are lscoap_request of
 * lscoap.h: blocks, Observe and both carriers are the library's. Calls block; one thread at a time
 * makes them, which has LSCOAP_STACK_SIZE bytes of stack.
 */
#ifndef LSCOAP_COAP_CLIENT_H
#define LSCOAP_COAP_CLIENT_H

#include <lscoap.h>
#include <stdbool.h>
#include <zephyr/net/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A result besides lscoap_status: the socket failed, and errno says why. */
enum { LSCOAP_COAP_ERR_SOCKET = -105 };

/* A client of one server. Place it in zeroed memory and never copy it. */
struct lscoap_coap_client {
    int sock;
    bool ready; /* init() has succeeded */
    lscoap_device device;
    lscoap_observation observations[CONFIG_LSCOAP_COAP_CLIENT_OBSERVATIONS];
    uint8_t sent[CONFIG_LSCOAP_COAP_CLIENT_DATAGRAM_MAX];
    uint8_t received[CONFIG_LSCOAP_COAP_CLIENT_DATAGRAM_MAX];
};

/* An IPv4 or IPv6 address in words, and a port. False where it is none. */
struct lscoap_coap_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
    socklen_t len;
};
bool lscoap_coap_parse_address(const char *text, uint16_t port, struct lscoap_coap_address *out);

/* Loads the identity; nothing is sent. The carrier is LSCOAP_CARRIER_OSCORE, which needs a server
 * with OSCORE, or LSCOAP_CARRIER_PAYLOAD, for CoAP servers that know nothing of it. */
int lscoap_coap_client_init(struct lscoap_coap_client *client, const lscoap_client_config *config,
                            int32_t carrier);

/* Takes the session that was stored last, before the first request: no handshake is needed then.
 * An error says that there is none for this device and server; go on in any case. */
int lscoap_coap_client_restore(struct lscoap_coap_client *client);

/* Opens a socket to the server at this address, IPv4 or IPv6, and makes a session where there is
 * none. Again after a change of network: the session stays. */
int lscoap_coap_client_connect(struct lscoap_coap_client *client, const struct sockaddr *server,
                               socklen_t server_len);

/* Makes a request, to its end: LSCOAP_OK when it was answered, with whatever code. What else there
 * is, lscoap_device_poll() says. With LSCOAP_OBSERVE the observation goes on after this, while
 * lscoap_coap_client_run() is called. */
int lscoap_coap_client_request(struct lscoap_coap_client *client, const lscoap_request *request);

/* The code inside the last answer. */
uint8_t lscoap_coap_client_code(const struct lscoap_coap_client *client);

/* Serves observations for so long, in ms. */
int lscoap_coap_client_run(struct lscoap_coap_client *client, uint32_t ms);

/* Ends an observation; `take` gets its end. */
int lscoap_coap_client_cancel(struct lscoap_coap_client *client, const lscoap_request *request);

/* The session, for lscoap_session_fingerprint() and lscoap_session_export_key(). */
const lscoap_session *lscoap_coap_client_session(const struct lscoap_coap_client *client);

/* Closes the socket and wipes session and identity. What is stored stays. */
void lscoap_coap_client_close(struct lscoap_coap_client *client);

/* A result in words. */
const char *lscoap_coap_client_strerror(int result);

/* Collects an answer, as lscoap_request.take with this as its context. What is longer than the room
 * cancels the request. */
struct lscoap_coap_body {
    uint8_t *bytes;
    size_t room;
    size_t len;
};
int lscoap_coap_body_take(void *body, const lscoap_piece *piece);

/* A byte of an answer for a terminal, which it must not steer: as it is if printable or a newline,
 * else \xNN. NUL-terminated. */
enum { LSCOAP_COAP_PRINTABLE_MAX = 5 };
void lscoap_coap_printable(uint8_t byte, char text[LSCOAP_COAP_PRINTABLE_MAX]);

#ifdef __cplusplus
}
#endif

#endif
