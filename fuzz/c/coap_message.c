#include "coap_message.h"

#include <string.h>

enum {
    VERSION = 1,
    PAYLOAD_MARKER = 0xFF,
    /* Deltas and lengths of options: a nibble of this or more says how many bytes hold the rest. */
    ONE_MORE_BYTE = 13,
    TWO_MORE_BYTES = 14,
    TWO_BYTES_FROM = 269,
    BLOCK_SIZE_MAX = 7 /* the three bits of a Block option that are the size of a block */
};

/* ---- writing ---- */

static void put(struct coap_writer *writer, const void *bytes, size_t len) {
    if (writer->overflow || len > writer->capacity - writer->len) {
        writer->overflow = true;
    } else if (len > 0) {
        memcpy(writer->bytes + writer->len, bytes, len);
        writer->len += len;
    }
}

static void put_byte(struct coap_writer *writer, unsigned byte) {
    const uint8_t one = (uint8_t)byte;

    put(writer, &one, 1);
}

void coap_write_header(struct coap_writer *writer, enum coap_type type, uint8_t code, uint16_t id,
                       const uint8_t *token, size_t token_len) {
    put_byte(writer, VERSION << 6 | (unsigned)type << 4 | (unsigned)token_len);
    put_byte(writer, code);
    put_byte(writer, id >> 8);
    put_byte(writer, id & 0xFFU);
    put(writer, token, token_len);
}

void coap_write_code(struct coap_writer *writer, uint8_t code) {
    put_byte(writer, code);
}

static unsigned nibble_of(size_t value) {
    return value < ONE_MORE_BYTE    ? (unsigned)value
           : value < TWO_BYTES_FROM ? ONE_MORE_BYTE
                                    : TWO_MORE_BYTES;
}

static void put_rest(struct coap_writer *writer, size_t value) {
    if (value >= TWO_BYTES_FROM) {
        put_byte(writer, (unsigned)(value - TWO_BYTES_FROM) >> 8);
        put_byte(writer, (unsigned)(value - TWO_BYTES_FROM) & 0xFFU);
    } else if (value >= ONE_MORE_BYTE) {
        put_byte(writer, (unsigned)(value - ONE_MORE_BYTE));
    }
}

static void put_option_header(struct coap_writer *writer, uint16_t number, size_t len) {
    size_t delta = (size_t)number - writer->last_option;

    put_byte(writer, nibble_of(delta) << 4 | nibble_of(len));
    put_rest(writer, delta);
    put_rest(writer, len);
    writer->last_option = number;
}

void coap_write_option(struct coap_writer *writer, uint16_t number, const void *value, size_t len) {
    put_option_header(writer, number, len);
    put(writer, value, len);
}

void coap_write_uint_option(struct coap_writer *writer, uint16_t number, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    size_t zeroes = 0;

    while (zeroes < sizeof bytes && bytes[zeroes] == 0) {
        zeroes++;
    }
    coap_write_option(writer, number, bytes + zeroes, sizeof bytes - zeroes);
}

