#ifndef PSA_CRYPTO_H
#define PSA_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t psa_status_t;
typedef uint32_t psa_key_id_t;
typedef struct {
    uint32_t type, usage, algorithm;
    size_t bits;
} psa_key_attributes_t;

enum { PSA_SUCCESS, PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT, PSA_ALG_ECB_NO_PADDING };
#define PSA_KEY_ATTRIBUTES_INIT                                                                    \
    { 0, 0, 0, 0 }

psa_status_t psa_crypto_init(void);
psa_status_t psa_generate_random(uint8_t *out, size_t len);
void psa_set_key_type(psa_key_attributes_t *attributes, uint32_t type);
void psa_set_key_bits(psa_key_attributes_t *attributes, size_t bits);
void psa_set_key_usage_flags(psa_key_attributes_t *attributes, uint32_t usage);
void psa_set_key_algorithm(psa_key_attributes_t *attributes, uint32_t algorithm);
psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *key, size_t len,
                            psa_key_id_t *id);
psa_status_t psa_destroy_key(psa_key_id_t id);
psa_status_t psa_cipher_encrypt(psa_key_id_t id, uint32_t algorithm, const uint8_t *in,
                                size_t in_len, uint8_t *out, size_t out_size, size_t *out_len);

#endif
