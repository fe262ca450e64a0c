/* A CoAP client over DTLS, with a pre-shared key or mutual certificates. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "coaps_keys.h"

static coap_session_t *open_session(coap_context_t *context, const struct cli_client *cli,
                                    void *arg) {
    struct coaps_keys *keys = arg;
    coap_dtls_cpsk_t psk;

    if (!coaps_keys_are_psk(keys)) {
        return coap_new_client_session_pki(context, NULL, &cli->destination, COAP_PROTO_DTLS,
                                           &keys->pki);
    }
    memset(&psk, 0, sizeof psk);
    psk.version = COAP_DTLS_CPSK_SETUP_VERSION;
    psk.psk_info.identity.s = (const uint8_t *)keys->psk_id;
    psk.psk_info.identity.length = strlen(keys->psk_id);
    psk.psk_info.key.s = keys->psk;
    psk.psk_info.key.length = keys->psk_length;
    return coap_new_client_session_psk2(context, NULL, &cli->destination, COAP_PROTO_DTLS, &psk);
}

int main(int argc, char **argv) {
    static const struct cli_program program = {"coaps_client",
                                               COAPS_KEYS_USAGE "\n       " CLI_CLIENT_USAGE,
                                               COAPS_KEYS_HELP CLI_CLIENT_HELP};
    static const struct option options[] = {CLI_CLIENT_LONG, COAPS_KEYS_LONG, {0}};
    static struct coaps_keys keys;
    struct cli_client cli;
    int status;
    int c;

    cli_begin();
    cli_startup();
    cli_client_init(&cli, "coaps://127.0.0.1:5684");
    while ((c = getopt_long(argc, argv, CLI_CLIENT_SHORT, options, NULL)) != -1) {
        if (!cli_client_option(c, &cli) && !coaps_keys_option(c, &keys)) {
            return cli_other_option(c, &program);
        }
    }
    if (!cli_client_finish(&cli, argc, argv) || !coaps_keys_finish(&keys)) {
        return CLI_USAGE;
    }
    if (cli.scheme != COAP_URI_SCHEME_COAPS) {
        fprintf(stderr, "the scheme is coaps\n");
        return CLI_USAGE;
    }
    status = client_run(&cli, open_session, &keys);
    coap_cleanup();
    coaps_keys_free(&keys);
    return status;
}
