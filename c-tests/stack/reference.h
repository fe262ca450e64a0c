/* What the secrets of a run are computed with again: slow, and nothing of the library's. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of an input that comes in parts; the last of them has no bytes (null). */
struct part {
    const void *bytes;
    size_t len;
};
#define PARTS(...)                                                                                 \
    (const struct part[]) {                                                                        \
        __VA_ARGS__, {                                                                             \
            NULL, 0                                                                                \
        }                                                                                          \
    }

void reference_sha256(const struct part *parts, uint8_t digest[32]);
/* The state after one block: what a loaded HMAC key becomes. */
void reference_sha256_block(const uint8_t block[64], uint32_t state[8]);
/* HKDF-Extract is HMAC with the salt as key. Keys have at most 64 bytes. */
void reference_hmac(const uint8_t *key, size_t key_len, const struct part *parts, uint8_t mac[32]);
/* At most 32 bytes. */
void reference_expand(const uint8_t prk[32], const struct part *info, uint8_t *out, size_t len);
/* The first nonce of RFC 6979 for P-256 with SHA-256. */
void reference_nonce(const uint8_t secret[32], const uint8_t digest[32], uint8_t nonce[32]);

/* Big-endian integers modulo n, P-256's order, and modulo p, of its field. */
extern const uint8_t reference_n[32], reference_p[32];
void reference_add(const uint8_t a[32], const uint8_t b[32], const uint8_t modulus[32],
                   uint8_t sum[32]);
void reference_multiply(const uint8_t a[32], const uint8_t b[32], const uint8_t modulus[32],
                        uint8_t product[32]);
/* Of a prime modulus. */
void reference_invert(const uint8_t a[32], const uint8_t modulus[32], uint8_t inverse[32]);

/* The round keys of AES-128, one after the other. */
void reference_round_keys(const uint8_t key[16], uint8_t round_keys[176]);

#endif
