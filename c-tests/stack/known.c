#include "known.h"
#include "probe.h"
#include "reference.h"
#include <string.h>

/* A table with open addressing. */
enum { PLACES = 1 << 16, LONGEST = 1024 };

static struct {
    uint64_t window;
    struct known known;
} table[PLACES];
static size_t count;

static uint64_t window_at(const uint8_t *bytes) {
    uint64_t window;
    memcpy(&window, bytes, sizeof window);
    return window;
}

/* Where a window is, or would be. */
static size_t place(uint64_t window) {
    size_t at = (size_t)(window * 0x9e3779b97f4a7c15u >> 48);
    while (table[at].known.name != NULL && table[at].window != window) {
        at = (at + 1) % PLACES;
    }
    return at;
}

/* Bytes as they are. Those that are mostly one byte are no secret: paddings and short numbers. */
static void know_exactly(const char *name, const char *form, const uint8_t *bytes, size_t len) {
    must("the table of secrets is full", count + len < PLACES / 4 * 3 ? 0 : -1);
    for (size_t i = 0; i + WINDOW <= len; i++) {
        size_t same = 0;
        for (size_t j = 0; j < WINDOW; j++) {
            same += bytes[i + j] == bytes[i];
        }
        const size_t at = place(window_at(bytes + i));
        if (same <= WINDOW / 2 && table[at].known.name == NULL) {
            table[at].window = window_at(bytes + i);
            table[at].known = (struct known){name, form};
            count++;
        }
    }
}

/* In every order; `form` says what of the secret the bytes are. */
static void know_as(const char *name, const char *form, const uint8_t *bytes, size_t len) {
    uint8_t other[LONGEST] = {0};
    know_exactly(name, form, bytes, len);
    for (size_t i = 0; i < len; i++) {
        other[i] = bytes[len - 1 - i];
    }
    know_exactly(name, form, other, len);
    for (size_t i = 0; i < len / 4 * 4; i++) {
        other[i] = bytes[i / 4 * 4 + 3 - i % 4];
    }
    know_exactly(name, form, other, len / 4 * 4);
}

void know(const char *name, const uint8_t *bytes, size_t len) {
    know_as(name, "itself", bytes, len);
}

void know_hmac_key(const char *name, const uint8_t *key, size_t len) {
    static const uint8_t pads[] = {0x36, 0x5c};
    know(name, key, len);
    for (size_t pad = 0; pad < sizeof pads; pad++) {
        uint8_t block[64], bytes[32];
        uint32_t state[8];
        memset(block, pads[pad], sizeof block);
        for (size_t i = 0; i < len; i++) {
            block[i] ^= key[i];
        }
        know_as(name, "with a pad of HMAC", block, len);
        reference_sha256_block(block, state);
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
        }
        know_as(name, "as a state of SHA-256", bytes, sizeof bytes);
    }
}

void know_aes_key(const char *name, const uint8_t key[16]) {
    uint8_t round_keys[176];
    reference_round_keys(key, round_keys);
    know_as(name, "as round keys", round_keys, sizeof round_keys);
}

static void know_integer(const char *name, const uint8_t integer[32], const uint8_t modulus[32]) {
    uint8_t montgomery[32];
    know(name, integer, 32);
    memcpy(montgomery, integer, sizeof montgomery);
    for (size_t i = 0; i < 256; i++) {
        reference_add(montgomery, montgomery, modulus, montgomery);
    }
    know_as(name, "in Montgomery form", montgomery, sizeof montgomery);
}

void know_scalar(const char *name, const uint8_t scalar[32]) {
    know_integer(name, scalar, reference_n);
}

void know_coordinate(const char *name, const uint8_t coordinate[32]) {
    know_integer(name, coordinate, reference_p);
}

struct known known(const uint8_t *bytes) {
    return table[place(window_at(bytes))].known;
}

size_t known_count(void) {
    return count;
}
