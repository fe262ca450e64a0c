#include "aes_psa.h"

#include <psa/crypto.h>
#include <string.h>

enum { BLOCK_LEN = 16, KEY_BITS = 128 };

int lscoap_aes_psa_encrypt(void *context, const uint8_t *key, uint8_t *block) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    uint8_t out[BLOCK_LEN];
    size_t len;
    psa_status_t status;

    (void)context;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, KEY_BITS);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECB_NO_PADDING);
    if (psa_import_key(&attributes, key, KEY_BITS / 8, &id) != PSA_SUCCESS) {
        return -1;
    }
    status =
        psa_cipher_encrypt(id, PSA_ALG_ECB_NO_PADDING, block, BLOCK_LEN, out, sizeof out, &len);
    (void)psa_destroy_key(id);
    if (status != PSA_SUCCESS || len != BLOCK_LEN) {
        return -1;
    }
    memcpy(block, out, BLOCK_LEN);
    return 0;
}