static int hex_digit(char digit) {
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

/* Percent-decodes up to one of `ends` and gives where that is; null: a bad escape. `out` may be
 * null, to learn the length. */
static const char *decode(const char *text, const char *ends, size_t *len,
                          struct coap_writer *out) {
    for (*len = 0; *text != '\0' && strchr(ends, *text) == NULL; text++, (*len)++) {
        uint8_t byte = (uint8_t)*text;

        if (byte == '%') {
            const int high = hex_digit(text[1]);
            const int low = high < 0 ? -1 : hex_digit(text[2]);

            if (low < 0) {
                return NULL;
            }
            byte = (uint8_t)(high << 4 | low);
            text += 2;
        }
        if (out != NULL) {
            put(out, &byte, 1);
        }
    }
    return text;
}

/* One option for each part, from after its delimiter to the next. Gives where the last one ends. */
static const char *write_parts(struct coap_writer *writer, uint16_t number, char delimiter,
                               const char *ends, const char *text) {
    size_t len;

    do {
        const char *end = decode(text, ends, &len, NULL);

        if (end == NULL) {
            return NULL;
        }
        put_option_header(writer, number, len);
        (void)decode(text, ends, &len, writer);
        text = end;
    } while (*text++ == delimiter);
    return text - 1;
}

bool coap_write_path(struct coap_writer *writer, const char *uri) {
    if (*uri == '/') {
        uri++;
    }
    if (*uri != '\0' && *uri != '?') {
        uri = write_parts(writer, COAP_OPTION_URI_PATH, '/', "/?#", uri);
    }
    return uri != NULL && *uri != '#';
}

bool coap_write_query(struct coap_writer *writer, const char *uri) {
    uri = strchr(uri, '?');
    if (uri == NULL) {
        return true;
    }
    uri = write_parts(writer, COAP_OPTION_URI_QUERY, '&', "&#", uri + 1);
    return uri != NULL && *uri != '#';
}

void coap_write_payload(struct coap_writer *writer, const uint8_t *payload, size_t len) {
    if (len > 0) {
        put_byte(writer, PAYLOAD_MARKER);
        put(writer, payload, len);
    }
}

/* ---- reading ---- */

/* The bytes that are left to read. */
struct reader {
    uint8_t *at;
    size_t left;
};

static bool take(struct reader *reader, size_t len, uint8_t **bytes) {
    if (len > reader->left) {
        return false;
    }
    *bytes = reader->at;
    reader->at += len;
    reader->left -= len;
    return true;
}

/* The value that a nibble stands for. */
static bool take_rest(struct reader *reader, unsigned nibble, size_t *value) {
    uint8_t *more;

    *value = nibble;
    if (nibble == ONE_MORE_BYTE && take(reader, 1, &more)) {
        *value = ONE_MORE_BYTE + (size_t)more[0];
        return true;
    }
    if (nibble == TWO_MORE_BYTES && take(reader, 2, &more)) {
        *value = TWO_BYTES_FROM + ((size_t)more[0] << 8 | more[1]);
        return true;
    }
    return nibble < ONE_MORE_BYTE;
}

static uint32_t uint_of(const uint8_t *value, size_t len) {
    uint32_t number = 0;

    for (size_t i = 0; i < len; i++) {
        number = number << 8 | value[i];
    }
    return number;
}

/* Odd numbers are critical. Of those, a response has only Block2 that says something to this
 * client: all but the size of a block is zero where the first block is the only one. */
static void note_option(struct coap_message *message, size_t number, const uint8_t *value,
                        size_t len) {
    if (number == COAP_OPTION_CONTENT_FORMAT && len <= 2) {
        message->content_format = (int32_t)uint_of(value, len);
    } else if (number == COAP_OPTION_BLOCK2 && len <= 3) {
        message->in_blocks = uint_of(value, len) > BLOCK_SIZE_MAX;
    } else if ((number & 1U) != 0) {
        message->critical = true;
    }
}

static bool parse_options_and_payload(struct reader *reader, struct coap_message *message) {
    size_t number = 0;
    uint8_t *first;

    message->content_format = COAP_NO_FORMAT;
    message->critical = false;
    message->in_blocks = false;
    message->payload = NULL;
    message->payload_len = 0;
    while (take(reader, 1, &first)) {
        size_t delta;
        size_t len;
        uint8_t *value;

        if (*first == PAYLOAD_MARKER) {
            message->payload = reader->at;
            message->payload_len = reader->left;
            return reader->left > 0;
        }
        if (!take_rest(reader, *first >> 4, &delta) || !take_rest(reader, *first & 15U, &len) ||
            !take(reader, len, &value) || delta > UINT16_MAX - number) {
            return false;
        }
        number += delta;
        note_option(message, number, value, len);
    }
    return true;
}

bool coap_parse(uint8_t *datagram, size_t len, struct coap_message *message) {
    struct reader reader = {datagram, len};
    uint8_t *header;
    uint8_t *token;

    if (!take(&reader, COAP_HEADER_LEN, &header) || header[0] >> 6 != VERSION) {
        return false;
    }
    message->type = (enum coap_type)(header[0] >> 4 & 3U);
    message->token_len = header[0] & 15U;
    message->code = header[1];
    message->id = (uint16_t)(header[2] << 8 | header[3]);
    if (message->token_len > COAP_TOKEN_MAX || !take(&reader, message->token_len, &token)) {
        return false;
    }
    message->token = token;
    if (message->code == COAP_EMPTY && len != COAP_HEADER_LEN) {
        return false;
    }
    return parse_options_and_payload(&reader, message);
}

bool coap_parse_plaintext(uint8_t *plain, size_t len, struct coap_message *message) {
    struct reader reader = {plain, len};
    uint8_t *code;

    if (!take(&reader, 1, &code)) {
        return false;
    }
    message->type = COAP_CON; /* the type, id and token are the outer message's */
    message->id = 0;
    message->token = NULL;
    message->token_len = 0;
    message->code = *code;
    return parse_options_and_payload(&reader, message);
}

void coap_printable(uint8_t byte, char text[COAP_PRINTABLE_MAX]) {
    static const char digits[] = "0123456789abcdef";

    if ((byte >= ' ' && byte <= '~') || byte == '\n') {
        text[0] = (char)byte;
        text[1] = '\0';
    } else {
        text[0] = '\\';
        text[1] = 'x';
        text[2] = digits[byte >> 4];
        text[3] = digits[byte & 15U];
        text[4] = '\0';
    }
}
