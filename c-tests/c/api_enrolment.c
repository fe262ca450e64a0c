/* Enrolment strings. */
#include "support.h"
#include <stdlib.h>
#include <string.h>

/* Of the protocol's test vectors. */
#define ID "ONSW443POIWTO"
#define KEY "AJBQOB7P34WD3V7K4U4IUXG736LFYRLSPX4RJVKFUAVB2WE2CUSI2"
#define SERVER_KEY "ALFLWXUP7FYLHMVJSYFIJNKKIWRQ5LLLPHARK4I3OG6SO2SB3SFKQ"
static const char device_string[] = "LSC2:" ID ":" KEY ":22XW";
static const char device_string_v1[] = "LSC1:" ID ":" KEY;
static const char server_string[] = "LSS2:" SERVER_KEY ":EDVT";
static const char server_string_v1[] = "LSS1:" SERVER_KEY;

static lscoap_status parse_device(struct check *t, const char *text, size_t len, size_t *at) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX], key[LSCOAP_PUBLIC_KEY_LEN];
    size_t id_len = 12345;
    memset(id, CANARY, sizeof id);
    memset(key, CANARY, sizeof key);
    *at = 12345;
    lscoap_status status = lscoap_parse_device(text, len, id, &id_len, key, at);
    if (status != LSCOAP_OK) {
        CHECK_FILLED(id, CANARY, sizeof id);
        CHECK_FILLED(key, CANARY, sizeof key);
        CHECK(id_len == 12345 && *at <= len);
    }
    return status;
}

void case_device_strings(struct check *t) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX], key[LSCOAP_PUBLIC_KEY_LEN];
    char text[LSCOAP_DEVICE_STRING_MAX];
    size_t len = 12345, id_len = 0, at = 12345;
    CHECK_STATUS(
        lscoap_format_device((const uint8_t *)"sensor-7", 8, device_key, BYTES(text), &len),
        LSCOAP_OK);
    CHECK(len == sizeof device_string - 1 && strcmp(text, device_string) == 0);
    CHECK_STATUS(lscoap_parse_device(text, len, id, &id_len, key, &at), LSCOAP_OK);
    CHECK(id_len == 8 && at == 12345);
    CHECK_BYTES(id, "sensor-7", 8);
    CHECK_BYTES(key, device_key, sizeof key);
    CHECK_STATUS(lscoap_parse_device(text, len, id, &id_len, key, NULL), LSCOAP_OK);
    memset(key, CANARY, sizeof key);
    CHECK_STATUS(
        lscoap_parse_device(device_string_v1, sizeof device_string_v1 - 1, id, &id_len, key, &at),
        LSCOAP_OK);
    CHECK(id_len == 8 && at == 12345);
    CHECK_BYTES(key, device_key, sizeof key);

    uint8_t long_id[33];
    for (size_t n = 1; n <= 32; n++) { /* every length there and back, to the last bit of room */
        memset(long_id, (int)(n * 37 % 256), sizeof long_id);
        size_t need = 5 + (8 * n + 4) / 5 + 1 + 53 + 1 + 4 + 1;
        for (size_t cap = 0; cap < need; cap += cap + 2 < need ? 7 : 1) {
            char *out = malloc(cap + 1);
            memset(out, CANARY, cap + 1);
            len = 12345;
            CHECK_STATUS(lscoap_format_device(long_id, n, device_key, out, cap, &len),
                         LSCOAP_ERR_CAPACITY);
            CHECK_FILLED(out, CANARY, cap + 1);
            CHECK(len == 12345);
            free(out);
        }
        char *out = malloc(need);
        CHECK_STATUS(lscoap_format_device(long_id, n, device_key, out, need, &len), LSCOAP_OK);
        CHECK(len == need - 1 && strlen(out) == len);
        CHECK_STATUS(lscoap_parse_device(out, len, id, &id_len, key, &at), LSCOAP_OK);
        CHECK(id_len == n);
        CHECK_BYTES(id, long_id, n);
        free(out);
    }
    CHECK(len == LSCOAP_DEVICE_STRING_MAX - 1);
    CHECK_STATUS(lscoap_format_device(long_id, 0, device_key, BYTES(text), &len),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_format_device(NULL, 0, device_key, BYTES(text), &len), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_format_device(long_id, 33, device_key, BYTES(text), &len),
                 LSCOAP_ERR_ARGUMENT);
    uint8_t no_key[33] = {4};
    CHECK_STATUS(lscoap_format_device(long_id, 8, no_key, BYTES(text), &len), LSCOAP_ERR_KEY);
    CHECK_STATUS(lscoap_format_server(no_key, BYTES(text), &len), LSCOAP_ERR_KEY);
}

