/* CoAP messages (RFC 7252 section 3): written into a buffer, read where they lie. */
#ifndef COAP_MESSAGE_H
#define COAP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COAP_CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

enum coap_type { COAP_CON, COAP_NON, COAP_ACK, COAP_RST };

enum {
    COAP_EMPTY = 0,
    COAP_GET = 1,
    COAP_POST = 2,
    COAP_PUT = 3,
    COAP_DELETE = 4,
    COAP_FETCH = 5,
    COAP_PATCH = 6,
    COAP_IPATCH = 7,

    COAP_OPTION_URI_PATH = 11,
    COAP_OPTION_CONTENT_FORMAT = 12,
    COAP_OPTION_URI_QUERY = 15,
    COAP_OPTION_BLOCK2 = 23,

    COAP_FORMAT_JSON = 50,
    COAP_NO_FORMAT = -1,

    COAP_HEADER_LEN = 4,
    COAP_TOKEN_MAX = 8,
    COAP_PRINTABLE_MAX = 5 /* bytes that coap_printable() writes at most, with the NUL */
};

/* Where a message is written to. What does not fit is left out and sets `overflow`. */
struct coap_writer {
    uint8_t *bytes;
    size_t capacity;
    size_t len;
    bool overflow;
    uint16_t last_option;
};

void coap_write_header(struct coap_writer *writer, enum coap_type type, uint8_t code, uint16_t id,
                       const uint8_t *token, size_t token_len);

/* What a sealed message begins with instead of a header. */
void coap_write_code(struct coap_writer *writer, uint8_t code);

/* Options come in the order of their numbers. */
void coap_write_option(struct coap_writer *writer, uint16_t number, const void *value, size_t len);
void coap_write_uint_option(struct coap_writer *writer, uint16_t number, uint32_t value);

/* The Uri-Path and the Uri-Query options of "/a/b?c&d", percent-decoded (RFC 7252 section 6.4): "a"
 * is "/a", and "/" has none. False: there is a fragment, or a percent sign without two hexadecimal
 * digits. */
bool coap_write_path(struct coap_writer *writer, const char *uri);
bool coap_write_query(struct coap_writer *writer, const char *uri);

/* The last part, left out when there is nothing in it. */
void coap_write_payload(struct coap_writer *writer, const uint8_t *payload, size_t len);

/* A message that was read; token and payload are where they were. */
struct coap_message {
    enum coap_type type;
    uint8_t code;
    uint16_t id;
    const uint8_t *token;
    size_t token_len;
    int32_t content_format; /* COAP_NO_FORMAT if there is none */
    bool critical;          /* there is an option that has to be understood, and is not */
    bool in_blocks;         /* this is one block of several (RFC 7959) */
    uint8_t *payload;
    size_t payload_len;
};

/* False: not a CoAP message. */
bool coap_parse(uint8_t *datagram, size_t len, struct coap_message *message);

/* Reads what a sealed message has inside: code, options and payload (RFC 8613 section 5.3). */
bool coap_parse_plaintext(uint8_t *plain, size_t len, struct coap_message *message);

/* A byte of a payload for a terminal, which it must not steer: as it is if printable or a newline,
 * else \xNN. NUL-terminated. */
void coap_printable(uint8_t byte, char text[COAP_PRINTABLE_MAX]);

#endif
