#include "group_message.h"

#include <string.h>
#include <strings.h>

enum {
    HEADER = 4,
    NON = 0x50, /* version 1 */
    URI_PATH = 11,
    CONTENT_FORMAT = 12,
    URI_QUERY = 15,
    NO_RESPONSE = 258,
    MARKER = 0xFF
};

static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"};
enum { METHODS = sizeof methods / sizeof methods[0] };

/* A place to write to, which remembers that something did not fit. */
struct writer {
    uint8_t *at;
    size_t room;
    uint32_t option; /* the last one's number */
    bool full;
};

static void put(struct writer *writer, const void *bytes, size_t len) {
    if (len > writer->room) {
        writer->full = true;
        return;
    }
    memcpy(writer->at, bytes, len);
    writer->at += len;
    writer->room -= len;
}

/* The nibble for a delta or a length, and what follows it. */
static uint8_t extend(uint32_t value, uint8_t out[2], size_t *len) {
    *len = 0;
    if (value < 13) {
        return (uint8_t)value;
    }
    if (value < 269) {
        out[(*len)++] = (uint8_t)(value - 13);
        return 13;
    }
    value -= 269;
    out[(*len)++] = (uint8_t)(value >> 8);
    out[(*len)++] = (uint8_t)value;
    return 14;
}

static void put_option(struct writer *writer, uint32_t number, const void *value, size_t len) {
    uint8_t delta[2];
    uint8_t length[2];
    size_t delta_len;
    size_t length_len;
    uint8_t first = (uint8_t)(extend(number - writer->option, delta, &delta_len) << 4);

    first |= extend((uint32_t)len, length, &length_len);
    put(writer, &first, 1);
    put(writer, delta, delta_len);
    put(writer, length, length_len);
    put(writer, value, len);
    writer->option = number;
}

static void put_uint(struct writer *writer, uint32_t number, uint32_t value) {
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    size_t len = value > 0xFF ? 2 : value > 0 ? 1 : 0;

    put_option(writer, number, bytes + 2 - len, len);
}

/* The parts of `text` up to `end`. */
static void put_parts(struct writer *writer, uint32_t number, const char *text, const char *end,
                      char between) {
    while (text <= end && (text < end || between == '&')) {
        const char *next = memchr(text, between, (size_t)(end - text));
        const char *stop = next == NULL ? end : next;

        put_option(writer, number, text, (size_t)(stop - text));
        text = stop + 1;
    }
}

size_t group_message_write(const struct group_message *message, uint8_t *out, size_t capacity) {
    struct writer writer = {.at = out, .room = capacity};
    const uint8_t header[HEADER] = {(uint8_t)(NON | message->token_len), message->code,
                                    (uint8_t)(message->mid >> 8), (uint8_t)message->mid};
    const char *path = message->path == NULL ? "" : message->path;
    const char *query = strchr(path, '?');
    const char *path_end = query == NULL ? path + strlen(path) : query;
    const uint8_t marker = MARKER;

    path += *path == '/';
    put(&writer, header, sizeof header);
    put(&writer, message->token, message->token_len);
    put_parts(&writer, URI_PATH, path, path_end, '/');
    if (message->content_format >= 0) {
        put_uint(&writer, CONTENT_FORMAT, (uint32_t)message->content_format);
    }
    if (query != NULL) {
        put_parts(&writer, URI_QUERY, query + 1, query + strlen(query), '&');
    }
    if (message->no_response >= 0) {
        put_uint(&writer, NO_RESPONSE, (uint32_t)message->no_response);
    }
    if (message->payload_len > 0) {
        put(&writer, &marker, 1);
        put(&writer, message->payload, message->payload_len);
    }
    return writer.full ? 0 : capacity - writer.room;
}

/* What is left of a message. */
struct reader {
    const uint8_t *at;
    size_t left;
    uint32_t option;
};

