#include "cases.h"
#include "check.h"
#include "coap_message.h"

#include <string.h>

enum { ETAG = 4 };

static bool is(const struct coap_writer *writer, const char *expected, size_t len) {
    return !writer->overflow && writer->len == len && memcmp(writer->bytes, expected, len) == 0;
}
#define IS(writer, expected) is(writer, expected, sizeof(expected) - 1)

static void writes_a_request(int32_t profile) {
    uint8_t bytes[64];
    struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};
    const uint8_t token[] = {0xAA, 0xBB};

    (void)profile;
    coap_write_header(&writer, COAP_CON, COAP_POST, 0x1234, token, sizeof token);
    CHECK(coap_write_path(&writer, "/.well-known/a"));
    coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, 65001);
    coap_write_payload(&writer, (const uint8_t *)"hi", 2);
    CHECK(IS(&writer, "\x42\x02\x12\x34\xAA\xBB"
                      "\xBB.well-known\x01"
                      "a\x12\xFD\xE9\xFFhi"));
}

static bool writes(const char *uri, const char *expected, size_t len) {
    uint8_t bytes[64];
    struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};

    return coap_write_path(&writer, uri) && coap_write_query(&writer, uri) &&
           is(&writer, expected, len);
}
#define WRITES(uri, expected) CHECK(writes(uri, expected, sizeof(expected) - 1))

static bool is_no_uri(const char *uri) {
    uint8_t bytes[64];
    struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};

    return !coap_write_path(&writer, uri) || !coap_write_query(&writer, uri);
}

/* RFC 7252 section 6.4. */
static void splits_a_uri(int32_t profile) {
    (void)profile;
    WRITES("/", "");
    WRITES("", "");
    WRITES("/index", "\xB5index");
    WRITES("index", "\xB5index");
    WRITES("/a/bc", "\xB1"
                    "a\x02"
                    "bc");
    WRITES("/a/", "\xB1"
                  "a\x00");
    WRITES("//a", "\xB0\x01"
                  "a");
    WRITES("/index?readings=2", "\xB5index\x4Areadings=2");
    WRITES("/?a=/&b", "\xD3\x02"
                      "a=/\x01"
                      "b");
    WRITES("?a&", "\xD1\x02"
                  "a\x00");
    WRITES("/%2F%c3%A4/%26?%26", "\xB3/\xC3\xA4\x01&\x41&");
    WRITES("/abcdefghijklm%20", "\xBD\x01"
                                "abcdefghijklm ");
    CHECK(is_no_uri("/a#b") && is_no_uri("/?#") && is_no_uri("#"));
    CHECK(is_no_uri("/%") && is_no_uri("/%4") && is_no_uri("/%4/") && is_no_uri("/%g0"));
    CHECK(is_no_uri("/a?%") && is_no_uri("/a?b&%0x"));
}

/* What steers a terminal does not reach it. */
static void makes_bytes_printable(int32_t profile) {
    char text[COAP_PRINTABLE_MAX];

    (void)profile;
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        const bool plain = (byte >= ' ' && byte < 0x7F) || byte == '\n';

        coap_printable((uint8_t)byte, text);
        CHECK(strlen(text) == (plain ? 1u : 4u));
        CHECK(plain ? text[0] == (char)byte : memcmp(text, "\\x", 2) == 0);
    }
    coap_printable(0x1B, text);
    CHECK(strcmp(text, "\\x1b") == 0);
}

static void writes_numbers_without_leading_zeroes(int32_t profile) {
    uint8_t bytes[16];
    struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};

    (void)profile;
    coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, 0);
    coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, 50);
    coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, 0x10000);
    CHECK(IS(&writer, "\xC0\x01\x32\x03\x01\x00\x00"));
}

static void what_does_not_fit_is_not_written(int32_t profile) {
    uint8_t bytes[8] = {0};

    (void)profile;
    for (size_t capacity = 0; capacity <= 7; capacity++) {
        struct coap_writer writer = {.bytes = bytes, .capacity = capacity};

        CHECK(coap_write_path(&writer, "/ab/cd"));
        CHECK(writer.overflow == (capacity < 6));
        CHECK(writer.len <= capacity && bytes[7] == 0);
    }
}

/* Each length and number of an option that is written another way; the next option is found again.
 */
static void long_options_are_passed_over(int32_t profile) {
    static const uint16_t lengths[] = {0, 12, 13, 268, 269, 300};
    uint8_t value[300];
    uint8_t bytes[400];
    struct coap_message message;

    (void)profile;
    memset(value, 0xFF, sizeof value); /* markers, if they were read as options */
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct coap_writer writer = {.bytes = bytes, .capacity = sizeof bytes};

        coap_write_header(&writer, COAP_ACK, COAP_CODE(2, 5), 7, NULL, 0);
        coap_write_option(&writer, ETAG, value, lengths[i]);
        coap_write_uint_option(&writer, COAP_OPTION_CONTENT_FORMAT, COAP_FORMAT_JSON);
        coap_write_option(&writer, (uint16_t)(20 + 2 * lengths[i]), value, 1);
        coap_write_payload(&writer, (const uint8_t *)"{}", 2);
        CHECK(coap_parse(bytes, writer.len, &message));
        CHECK(message.content_format == COAP_FORMAT_JSON && !message.critical);
        CHECK(message.payload_len == 2 && memcmp(message.payload, "{}", 2) == 0);
    }
}

