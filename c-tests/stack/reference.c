#include "reference.h"
#include <stdbool.h>
#include <string.h>

/* ---- FIPS 180-4 */

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotated(uint32_t word, unsigned by) {
    return word >> by | word << (32 - by);
}

static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void compress(uint32_t state[8], const uint8_t block[64]) {
    uint32_t w[64], s[8];
    for (size_t i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (size_t i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + w[i - 7] +
               (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (size_t i = 0; i < 64; i++) {
        const uint32_t one = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) +
                             ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constants[i] + w[i];
        const uint32_t two = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) +
                             ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += s[i];
    }
}

void reference_sha256_block(const uint8_t block[64], uint32_t state[8]) {
    memcpy(state, initial, sizeof initial);
    compress(state, block);
}

struct hash {
    uint32_t state[8];
    uint8_t block[64];
    uint64_t len;
};

static void take(struct hash *hash, uint8_t byte) {
    hash->block[hash->len++ % 64] = byte;
    if (hash->len % 64 == 0) {
        compress(hash->state, hash->block);
    }
}

static void take_parts(struct hash *hash, const struct part *parts) {
    for (; parts->bytes != NULL; parts++) {
        for (size_t i = 0; i < parts->len; i++) {
            take(hash, ((const uint8_t *)parts->bytes)[i]);
        }
    }
}

static void finish(struct hash *hash, uint8_t digest[32]) {
    const uint64_t bits = hash->len * 8;
    take(hash, 0x80);
    while (hash->len % 64 != 56) {
        take(hash, 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        take(hash, (uint8_t)(bits >> (56 - 8 * i)));
    }
    for (size_t i = 0; i < 32; i++) {
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void reference_sha256(const struct part *parts, uint8_t digest[32]) {
    struct hash hash = {.len = 0};
    memcpy(hash.state, initial, sizeof initial);
    take_parts(&hash, parts);
    finish(&hash, digest);
}

/* ---- RFC 2104, 5869 and 6979 */

void reference_hmac(const uint8_t *key, size_t key_len, const struct part *parts, uint8_t mac[32]) {
    struct hash inner = {.len = 0}, outer = {.len = 0};
    memcpy(inner.state, initial, sizeof initial);
    memcpy(outer.state, initial, sizeof initial);
    for (size_t i = 0; i < 64; i++) {
        const uint8_t byte = i < key_len ? key[i] : 0;
        take(&inner, byte ^ 0x36);
        take(&outer, byte ^ 0x5c);
    }
    take_parts(&inner, parts);
    finish(&inner, mac);
    take_parts(&outer, PARTS({mac, 32}));
    finish(&outer, mac);
}

void reference_expand(const uint8_t prk[32], const struct part *info, uint8_t *out, size_t len) {
    struct part parts[8];
    size_t count = 0;
    uint8_t block[32];
    while (count < 6 && info[count].bytes != NULL) {
        parts[count] = info[count];
        count++;
    }
    parts[count++] = (struct part){"\x01", 1};
    parts[count] = (struct part){NULL, 0};
    reference_hmac(prk, 32, parts, block);
    memcpy(out, block, len);
}

void reference_nonce(const uint8_t secret[32], const uint8_t digest[32], uint8_t nonce[32]) {
    static const uint8_t zeroes[32];
    uint8_t k[32] = {0}, v[32], z[32];
    reference_add(digest, zeroes, reference_n, z);
    memset(v, 1, sizeof v);
    for (uint8_t separator = 0; separator <= 1; separator++) {
        reference_hmac(k, 32, PARTS({v, 32}, {&separator, 1}, {secret, 32}, {z, 32}), k);
        reference_hmac(k, 32, PARTS({v, 32}), v);
    }
    reference_hmac(k, 32, PARTS({v, 32}), nonce);
}

/* ---- integers */

const uint8_t reference_n[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
const uint8_t reference_p[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
                                 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void reference_add(const uint8_t a[32], const uint8_t b[32], const uint8_t modulus[32],
                   uint8_t sum[32]) {
    uint8_t whole[32], reduced[32];
    unsigned carry = 0, borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        carry += (unsigned)a[i] + b[i];
        whole[i] = (uint8_t)carry;
        carry >>= 8;
    }
    for (size_t i = 32; i-- > 0;) {
        const unsigned difference = 0x100u + whole[i] - modulus[i] - borrow;
        reduced[i] = (uint8_t)difference;
        borrow = difference < 0x100u;
    }
    memcpy(sum, carry >= borrow ? reduced : whole, 32);
}

void reference_multiply(const uint8_t a[32], const uint8_t b[32], const uint8_t modulus[32],
                        uint8_t product[32]) {
    uint8_t sum[32] = {0};
    for (unsigned bit = 0; bit < 256; bit++) {
        reference_add(sum, sum, modulus, sum);
        if ((b[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            reference_add(sum, a, modulus, sum);
        }
    }
    memcpy(product, sum, 32);
}

void reference_invert(const uint8_t a[32], const uint8_t modulus[32], uint8_t inverse[32]) {
    uint8_t power[32] = {0}, exponent[32];
    memcpy(exponent, modulus, 32);
    exponent[31] -= 2; /* Fermat; neither modulus ends in 0 or 1 */
    power[31] = 1;
    for (unsigned bit = 0; bit < 256; bit++) {
        reference_multiply(power, power, modulus, power);
        if ((exponent[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            reference_multiply(power, a, modulus, power);
        }
    }
    memcpy(inverse, power, 32);
}

/* ---- FIPS 197 */

static uint8_t doubled(uint8_t byte) {
    return (uint8_t)(byte << 1 ^ (byte >> 7) * 0x1b);
}

/* In the field of AES. */
static uint8_t times(uint8_t a, uint8_t b) {
    uint8_t product = 0;
    for (; b != 0; b >>= 1, a = doubled(a)) {
        product ^= (uint8_t)((b & 1) * a);
    }
    return product;
}

static uint8_t substituted(uint8_t byte) {
    uint8_t inverse = 1, out;
    for (unsigned i = 0; i < 254; i++) {
        inverse = times(inverse, byte);
    }
    out = inverse;
    for (unsigned i = 1; i <= 4; i++) {
        out ^= (uint8_t)(inverse << i | inverse >> (8 - i));
    }
    return out ^ 0x63;
}

void reference_round_keys(const uint8_t key[16], uint8_t round_keys[176]) {
    uint8_t constant = 1;
    memcpy(round_keys, key, 16);
    for (size_t i = 16; i < 176; i++) {
        uint8_t byte = round_keys[i - 4];
        if (i % 16 < 4) {
            byte = substituted(round_keys[i % 16 == 3 ? i - 7 : i - 3]);
            byte ^= i % 16 == 0 ? constant : 0;
        }
        round_keys[i] = round_keys[i - 16] ^ byte;
        if (i % 16 == 15) {
            constant = doubled(constant);
        }
    }
}