static bool take_extended(struct reader *reader, uint8_t nibble, uint32_t *value) {
    size_t more = nibble == 13 ? 1 : nibble == 14 ? 2 : 0;

    if (nibble == 15 || more > reader->left) {
        return false;
    }
    *value = nibble;
    if (more == 1) {
        *value = 13U + reader->at[0];
    } else if (more == 2) {
        *value = 269U + ((uint32_t)reader->at[0] << 8 | reader->at[1]);
    }
    reader->at += more;
    reader->left -= more;
    return true;
}

/* The next option; false at the marker, at the end, and where it is malformed (*bad). */
static bool take_option(struct reader *reader, const uint8_t **value, size_t *len, bool *bad) {
    uint8_t first;
    uint32_t delta;
    uint32_t length;

    if (reader->left == 0 || reader->at[0] == MARKER) {
        return false;
    }
    first = *reader->at++;
    reader->left--;
    if (!take_extended(reader, first >> 4, &delta) ||
        !take_extended(reader, first & 0x0F, &length) || length > reader->left) {
        *bad = true;
        return false;
    }
    reader->option += delta;
    *value = reader->at;
    *len = length;
    reader->at += length;
    reader->left -= length;
    return true;
}

/* Where the options begin; false when there is no such place. */
static bool begin(const uint8_t *bytes, size_t len, struct reader *reader) {
    size_t token_len = len < HEADER ? 0 : bytes[0] & 0x0F;

    if (len < HEADER || bytes[0] >> 6 != 1 || token_len > GROUP_MESSAGE_TOKEN_MAX ||
        len < HEADER + token_len) {
        return false;
    }
    *reader = (struct reader){bytes + HEADER + token_len, len - HEADER - token_len, 0};
    return true;
}

bool group_message_read(const uint8_t *bytes, size_t len, struct group_message *message) {
    struct reader reader;
    const uint8_t *value;
    size_t value_len;
    bool bad = false;

    if (!begin(bytes, len, &reader)) {
        return false;
    }
    *message = (struct group_message){.code = bytes[1],
                                      .mid = (uint16_t)(bytes[2] << 8 | bytes[3]),
                                      .token = bytes + HEADER,
                                      .token_len = bytes[0] & 0x0F,
                                      .content_format = -1,
                                      .no_response = -1};
    while (take_option(&reader, &value, &value_len, &bad)) {
        int number = 0;

        for (size_t i = 0; i < value_len && i < 2; i++) {
            number = number << 8 | value[i];
        }
        if (reader.option == CONTENT_FORMAT) {
            message->content_format = number;
        } else if (reader.option == NO_RESPONSE) {
            message->no_response = number;
        }
    }
    if (!bad && reader.left > 0) {
        message->payload = reader.at + 1;
        message->payload_len = reader.left - 1;
        bad = message->payload_len == 0;
    }
    return !bad;
}

bool group_message_path(const uint8_t *bytes, size_t len, char *path, size_t capacity) {
    struct reader reader;
    const uint8_t *value;
    size_t value_len;
    size_t at = 0;
    bool bad = !begin(bytes, len, &reader);

    while (!bad && take_option(&reader, &value, &value_len, &bad)) {
        if (reader.option == URI_PATH) {
            if (at + 1 + value_len >= capacity || memchr(value, '\0', value_len) != NULL) {
                return false;
            }
            path[at++] = '/';
            memcpy(path + at, value, value_len);
            at += value_len;
        }
    }
    if (at == 0) {
        path[at++] = '/';
    }
    path[at] = '\0';
    return !bad;
}

void group_message_print(const uint8_t *bytes, size_t len, char *out, size_t capacity) {
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < len && at + 5 <= capacity; i++) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F && bytes[i] != '\\') {
            out[at++] = (char)bytes[i];
        } else {
            out[at++] = '\\';
            out[at++] = 'x';
            out[at++] = digits[bytes[i] >> 4];
            out[at++] = digits[bytes[i] & 0x0F];
        }
    }
    out[at] = '\0';
}

uint8_t group_message_method(const char *name) {
    for (uint8_t i = 0; i < METHODS; i++) {
        if (strcasecmp(methods[i], name) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

const char *group_message_method_name(uint8_t code) {
    return code >= 1 && code <= METHODS ? methods[code - 1] : "?";
}
