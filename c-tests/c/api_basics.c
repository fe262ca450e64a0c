/* Versions, names and codes. */
#include "support.h"
#include <stdio.h>
#include <string.h>

static const lscoap_status statuses[] = {
    LSCOAP_OK,
    LSCOAP_SEND,
    LSCOAP_READY,
    LSCOAP_REFUSED,
    LSCOAP_ERR_NULL,
    LSCOAP_ERR_ARGUMENT,
    LSCOAP_ERR_UNINITIALISED,
    LSCOAP_ERR_STATE,
    LSCOAP_ERR_CAPACITY,
    LSCOAP_ERR_KEY,
    LSCOAP_ERR_RANDOM,
    LSCOAP_ERR_HARDWARE,
    LSCOAP_ERR_MALFORMED,
    LSCOAP_ERR_UNEXPECTED,
    LSCOAP_ERR_AUTHENTICATION,
    LSCOAP_ERR_REPLAY,
    LSCOAP_ERR_UNKNOWN_SESSION,
    LSCOAP_ERR_EXHAUSTED,
    LSCOAP_ERR_ANSWERED,
    LSCOAP_ERR_STORAGE,
    LSCOAP_ERR_UNSTORED,
    LSCOAP_ERR_BAD_OPTION,
    LSCOAP_ALERT_UNKNOWN_DEVICE,
    LSCOAP_ALERT_AUTHENTICATION,
    LSCOAP_ALERT_MALFORMED,
    LSCOAP_ALERT_BUSY,
    LSCOAP_ALERT_UNKNOWN_SESSION,
};
#define N_STATUSES (sizeof statuses / sizeof *statuses)

void case_version(struct check *t) {
    // cppcheck-suppress badBitmaskCheck
    CHECK(lscoap_version() == ((uint32_t)LSCOAP_VERSION_MAJOR << 16 |
                               (uint32_t)LSCOAP_VERSION_MINOR << 8 | LSCOAP_VERSION_PATCH));
#ifdef LSCOAP_TEST_VERSION /* what the build files read from Cargo.toml */
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", LSCOAP_VERSION_MAJOR, LSCOAP_VERSION_MINOR,
             LSCOAP_VERSION_PATCH);
    CHECK(strcmp(text, LSCOAP_TEST_VERSION) == 0);
#endif
}

void case_status_strings(struct check *t) {
    const char *unknown = lscoap_status_string(INT32_MIN);
    for (size_t i = 0; i < N_STATUSES; i++) {
        const char *text = lscoap_status_string(statuses[i]);
        CHECK(text != NULL && text[0] != '\0' && strcmp(text, unknown) != 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(statuses[i] != statuses[j]);
            CHECK(strcmp(text, lscoap_status_string(statuses[j])) != 0);
        }
    }
    static const lscoap_status others[] = {4, 1000, INT32_MAX, -19, -20, -33, -1000, INT32_MIN};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK(strcmp(lscoap_status_string(others[i]), unknown) == 0);
    }
}

void case_message_names(struct check *t) {
    static const char *const names[16] = {"?",  "M1", "M2", "M3",    "M4",      "X1",
                                          "X2", "R1", "R2", "RETRY", "RETRIED", "?",
                                          "?",  "?",  "?",  "ALERT"};
    for (unsigned first = 0; first < 256; first++) {
        uint8_t byte = (uint8_t)first;
        const char *expected = first < 16        ? "sealed object"
                               : first >> 4 == 1 ? names[first & 15]
                                                 : "?";
        CHECK(strcmp(lscoap_message_name(&byte, 1), expected) == 0);
    }
    CHECK(strcmp(lscoap_message_name(NULL, 0), "?") == 0);
    CHECK(strcmp(lscoap_message_name(NULL, 5), "?") == 0);
    CHECK(strcmp(lscoap_message_name((const uint8_t *)"", 0), "?") == 0);
}

#define CODE(class, detail) ((class) << 5 | (detail))

void case_response_codes(struct check *t) {
    static const uint8_t by_alert[] = {0,          CODE(4, 1), CODE(4, 1), CODE(4, 0),
                                       CODE(5, 3), CODE(4, 1), CODE(5, 0)};
    uint8_t answer[100] = {0x1f};
    for (uint8_t alert = 1; alert <= 6; alert++) {
        answer[1] = alert;
        CHECK(lscoap_response_code(answer, 2) == by_alert[alert]);
        CHECK(lscoap_response_code(answer, 1) == CODE(5, 0));
        CHECK(lscoap_response_code(answer, 3) == CODE(5, 0));
    }
    answer[0] = 0x19; /* RETRY */
    CHECK(lscoap_response_code(answer, 17) == CODE(4, 1));
    CHECK(lscoap_response_code(answer, 16) == CODE(5, 0));
    answer[0] = 0x14; /* M4 */
    CHECK(lscoap_response_code(answer, 73) == CODE(2, 4));
    answer[0] = 0x11; /* nothing that a server sends */
    CHECK(lscoap_response_code(answer, 42) == CODE(5, 0));
    CHECK(lscoap_response_code(NULL, 0) == CODE(5, 0));
    CHECK(lscoap_response_code(NULL, 2) == CODE(5, 0));
    CHECK(lscoap_response_code(answer, sizeof answer) == CODE(5, 0));
}

void case_record_refusals(struct check *t) {
    for (size_t i = 0; i < N_STATUSES; i++) {
        uint8_t alert[4] = {CANARY, CANARY, CANARY, CANARY};
        bool unknown =
            statuses[i] == LSCOAP_ERR_UNKNOWN_SESSION || statuses[i] == LSCOAP_ERR_UNINITIALISED;
        CHECK(lscoap_record_refusal(statuses[i], alert + 1) == CODE(4, unknown ? 1 : 0));
        CHECK(alert[1] == 0x1f && alert[2] == (unknown ? 5 : 2));
        CHECK(alert[0] == CANARY && alert[3] == CANARY);
        CHECK(lscoap_record_refusal(statuses[i], NULL) == CODE(4, unknown ? 1 : 0));
    }
}

void case_public_keys(struct check *t) {
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t secret[32] = {0}, key[35];
    memset(key, CANARY, sizeof key);
    CHECK_STATUS(lscoap_public_key(secret, key + 1), LSCOAP_ERR_KEY);
    CHECK_STATUS(lscoap_public_key(order, key + 1), LSCOAP_ERR_KEY);
    memset(secret, 0xff, sizeof secret);
    CHECK_STATUS(lscoap_public_key(secret, key + 1), LSCOAP_ERR_KEY);
    CHECK_FILLED(key, CANARY, sizeof key);
    memcpy(secret, order, sizeof secret);
    secret[31]--;
    CHECK_STATUS(lscoap_public_key(secret, key + 1), LSCOAP_OK);
    CHECK_STATUS(lscoap_public_key(device_secret, key + 1), LSCOAP_OK);
    CHECK_BYTES(key + 1, device_key, sizeof device_key);
    CHECK(key[0] == CANARY && key[34] == CANARY);
    CHECK_STATUS(lscoap_public_key(NULL, key), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_public_key(device_secret, NULL), LSCOAP_ERR_NULL);
}

extern int cxx_uses_the_header(void);

void case_cxx(struct check *t) {
    CHECK(cxx_uses_the_header() == 0);
}
