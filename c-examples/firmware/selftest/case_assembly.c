/* The assembly that the library has for this processor, called directly: the tests of
 * primitives/src, and whether every secret takes as many instructions. */
#include "board.h"
#include "cases.h"
#include "check.h"
#include <stdbool.h>
#include <string.h>

/* primitives/src/sha256/thumb2.rs */
void lscoap_sha256_compress(uint32_t *state, const uint8_t *block);
/* primitives/src/aes/scheduled.rs */
struct schedule {
    uint32_t words[88];
};
void lscoap_aes_encrypt_first(const uint8_t *key, struct schedule *schedule, uint8_t *pair);
void lscoap_aes_encrypt(const struct schedule *schedule, uint8_t *pair, bool both);
void lscoap_aes_wipe(struct schedule *schedule, uint8_t *pair);

enum { BLOCK = 16 };

static void parse(const char *hex, uint8_t *bytes) {
    for (; *hex != '\0'; hex += 2) {
        const uint32_t high = (uint32_t)hex[0], low = (uint32_t)hex[1];
        *bytes++ = (uint8_t)((high % 32 + 9) % 25 << 4 | (low % 32 + 9) % 25);
    }
}

static void check_encrypted(const char *key_hex, const char *plain_hex, const char *expected_hex) {
    uint8_t key[BLOCK], expected[BLOCK];
    parse(key_hex, key);
    parse(expected_hex, expected);
    for (size_t place = 0; place <= BLOCK; place += BLOCK) {
        struct schedule schedule;
        uint8_t pair[2 * BLOCK] = {0}, first[2 * BLOCK] = {0};
        parse(plain_hex, pair + place);
        parse(plain_hex, first);
        lscoap_aes_encrypt_first(key, &schedule, first);
        CHECK(memcmp(first, expected, BLOCK) == 0);
        lscoap_aes_encrypt(&schedule, pair, true);
        CHECK(memcmp(pair + place, expected, BLOCK) == 0);
    }
}

void case_aes(int32_t profile) {
    struct schedule schedule;
    uint8_t key[BLOCK] = {0}, pair[2 * BLOCK] = {0}, end[2 * BLOCK], first[2 * BLOCK];
    (void)profile;
    check_encrypted("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
                    "3925841d02dc09fbdc118597196a0b32");
    check_encrypted("000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
                    "69c4e0d86a7b0430d8cdb78070b4c55a");
    memset(pair + BLOCK, 1, BLOCK);
    for (int i = 0; i < 1000; i++) {
        memcpy(first, pair, sizeof first);
        lscoap_aes_encrypt_first(key, &schedule, first);
        lscoap_aes_encrypt(&schedule, pair, true);
        CHECK(memcmp(first, pair, BLOCK) == 0);
        for (size_t byte = 0; byte < BLOCK; byte++) {
            key[byte] ^= pair[byte];
        }
    }
    parse("c03b462451b8ec9fa674a2d1e9c0555ec2fef2ffab75dbfac47e67f4b87fdd83", end);
    CHECK(memcmp(pair, end, sizeof pair) == 0);
    memset(&schedule, 1, sizeof schedule);
    lscoap_aes_wipe(&schedule, pair);
    for (size_t word = 0; word < 44; word++) { /* all that `aes-table` uses */
        CHECK(schedule.words[word] == 0);
    }
    for (size_t byte = 0; byte < sizeof pair; byte++) {
        CHECK(pair[byte] == 0);
    }
}

/* Two runs may begin at different places between two ticks. */
static void check_ticks(uint32_t ticks, uint32_t *first) {
    if (*first == 0) {
        *first = ticks;
    }
    CHECK(ticks - *first + 2 <= 4);
}

void case_time_of_aes(int32_t profile) {
    uint32_t first = 0;
    (void)profile;
    for (int secret = 0; secret < 6; secret++) {
        struct schedule schedule;
        uint8_t key[BLOCK], pair[2 * BLOCK];
        for (int byte = 0; byte < BLOCK; byte++) {
            key[byte] = (uint8_t)(secret < 2 ? 255 * secret : byte * byte * 37 + secret * 91);
        }
        memset(pair, secret, sizeof pair);
        const uint32_t start = board_ticks();
        for (int i = 0; i < 1000; i++) {
            lscoap_aes_encrypt_first(key, &schedule, pair);
            lscoap_aes_encrypt(&schedule, pair, true);
        }
        const uint32_t ticks = board_ticks() - start;
        check_ticks(ticks, &first);
    }
}

void case_sha256(int32_t profile) {
    /* FIPS 180-4, the example "abc". */
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    static const uint32_t expected[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                         0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    uint32_t state[8];
    uint8_t block[64] = {'a', 'b', 'c', 0x80}, end[sizeof state];
    (void)profile;
    block[63] = 24;
    memcpy(state, initial, sizeof state);
    lscoap_sha256_compress(state, block);
    CHECK(memcmp(state, expected, sizeof state) == 0);

    memset(state, 0, sizeof state);
    for (int byte = 0; byte < 64; byte++) {
        block[byte] = (uint8_t)byte;
    }
    for (int round = 0; round < 1000; round++) {
        lscoap_sha256_compress(state, block);
        memcpy(block + (round % 2 ? 32 : 0), state, sizeof state);
    }
    parse("71cb6b63c07e8f6e11ab76df253f3c17b64d09ee79a96722bb09c071883fc938", end);
    for (int word = 0; word < 8; word++) {
        CHECK(state[word] == ((uint32_t)end[4 * word] << 24 | (uint32_t)end[4 * word + 1] << 16 |
                              (uint32_t)end[4 * word + 2] << 8 | end[4 * word + 3]));
    }
}

void case_time_of_sha256(int32_t profile) {
    uint32_t first = 0;
    (void)profile;
    for (int secret = 0; secret < 6; secret++) {
        uint32_t state[8];
        uint8_t block[64];
        memset(state, secret * 51, sizeof state);
        memset(block, 255 - secret * 51, sizeof block);
        const uint32_t start = board_ticks();
        for (int i = 0; i < 1000; i++) {
            lscoap_sha256_compress(state, block);
        }
        check_ticks(board_ticks() - start, &first);
    }
}
