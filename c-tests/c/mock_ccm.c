/* Follows RFC 3610 to the letter, with M = 8 and L = 2: first the one pass, then the other. */
#include "mock_aes.h"
#include <string.h>

enum { BLOCK = 16, TAG = 8 };

/* Takes bytes into a CBC-MAC, padded with zeroes behind the last; the first block has `taken` bytes
 * already. */
static void take(const uint8_t *key, uint8_t *mac, size_t taken, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        mac[taken++] ^= bytes[i];
        if (taken == BLOCK || i == len - 1) {
            mock_aes128(key, mac);
            taken = 0;
        }
    }
}

/* Flags, nonce and number. */
static void make_block(uint8_t *block, uint8_t flags, const uint8_t *nonce, size_t number) {
    block[0] = flags;
    memcpy(block + 1, nonce, 13);
    block[14] = (uint8_t)(number >> 8);
    block[15] = (uint8_t)number;
}

static void authenticate(uint8_t *mac, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
                         size_t aad_len, const uint8_t *text, size_t len) {
    make_block(mac, aad_len != 0 ? 0x59 : 0x19, nonce, len);
    mock_aes128(key, mac);
    if (aad_len != 0) {
        mac[0] ^= (uint8_t)(aad_len >> 8);
        mac[1] ^= (uint8_t)aad_len;
        take(key, mac, 2, aad, aad_len);
    }
    take(key, mac, 0, text, len);
}

/* Adds the key stream that begins with a counter block. */
static void encrypt(const uint8_t *key, const uint8_t *nonce, size_t number, uint8_t *text,
                    size_t len) {
    uint8_t stream[BLOCK];
    for (size_t i = 0; i < len; i++) {
        if (i % BLOCK == 0) {
            make_block(stream, 0x01, nonce, number++);
            mock_aes128(key, stream);
        }
        text[i] ^= stream[i % BLOCK];
    }
}

int mock_ccm(int open, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
             uint8_t *text, size_t len, uint8_t *tag) {
    uint8_t mac[BLOCK];
    if (open) {
        encrypt(key, nonce, 1, text, len);
    }
    authenticate(mac, key, nonce, aad, aad_len, text, len);
    encrypt(key, nonce, 0, mac, TAG);
    if (!open) {
        encrypt(key, nonce, 1, text, len);
        memcpy(tag, mac, TAG);
    } else if (memcmp(tag, mac, TAG) != 0) {
        memset(text, 0, len);
        return 1;
    }
    return 0;
}
