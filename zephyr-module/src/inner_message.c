#include "inner_message.h"

#include <string.h>

enum {
    HEADER_LEN = 4,
    TOKEN_MAX = 8,
    PAYLOAD_MARKER = 0xFF,
    GET = 1,
    POST = 2,
    FETCH = 5,
    LAST_METHOD = 7, /* iPATCH */
    URI_HOST = 3,
    OBSERVE = 6,
    URI_PORT = 7,
    URI_PATH = 11,
    URI_QUERY = 15,
    PROXY_URI = 35,
    PROXY_SCHEME = 39,
    EXTEND_1 = 13, /* a nibble that stands for this much and the next byte */
    EXTEND_2 = 14, /* and for 269 and the next two bytes */
    EXTENDED_2 = 269
};

/* ---- reading options where they lie */

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t number; /* of the option read last */
    const uint8_t *value;
    size_t len;
    bool bad;
};

static bool read_extended(struct reader *reader, uint32_t nibble, uint32_t *out) {
    size_t bytes = nibble == EXTEND_1 ? 1 : nibble == EXTEND_2 ? 2 : 0;

    if (nibble > EXTEND_2 || (size_t)(reader->end - reader->at) < bytes) {
        return false;
    }
    *out = nibble;
    if (bytes == 1) {
        *out = EXTEND_1 + reader->at[0];
    } else if (bytes == 2) {
        *out = EXTENDED_2 + ((uint32_t)reader->at[0] << 8 | reader->at[1]);
    }
    reader->at += bytes;
    return true;
}

/* The next option. False at the payload marker, at the end, and where it is bad. */
static bool next(struct reader *reader) {
    uint32_t delta, len;
    uint8_t first;

    if (reader->at == reader->end || *reader->at == PAYLOAD_MARKER) {
        return false;
    }
    first = *reader->at++;
    if (!read_extended(reader, first >> 4, &delta) || !read_extended(reader, first & 0x0F, &len) ||
        (size_t)(reader->end - reader->at) < len || reader->number + delta > UINT16_MAX) {
        reader->bad = true;
        return false;
    }
    reader->number += delta;
    reader->value = reader->at;
    reader->len = len;
    reader->at += len;
    return true;
}

/* Where the options of a message begin; 0 if it is none. */
static size_t options_at(const uint8_t *message, size_t len) {
    size_t at;

    if (len < HEADER_LEN || message[0] >> 6 != 1 || (message[0] & 0x0F) > TOKEN_MAX) {
        return 0;
    }
    at = HEADER_LEN + (message[0] & 0x0F);
    return at <= len ? at : 0;
}

static struct reader read_message(const uint8_t *message, size_t len) {
    size_t at = options_at(message, len);

    return (struct reader){.at = message + at, .end = message + len, .bad = at == 0};
}

/* ---- writing them */

struct writer {
    uint8_t *bytes;
    size_t capacity;
    size_t len;
    uint32_t number;
    bool overflow;
};

static void put(struct writer *writer, const uint8_t *bytes, size_t len) {
    if (writer->overflow || writer->capacity - writer->len < len) {
        writer->overflow = true;
    } else if (len > 0) {
        memcpy(writer->bytes + writer->len, bytes, len);
        writer->len += len;
    }
}

/* A nibble, and what follows it. */
static uint8_t extend(uint32_t value, uint8_t bytes[2], size_t *len) {
    if (value < EXTEND_1) {
        *len = 0;
        return (uint8_t)value;
    }
    if (value < EXTENDED_2) {
        *len = 1;
        bytes[0] = (uint8_t)(value - EXTEND_1);
        return EXTEND_1;
    }
    *len = 2;
    bytes[0] = (uint8_t)((value - EXTENDED_2) >> 8);
    bytes[1] = (uint8_t)(value - EXTENDED_2);
    return EXTEND_2;
}

static void put_option(struct writer *writer, const struct reader *option) {
    uint8_t delta_bytes[2], len_bytes[2];
    size_t deltas, lens;
    uint8_t first = (uint8_t)(extend(option->number - writer->number, delta_bytes, &deltas) << 4);

    first |= extend((uint32_t)option->len, len_bytes, &lens);
    put(writer, &first, 1);
    put(writer, delta_bytes, deltas);
    put(writer, len_bytes, lens);
    put(writer, option->value, option->len);
    writer->number = option->number;
}

