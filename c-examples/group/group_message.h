/* CoAP messages as bytes (RFC 7252 section 3), as far as groups need them: libcoap gives no bytes
 * of a PDU that it does not send itself. */
#ifndef LSCOAP_EXAMPLES_GROUP_MESSAGE_H
#define LSCOAP_EXAMPLES_GROUP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GROUP_MESSAGE_ROOM = 1200, GROUP_MESSAGE_TOKEN_MAX = 8 };

struct group_message {
    uint8_t code;
    uint16_t mid;
    const uint8_t *token;
    size_t token_len;
    const char *path;   /* "/light?dim=1"; NULL: none */
    int content_format; /* -1: none */
    int no_response;    /* RFC 7967; -1: none */
    const uint8_t *payload;
    size_t payload_len;
};

/* An unconfirmable message. Its length, 0 when it does not fit. */
size_t group_message_write(const struct group_message *message, uint8_t *out, size_t capacity);

/* Points into `bytes`; the path is not filled in. False: malformed. */
bool group_message_read(const uint8_t *bytes, size_t len, struct group_message *message);

/* The Uri-Path of a message that was read, "/light"; false when it does not fit. */
bool group_message_path(const uint8_t *bytes, size_t len, char *path, size_t capacity);

/* Bytes as text that cannot drive a terminal: what is not printable is \xNN. What does not fit is
 * left out. */
void group_message_print(const uint8_t *bytes, size_t len, char *out, size_t capacity);

/* 0.01 to 0.07 for "GET" to "iPATCH", 0 for anything else. */
uint8_t group_message_method(const char *name);
const char *group_message_method_name(uint8_t code);

#endif
