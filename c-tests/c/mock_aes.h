/* AES-128 and AES-CCM-16-64-128 in plain C, which stand in for hardware. */
#ifndef MOCK_AES_H
#define MOCK_AES_H

#include <stddef.h>
#include <stdint.h>

/* Encrypts 16 bytes in place under a key of 16 bytes. */
void mock_aes128(const uint8_t *key, uint8_t *block);

/* As lscoap_platform.ccm. */
int mock_ccm(int open, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
             uint8_t *text, size_t len, uint8_t *tag);

#endif