/* ---- requests */

static bool is_path_or_query(uint32_t number) {
    return number == URI_PATH || number == URI_QUERY;
}

/* What says where a request goes belongs to the outer message. */
static bool is_for_outer_only(uint32_t number) {
    return is_path_or_query(number) || number == URI_HOST || number == URI_PORT ||
           number == PROXY_URI || number == PROXY_SCHEME;
}

/* The next option of the outer message that the handler sees. */
static bool next_outer(struct reader *outer) {
    while (next(outer)) {
        if (is_path_or_query(outer->number)) {
            return true;
        }
    }
    return false;
}

/* The next option of the plaintext that the handler sees. */
static bool next_inner(struct reader *inner, bool *refused) {
    while (next(inner)) {
        if (is_for_outer_only(inner->number)) {
            *refused = true;
        } else if (inner->number != OBSERVE) {
            return true;
        }
    }
    return false;
}

int inner_request_aad(const uint8_t *outer, size_t outer_len, uint8_t *aad, size_t capacity) {
    struct reader reader = read_message(outer, outer_len);
    struct writer writer = {.bytes = aad, .capacity = capacity};

    while (!reader.bad && next_outer(&reader)) {
        put_option(&writer, &reader);
    }
    return reader.bad || writer.overflow ? -1 : (int)writer.len;
}

/* Both messages' options, in the order of their numbers. False: the inner one has what it may not.
 */
static bool merge(struct reader *outer, struct reader *inner, struct writer *writer) {
    bool refused = false;
    bool more_outer = next_outer(outer);
    bool more_inner = next_inner(inner, &refused);

    while (more_outer || more_inner) {
        if (more_outer && (!more_inner || outer->number <= inner->number)) {
            put_option(writer, outer);
            more_outer = next_outer(outer);
        } else {
            put_option(writer, inner);
            more_inner = next_inner(inner, &refused);
        }
    }
    return !refused;
}

enum inner_result inner_request(const uint8_t *outer, size_t outer_len, const uint8_t *plain,
                                size_t plain_len, uint8_t *out, size_t capacity, size_t *out_len) {
    struct reader from_outer = read_message(outer, outer_len);
    struct reader from_inner = {0};
    struct writer writer = {.bytes = out, .capacity = capacity};
    bool allowed;

    if (from_outer.bad || plain_len == 0) {
        return INNER_MALFORMED;
    }
    from_inner.at = plain + 1;
    from_inner.end = plain + plain_len;
    put(&writer, outer, 1);
    put(&writer, plain, 1);
    put(&writer, outer + 2, (size_t)(from_outer.at - outer) - 2);
    allowed = merge(&from_outer, &from_inner, &writer);
    /* A payload marker without a payload is malformed, too (RFC 7252 section 3). */
    if (from_outer.bad || from_inner.bad || from_inner.end - from_inner.at == 1) {
        return INNER_MALFORMED;
    }
    if (!allowed) {
        return INNER_BAD_OPTION;
    }
    put(&writer, from_inner.at, (size_t)(from_inner.end - from_inner.at));
    *out_len = writer.len;
    return writer.overflow ? INNER_TOO_LONG : INNER_OK;
}

bool inner_method_fits(uint8_t inner_code, uint8_t outer_code) {
    if (inner_code == GET || inner_code == FETCH) {
        return outer_code == FETCH;
    }
    return inner_code > GET && inner_code <= LAST_METHOD && outer_code == POST;
}

/* ---- answers */

int inner_answer(const uint8_t *message, size_t len, uint8_t *plain, size_t capacity) {
    struct writer writer = {.bytes = plain, .capacity = capacity};
    size_t at = options_at(message, len);

    if (at == 0) {
        return -1;
    }
    put(&writer, message + 1, 1);
    put(&writer, message + at, len - at);
    return writer.overflow ? -1 : (int)writer.len;
}
