/* The keys of a DTLS program, server or client: a pre-shared key, or a certificate that both sides
 * must show. */
#ifndef LSCOAP_EXAMPLES_COAPS_KEYS_H
#define LSCOAP_EXAMPLES_COAPS_KEYS_H

#include "cli.h"

struct coaps_keys {
    const char *psk_id;
    uint8_t psk[64];
    size_t psk_length;
    uint8_t *certificate; /* PEM, as read from the files */
    uint8_t *private_key;
    uint8_t *authority;
    coap_dtls_pki_t pki; /* points to the three above */
};

#define COAPS_KEYS_LONG                                                                            \
    {"psk-id", required_argument, NULL, CLI_FIRST_FREE},                                           \
        {"psk-key", required_argument, NULL, CLI_FIRST_FREE + 1},                                  \
        {"cert", required_argument, NULL, CLI_FIRST_FREE + 2},                                     \
        {"key", required_argument, NULL, CLI_FIRST_FREE + 3}, {                                    \
        "ca", required_argument, NULL, CLI_FIRST_FREE + 4                                          \
    }
#define COAPS_KEYS_USAGE "--psk-id ID --psk-key HEX | --cert FILE --key FILE --ca FILE"
#define COAPS_KEYS_HELP                                                                            \
    "      --psk-id ID         identity and key, in hexadecimal, that both sides share ...\n"      \
    "      --psk-key HEX\n"                                                                        \
    "      --cert FILE         ... or the own certificate and key, and the authority of the\n"     \
    "      --key FILE          other side's, each in PEM\n"                                        \
    "      --ca FILE\n"

/* Takes one of the options above; false when it is none of them, or its value is bad. */
bool coaps_keys_option(int option, struct coaps_keys *keys);
/* True when one kind of keys is complete and there is nothing of the other. */
bool coaps_keys_finish(struct coaps_keys *keys);
/* A pre-shared key was given, not a certificate. */
bool coaps_keys_are_psk(const struct coaps_keys *keys);
void coaps_keys_free(struct coaps_keys *keys);

#endif