void case_server_strings(struct check *t) {
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    char text[LSCOAP_SERVER_STRING_MAX];
    size_t len = 12345, at = 12345;
    for (size_t cap = 0; cap < sizeof text; cap++) {
        char *out = malloc(cap + 1);
        memset(out, CANARY, cap + 1);
        CHECK_STATUS(lscoap_format_server(server_key, out, cap, &len), LSCOAP_ERR_CAPACITY);
        CHECK_FILLED(out, CANARY, cap + 1);
        free(out);
    }
    CHECK(len == 12345);
    CHECK_STATUS(lscoap_format_server(server_key, BYTES(text), &len), LSCOAP_OK);
    CHECK(len == sizeof server_string - 1 && strcmp(text, server_string) == 0);
    CHECK_STATUS(lscoap_parse_server(text, len, key, &at), LSCOAP_OK);
    CHECK_BYTES(key, server_key, sizeof key);
    CHECK(at == 12345);
    memset(key, CANARY, sizeof key);
    CHECK_STATUS(lscoap_parse_server(server_string_v1, sizeof server_string_v1 - 1, key, &at),
                 LSCOAP_OK);
    CHECK_BYTES(key, server_key, sizeof key);
    CHECK_STATUS(lscoap_parse_server(device_string, sizeof device_string - 1, key, &at),
                 LSCOAP_ERR_MALFORMED);
    CHECK(at == 2);
    CHECK_STATUS(lscoap_parse_server(server_string, sizeof server_string, key, &at),
                 LSCOAP_ERR_MALFORMED); /* the NUL is not part of it */
    CHECK(at == sizeof server_string - 1);
}

struct fault {
    const char *text;
    lscoap_status status;
    size_t at;
};

void case_string_faults(struct check *t) {
    static const struct fault faults[] = {
        {"", LSCOAP_ERR_MALFORMED, 0},
        {"L", LSCOAP_ERR_MALFORMED, 1},
        {"LSC1", LSCOAP_ERR_MALFORMED, 4},
        {"LSC1:", LSCOAP_ERR_MALFORMED, 5},
        {"lsc1:ONSW443POIWTO:" KEY, LSCOAP_ERR_MALFORMED, 0},
        {"LSC3:" ID ":" KEY, LSCOAP_ERR_MALFORMED, 3},
        {"LSC2:" ID ":" KEY, LSCOAP_ERR_MALFORMED, 72}, /* no check */
        {"LSC2:" ID ":" KEY ":", LSCOAP_ERR_MALFORMED, 73},
        {"LSC2:" ID ":" KEY ":22X", LSCOAP_ERR_MALFORMED, 76},
        {"LSC2:" ID ":" KEY ":22xW", LSCOAP_ERR_MALFORMED, 75},
        {"LSC2:" ID ":" KEY ":22XWA", LSCOAP_ERR_MALFORMED, 77},
        {"LSC2:" ID ":" KEY ":22XX", LSCOAP_ERR_MALFORMED, 73}, /* does not fit */
        {"LSC2:ONSW443POIWTQ:" KEY ":22XW", LSCOAP_ERR_MALFORMED, 73},
        {"LSC1:" ID ":" KEY ":22XW", LSCOAP_ERR_MALFORMED, 72},
        {"LSC1;ONSW443POIWTO:" KEY, LSCOAP_ERR_MALFORMED, 4},
        {"LSC1::" KEY, LSCOAP_ERR_MALFORMED, 5},
        {"LSC1:ONSW443POIWTO" KEY, LSCOAP_ERR_MALFORMED, 71},
        {"LSC1:ONSW443poIWTO:" KEY, LSCOAP_ERR_MALFORMED, 12},
        {"LSC1:ONSW443PO1WTO:" KEY, LSCOAP_ERR_MALFORMED, 14},
        {"LSC1:ONSW443POIWT:" KEY, LSCOAP_ERR_MALFORMED, 16},   /* spare bits, before the colon */
        {"LSC1:ONSW443POIWTP:" KEY, LSCOAP_ERR_MALFORMED, 17},  /* spare bits */
        {"LSC1:ONSW443POIWTOA:" KEY, LSCOAP_ERR_MALFORMED, 19}, /* no byte needs the last one */
        {"LSC1:A:" KEY, LSCOAP_ERR_MALFORMED, 6},
        {"LSC1:ONSW443POIWTO:", LSCOAP_ERR_MALFORMED, 19},
        {"LSC1:ONSW443POIWTO:" KEY "A", LSCOAP_ERR_MALFORMED, 73},
        {"LSC1:ONSW443POIWTO:" KEY ":", LSCOAP_ERR_MALFORMED, 72},
        {"LSC1:ONSW443POIWTO:" KEY "\n", LSCOAP_ERR_MALFORMED, 72},
        {"LSC1:ONSW443POIWTO:" KEY "=", LSCOAP_ERR_MALFORMED, 72},
        {" LSC1:ONSW443POIWTO:" KEY, LSCOAP_ERR_MALFORMED, 0},
        {"LSC1:ONSW443POIWTO:BJBQOB7P34WD3V7K4U4IUXG736LFYRLSPX4RJVKFUAVB2WE2CUSI2", LSCOAP_ERR_KEY,
         19},
        {"LSC1:ONSW443POIWTO:AL77777777777777777777777777777777777777777777777777Y", LSCOAP_ERR_KEY,
         19},
        {"LSC1:ONS\xc3\xa9"
         "443POIWTO:" KEY,
         LSCOAP_ERR_MALFORMED, 8},
        {"LSC1:ONS\xff"
         "443POIWTO:" KEY,
         LSCOAP_ERR_MALFORMED, 8},
        {"LSC3:ONS\xff"
         "443POIWTO:" KEY,
         LSCOAP_ERR_MALFORMED, 3}, /* the first fault counts */
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        size_t at;
        t->note = faults[i].text;
        CHECK_STATUS(parse_device(t, faults[i].text, strlen(faults[i].text), &at),
                     faults[i].status);
        CHECK(at == faults[i].at);
        CHECK_STATUS(lscoap_parse_device(faults[i].text, strlen(faults[i].text), (uint8_t[32]){0},
                                         &at, (uint8_t[33]){0}, NULL),
                     faults[i].status);
    }
}

