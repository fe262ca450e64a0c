#include "coaps_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_once(uint8_t **bytes, size_t *length) {
    if (*bytes != NULL) {
        fprintf(stderr, "given twice: %s\n", optarg);
        return false;
    }
    *bytes = cli_read_file(optarg, length);
    ++*length; /* libcoap wants the terminating zero counted */
    return *bytes != NULL;
}

bool coaps_keys_option(int option, struct coaps_keys *keys) {
    coap_pki_key_pem_buf_t *pem = &keys->pki.pki_key.key.pem_buf;

    switch (option) {
    case CLI_FIRST_FREE:
        keys->psk_id = optarg;
        return true;
    case CLI_FIRST_FREE + 1:
        keys->psk_length = cli_hex(optarg, keys->psk, sizeof keys->psk);
        return keys->psk_length > 0 || cli_bad_value("--psk-key", "1 to 64 bytes in hexadecimal");
    case CLI_FIRST_FREE + 2:
        return read_once(&keys->certificate, &pem->public_cert_len);
    case CLI_FIRST_FREE + 3:
        return read_once(&keys->private_key, &pem->private_key_len);
    case CLI_FIRST_FREE + 4:
        return read_once(&keys->authority, &pem->ca_cert_len);
    default:
        return false;
    }
}

bool coaps_keys_finish(struct coaps_keys *keys) {
    bool psk = keys->psk_id != NULL && keys->psk_length > 0;
    bool no_psk = keys->psk_id == NULL && keys->psk_length == 0;
    bool pki = keys->certificate != NULL && keys->private_key != NULL && keys->authority != NULL;
    bool no_pki = keys->certificate == NULL && keys->private_key == NULL && keys->authority == NULL;

    if (!(psk && no_pki) && !(pki && no_psk)) {
        fprintf(stderr, "needed: " COAPS_KEYS_USAGE "\n");
        return false;
    }
    if (pki) {
        coap_dtls_pki_t *setup = &keys->pki;

        setup->version = COAP_DTLS_PKI_SETUP_VERSION;
        setup->verify_peer_cert = 1; /* whoever has no certificate of this authority is refused */
        setup->check_common_ca = 1;
        setup->cert_chain_validation = 1;
        setup->cert_chain_verify_depth = 2;
        setup->check_cert_revocation = 1;
        setup->allow_no_crl = 1;
        setup->pki_key.key_type = COAP_PKI_KEY_PEM_BUF;
        setup->pki_key.key.pem_buf.public_cert = keys->certificate;
        setup->pki_key.key.pem_buf.private_key = keys->private_key;
        setup->pki_key.key.pem_buf.ca_cert = keys->authority;
    }
    return true;
}

bool coaps_keys_are_psk(const struct coaps_keys *keys) {
    return keys->psk_length > 0;
}

void coaps_keys_free(struct coaps_keys *keys) {
    free(keys->certificate);
    free(keys->private_key);
    free(keys->authority);
    memset(keys, 0, sizeof *keys);
}
