/*
 * A CoAP client: one confirmable request at a time, sent again until it is answered (RFC 7252
 * sections 4.2 and 5.2).
 *
 * It knows no sockets and no clock of its own: struct coap_io has all that it needs.
 */
#ifndef COAP_CLIENT_H
#define COAP_CLIENT_H

#include "coap_message.h"

/* The longest datagram, either way: RFC 7252 section 4.6 says what a path of unknown MTU bears. */
#ifndef COAP_DATAGRAM_MAX
#define COAP_DATAGRAM_MAX 1152
#endif

/* RFC 7252 section 4.8. ACK_RANDOM_FACTOR is 1.5. */
enum {
    COAP_ACK_TIMEOUT_MS = 2000,
    COAP_MAX_RETRANSMIT = 4,
    COAP_MAX_TRANSMIT_WAIT_MS = 93000 /* for an answer that was promised by an empty ACK, too */
};

/* What the client needs of the world. `context` is passed to each. */
struct coap_io {
    void *context;
    /* Sends a datagram to the server. One that cannot be sent is as good as lost. */
    void (*send)(void *context, const uint8_t *datagram, size_t len);
    /* Takes a datagram that has come from the server and gives its length, 0 when there is none.
     * One that is longer than `capacity` is dropped. */
    size_t (*receive)(void *context, uint8_t *datagram, size_t capacity);
    uint32_t (*now_ms)(void *context);
    uint32_t (*random)(void *context);
    /* Rests until a datagram may have come, and some milliseconds at most. */
    void (*wait)(void *context);
};

struct coap_client {
    struct coap_io io;
    uint16_t next_id;
    bool has_acknowledged;
    uint16_t acknowledged_id; /* of the last confirmable response */
    uint32_t retransmissions; /* so far */
    uint8_t request[COAP_DATAGRAM_MAX];
    uint8_t response[COAP_DATAGRAM_MAX];
};

struct coap_request {
    uint8_t code;
    const char *path;       /* "/a/b" */
    int32_t content_format; /* COAP_NO_FORMAT for none */
    const uint8_t *payload;
    size_t payload_len;
};

enum coap_result {
    COAP_ANSWERED,
    COAP_NO_ANSWER,
    COAP_RESET,   /* the peer does not want the request, or somebody says so */
    COAP_TOO_LONG /* the request does not fit COAP_DATAGRAM_MAX */
};

/* Looks at a response that has the request's token, and may change its payload. False: this is not
 * the answer, but a forgery perhaps. It then counts as not received. */
typedef bool (*coap_accept)(void *context, struct coap_message *response);

void coap_client_init(struct coap_client *client, const struct coap_io *io);

/* Sends the request and waits until `accept` has taken a response. */
enum coap_result coap_exchange(struct coap_client *client, const struct coap_request *request,
                               coap_accept accept, void *context);

#endif
