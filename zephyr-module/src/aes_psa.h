/* AES-128 of one block through PSA, as lscoap_platform.aes128_encrypt. */
#ifndef LSCOAP_AES_PSA_H
#define LSCOAP_AES_PSA_H

#include <stdint.h>

int lscoap_aes_psa_encrypt(void *context, const uint8_t *key, uint8_t *block);

#endif
