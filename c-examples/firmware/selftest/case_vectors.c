/* What the library says to the protocol's test vectors, and to a recording of itself on a host. */
#include "cases.h"
#include "check.h"
#include "identity.h"
#include "transcript.h"
#include <string.h>

#define BYTES(buffer) (buffer), (sizeof(buffer))

void case_public_keys(int32_t profile) {
    uint8_t key[LSCOAP_PUBLIC_KEY_LEN];
    static const uint8_t zero[LSCOAP_SECRET_KEY_LEN];
    uint8_t beyond_order[LSCOAP_SECRET_KEY_LEN];
    (void)profile;
    CHECK_STATUS(lscoap_public_key(identity.device_secret, key), LSCOAP_OK);
    CHECK(memcmp(key, identity.device_key, sizeof key) == 0);
    CHECK_STATUS(lscoap_public_key(identity.server_secret, key), LSCOAP_OK);
    CHECK(memcmp(key, identity.server_key, sizeof key) == 0);
    CHECK_STATUS(lscoap_public_key(zero, key), LSCOAP_ERR_KEY);
    memset(beyond_order, 0xff, sizeof beyond_order);
    CHECK_STATUS(lscoap_public_key(beyond_order, key), LSCOAP_ERR_KEY);
}

void case_enrolment_strings(int32_t profile) {
    char text[LSCOAP_DEVICE_STRING_MAX];
    uint8_t id[LSCOAP_DEVICE_ID_MAX], key[LSCOAP_PUBLIC_KEY_LEN];
    size_t len;
    (void)profile;
    CHECK_STATUS(lscoap_format_device((const uint8_t *)DEVICE_ID, sizeof DEVICE_ID - 1,
                                      identity.device_key, BYTES(text), &len),
                 LSCOAP_OK);
    CHECK(strcmp(text, device_string) == 0);
    CHECK_STATUS(lscoap_parse_device(text, len, id, &len, key, NULL), LSCOAP_OK);
    CHECK(len == sizeof DEVICE_ID - 1 && memcmp(id, DEVICE_ID, len) == 0);
    CHECK(memcmp(key, identity.device_key, sizeof key) == 0);

    CHECK_STATUS(lscoap_format_server(identity.server_key, BYTES(text), &len), LSCOAP_OK);
    CHECK(strcmp(text, server_string) == 0);
    CHECK_STATUS(lscoap_parse_server(text, len, key, NULL), LSCOAP_OK);
    CHECK(memcmp(key, identity.server_key, sizeof key) == 0);

    for (size_t cut = 0; cut < strlen(device_string); cut++) {
        CHECK_STATUS(lscoap_parse_device(device_string, cut, id, &len, key, NULL),
                     LSCOAP_ERR_MALFORMED);
    }
    for (size_t cut = 0; cut < strlen(server_string); cut++) {
        CHECK_STATUS(lscoap_parse_server(server_string, cut, key, NULL), LSCOAP_ERR_MALFORMED);
    }
}

struct recorded {
    const char *name;
    const char *hex;
};

#define RECORDED(name, hex) {name, hex},
static const struct recorded recordings[] = {
#include "recorded.inc"
};
#undef RECORDED

/* How much of the recording has been compared: it has both profiles, in the order of the cases. */
static size_t compared;

static bool is_hex_of(const char *hex, const uint8_t *bytes, size_t len) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        if (hex[2 * i] != digits[bytes[i] >> 4] || hex[2 * i + 1] != digits[bytes[i] & 15]) {
            return false;
        }
    }
    return hex[2 * len] == '\0';
}

static void compare(const char *name, const uint8_t *bytes, size_t len) {
    if (CHECK(compared < sizeof recordings / sizeof *recordings)) {
        const struct recorded *expected = &recordings[compared++];
        CHECK(strcmp(strchr(expected->name, ' ') + 1, name) == 0);
        CHECK(is_hex_of(expected->hex, bytes, len));
    }
}

void case_recorded(int32_t profile) {
    const size_t before = compared;
    transcript(profile, compare);
    check_report((uint32_t)(compared - before), "messages, objects and keys");
    if (profile == LSCOAP_EXPRESS) {
        CHECK(compared == sizeof recordings / sizeof *recordings);
    }
}
