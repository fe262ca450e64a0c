/* AES-128 in plain C, which stands in for hardware. */
#ifndef MOCK_AES_H
#define MOCK_AES_H

#include <stdint.h>

/* Encrypts 16 bytes in place under a key of 16 bytes. */
void mock_aes128(const uint8_t *key, uint8_t *block);

#endif