/* Every other length, and every character turned into every other byte. */
void case_damaged_strings(struct check *t) {
    enum { LEN = sizeof device_string - 1 };
    char text[LEN];
    size_t at;
    for (size_t len = 0; len < LEN; len++) {
        char *cut = malloc(len + 1);
        memcpy(cut, device_string, len);
        CHECK_STATUS(parse_device(t, cut, len, &at), LSCOAP_ERR_MALFORMED);
        free(cut);
    }
    for (size_t place = 0; place < LEN; place++) {
        memcpy(text, device_string, LEN);
        for (unsigned other = 0; other < 256; other += place < 19 ? 1 : 5) {
            text[place] = (char)other;
            lscoap_status status = parse_device(t, text, LEN, &at);
            if ((char)other == device_string[place]) {
                CHECK_STATUS(status, LSCOAP_OK);
            } else { /* once in 2^20 the check would fit; with these bytes it does not */
                CHECK_STATUS(status, LSCOAP_ERR_MALFORMED);
                CHECK(at <= LEN);
            }
        }
    }
}

void case_strings_and_nulls(struct check *t) {
    uint8_t id[32], key[33];
    size_t len = 12345;
    char text[LSCOAP_DEVICE_STRING_MAX];
    const size_t n = sizeof device_string - 1;
    const uint8_t *name = (const uint8_t *)"sensor-7";
    memset(text, CANARY, sizeof text);
    memset(id, CANARY, sizeof id);
    memset(key, CANARY, sizeof key);
    CHECK_STATUS(lscoap_format_device(NULL, 8, device_key, BYTES(text), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_format_device(name, 8, NULL, BYTES(text), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_format_device(name, 8, device_key, NULL, sizeof text, &len),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_format_device(name, 8, device_key, NULL, 0, &len), LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(lscoap_format_device(name, 8, device_key, BYTES(text), NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_format_server(NULL, BYTES(text), &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_format_server(server_key, NULL, sizeof text, &len), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_format_server(server_key, BYTES(text), NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_device(NULL, n, id, &len, key, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_device(NULL, 0, id, &len, key, NULL), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_parse_device(device_string, n, NULL, &len, key, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_device(device_string, n, id, NULL, key, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_device(device_string, n, id, &len, NULL, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_server(NULL, n, key, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_server(server_string, sizeof server_string - 1, NULL, NULL),
                 LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_parse_device(device_string, SIZE_MAX, id, &len, key, NULL),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(lscoap_format_device(name, SIZE_MAX, device_key, BYTES(text), &len),
                 LSCOAP_ERR_ARGUMENT);
    CHECK_FILLED(text, CANARY, sizeof text);
    CHECK_FILLED(id, CANARY, sizeof id);
    CHECK_FILLED(key, CANARY, sizeof key);
    CHECK(len == 12345);
}
