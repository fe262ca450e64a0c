/* Follows FIPS 197 to the letter, without tables: neither fast nor of constant time. */
#include "mock_aes.h"
#include <string.h>

#define ROUNDS 10

/* A product in GF(2^8), modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t multiply(uint8_t a, uint8_t b) {
    uint8_t product = 0;
    for (; b != 0; b >>= 1) {
        if (b & 1) {
            product ^= a;
        }
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return product;
}

/* SubBytes of one byte: its inverse, which is its 254th power, through an affine map. */
static uint8_t substitute(uint8_t byte) {
    uint8_t power = byte, inverse = 1, result = 0x63;
    for (int bit = 1; bit < 8; bit++) {
        power = multiply(power, power);
        inverse = multiply(inverse, power);
    }
    for (int shift = 0; shift < 5; shift++) {
        result ^= (uint8_t)(inverse << shift | inverse >> (8 - shift));
    }
    return result;
}

/* The round key that follows. */
static void next_key(uint8_t *key, uint8_t round_constant) {
    for (int row = 0; row < 4; row++) {
        key[row] ^= substitute(key[12 + (row + 1) % 4]);
    }
    key[0] ^= round_constant;
    for (int i = 4; i < 16; i++) {
        key[i] ^= key[i - 4];
    }
}

static void add_key(uint8_t *state, const uint8_t *key) {
    for (int i = 0; i < 16; i++) {
        state[i] ^= key[i];
    }
}

/* SubBytes and ShiftRows. Byte 4 * column + row. */
static void substitute_and_shift(uint8_t *state) {
    uint8_t before[16];
    memcpy(before, state, sizeof before);
    for (int i = 0; i < 16; i++) {
        state[i] = substitute(before[(i + 4 * (i % 4)) % 16]);
    }
}

static void mix_columns(uint8_t *state) {
    for (uint8_t *column = state; column != state + 16; column += 4) {
        uint8_t a[4];
        memcpy(a, column, sizeof a);
        for (int row = 0; row < 4; row++) {
            column[row] = (uint8_t)(multiply(a[row], 2) ^ multiply(a[(row + 1) % 4], 3) ^
                                    a[(row + 2) % 4] ^ a[(row + 3) % 4]);
        }
    }
}

void mock_aes128(const uint8_t *key, uint8_t *block) {
    uint8_t round_key[16], round_constant = 1;
    memcpy(round_key, key, sizeof round_key);
    add_key(block, round_key);
    for (int round = 1; round <= ROUNDS; round++) {
        next_key(round_key, round_constant);
        round_constant = multiply(round_constant, 2);
        substitute_and_shift(block);
        if (round != ROUNDS) {
            mix_columns(block);
        }
        add_key(block, round_key);
    }
}
