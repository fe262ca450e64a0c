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
    COAP_MAX_TRANSMIT_WAIT_MS = 93000, /* for an answer that was promised by an empty ACK, too */
    COAP_TOKEN_LEN = 4                 /* random bytes: what an answer is known by */
};

/* What the client needs of the world. `context` is passed to each. */
struct coap_io {
    void *context;
    /* Sends a datagram to the server. One that cannot be sent is as good as lost. */
    void (*send)(void *context, const uint8_t *datagram, size_t len);
    /* Takes a datagram that has come from the server and gives its length, 0 when there is none.
     * One that is longer than `capacity` is cut to it. */
    size_t (*receive)(void *context, uint8_t *datagram, size_t capacity);
    uint32_t (*now_ms)(void *context);
    /* Writes random bytes that nobody can guess. 0 on success, as lscoap_platform.random. */
    int (*random)(void *context, uint8_t *out, size_t len);
    /* Rests until a datagram may have come, and some milliseconds at most. */
    void (*wait)(void *context);
};

struct coap_client {
    struct coap_io io;
    bool has_id;
    uint16_t next_id;
    bool has_acknowledged;
    uint16_t acknowledged_id; /* of the last confirmable response */
    uint32_t retransmissions; /* so far */
    uint8_t request[COAP_DATAGRAM_MAX];
    uint8_t response[COAP_DATAGRAM_MAX + 1]; /* so that one that is too long shows */
};

struct coap_request {
    uint8_t code;
    const char *path;       /* "/a/b?c": see coap_write_path() */
    int32_t content_format; /* COAP_NO_FORMAT for none */
    const uint8_t *payload;
    size_t payload_len;
    bool at_least_once; /* a POST or PATCH that may be executed twice: see secure_request() */
};

enum coap_result {
    COAP_ANSWERED,
    COAP_REFUSED, /* by two hints, the second after the request had gone out anew */
    COAP_NO_ANSWER,
    COAP_RESET,           /* no answer either, but the peer, or somebody, did not want it */
    COAP_TOO_LONG,        /* the request does not fit COAP_DATAGRAM_MAX */
    COAP_ANSWER_TOO_LONG, /* said twice as well: the answer comes in blocks, or does not fit */
    COAP_BAD_PATH,
    COAP_NO_RANDOM
};

enum coap_verdict {
    COAP_TAKEN,   /* this is the answer */
    COAP_DROPPED, /* it is not, but a forgery perhaps: it counts as not received */
    COAP_HINT     /* a refusal that proves nothing */
};

/* Looks at a response that has the request's token, and may change its payload. */
typedef enum coap_verdict (*coap_accept)(void *context, struct coap_message *response);

void coap_client_init(struct coap_client *client, const struct coap_io *io);

/* Sends the request and waits until `accept` has taken a response. After a first hint the same
 * request goes out once more, under a token and a message id of its own; what answers the one
 * before may still be taken. */
enum coap_result coap_exchange(struct coap_client *client, const struct coap_request *request,
                               coap_accept accept, void *context);

#endif