static bool parses(const char *bytes, size_t len, struct coap_message *message) {
    uint8_t copy[32];

    memcpy(copy, bytes, len);
    return coap_parse(copy, len, message);
}
#define PARSES(bytes, message) parses(bytes, sizeof(bytes) - 1, message)

static void tells_critical_options(int32_t profile) {
    struct coap_message message;

    (void)profile;
    CHECK(PARSES("\x60\x45\x00\x01\xD1\x0E\x00", &message) && message.critical); /* Block1 */
    CHECK(PARSES("\x60\x45\x00\x01\xD0\x0A", &message)); /* Block2: one block is all there is */
    CHECK(!message.critical && !message.in_blocks);
    CHECK(PARSES("\x60\x45\x00\x01\xD1\x0A\x08", &message) && message.in_blocks);
    CHECK(PARSES("\x60\x45\x00\x01\xD3\x0A\xFF\xFF\xF6", &message) && message.in_blocks);
    CHECK(PARSES("\x60\x45\x00\x01\xD4\x0A\x00\x00\x00\x06", &message) && message.critical);
    CHECK(PARSES("\x60\x45\x00\x01\xE1\x06\xE5\x00", &message) && !message.critical);
    CHECK(PARSES("\x60\x45\x00\x01", &message) && message.content_format == COAP_NO_FORMAT);
}

static void refuses_what_is_no_message(int32_t profile) {
    struct coap_message message;

    (void)profile;
    CHECK(PARSES("\x60\x00\x00\x01", &message));
    CHECK(!PARSES("", &message));
    CHECK(!PARSES("\x60\x45\x00", &message));                 /* a part of the header */
    CHECK(!PARSES("\xA0\x45\x00\x01", &message));             /* version 2 */
    CHECK(!PARSES("\x69\x45\x00\x01wwwwwwwww", &message));    /* nine bytes of token */
    CHECK(!PARSES("\x62\x45\x00\x01w", &message));            /* a part of the token */
    CHECK(!PARSES("\x60\x00\x00\x01\xFFx", &message));        /* empty, with a payload */
    CHECK(!PARSES("\x60\x45\x00\x01\xFF", &message));         /* a marker of no payload */
    CHECK(!PARSES("\x60\x45\x00\x01\x43xx", &message));       /* a part of a value */
    CHECK(!PARSES("\x60\x45\x00\x01\xF0", &message));         /* reserved delta */
    CHECK(!PARSES("\x60\x45\x00\x01\x4F", &message));         /* reserved length */
    CHECK(!PARSES("\x60\x45\x00\x01\xD0", &message));         /* a part of a delta */
    CHECK(!PARSES("\x60\x45\x00\x01\x4E\x00", &message));     /* a part of a length */
    CHECK(!PARSES("\x60\x45\x00\x01\xE0\xFF\xFF", &message)); /* number above 65535 */
    CHECK(!PARSES("\x60\x45\x00\x01\xE0\xF0\x00\xE0\x0F\x00", &message)); /* in two steps */
}

static void reads_a_plaintext(int32_t profile) {
    uint8_t plain[] = {0x45, 0xC1, COAP_FORMAT_JSON, 0xFF, '7'};
    struct coap_message message;

    (void)profile;
    CHECK(coap_parse_plaintext(plain, sizeof plain, &message));
    CHECK(message.code == COAP_CODE(2, 5) && message.content_format == COAP_FORMAT_JSON);
    CHECK(message.payload == plain + 4 && message.payload_len == 1);
    CHECK(coap_parse_plaintext(plain, 1, &message) && message.payload_len == 0);
    CHECK(!coap_parse_plaintext(plain, 0, &message));
    CHECK(!coap_parse_plaintext(plain, 4, &message));
}

void message_cases(void) {
    check_case("writes a request", writes_a_request, 0);
    check_case("splits a URI", splits_a_uri, 0);
    check_case("makes bytes printable", makes_bytes_printable, 0);
    check_case("writes numbers without leading zeroes", writes_numbers_without_leading_zeroes, 0);
    check_case("what does not fit is not written", what_does_not_fit_is_not_written, 0);
    check_case("long options are passed over", long_options_are_passed_over, 0);
    check_case("tells critical options", tells_critical_options, 0);
    check_case("refuses what is no message", refuses_what_is_no_message, 0);
    check_case("reads a plaintext", reads_a_plaintext, 0);
}
