/* /index over DTLS, with a pre-shared key or mutual certificates. */
#include <stdio.h>
#include <string.h>

#include "coaps_keys.h"
#include "index_resource.h"
#include "server.h"

/* The key of the one identity that there is. */
static const coap_bin_const_t *find_psk(coap_bin_const_t *identity, coap_session_t *session,
                                        void *arg) {
    static coap_bin_const_t key;
    const struct coaps_keys *keys = arg;

    (void)session;
    if (identity->length != strlen(keys->psk_id) ||
        memcmp(identity->s, keys->psk_id, identity->length) != 0) {
        return NULL;
    }
    key.s = keys->psk;
    key.length = keys->psk_length;
    return &key;
}

static bool use_keys(coap_context_t *context, struct coaps_keys *keys) {
    coap_dtls_spsk_t psk;

    if (!coaps_keys_are_psk(keys)) {
        return coap_context_set_pki(context, &keys->pki);
    }
    memset(&psk, 0, sizeof psk);
    psk.version = COAP_DTLS_SPSK_SETUP_VERSION;
    psk.validate_id_call_back = find_psk;
    psk.id_call_back_arg = keys;
    psk.psk_info.key.s = keys->psk;
    psk.psk_info.key.length = keys->psk_length;
    return coap_context_set_psk2(context, &psk);
}

static int serve(const struct cli_server *cli, struct coaps_keys *keys) {
    struct server_hooks hooks = {NULL, NULL, NULL, NULL};
    coap_context_t *context = server_new_context();
    int status = CLI_FAILED;

    if (context == NULL) {
        return CLI_FAILED;
    }
    hooks.arg = index_add_resource(context);
    hooks.tick = cli->tick ? index_tick : NULL;
    if (!use_keys(context, keys)) {
        fprintf(stderr, "libcoap does not take these keys\n");
    } else if (hooks.arg != NULL && server_listen(context, cli, COAP_PROTO_DTLS)) {
        status = server_run(context, &hooks);
    }
    coap_free_context(context);
    return status;
}

int main(int argc, char **argv) {
    static const struct cli_program program = {"coaps_server",
                                               CLI_SERVER_USAGE "\n       " COAPS_KEYS_USAGE,
                                               COAPS_KEYS_HELP CLI_SERVER_HELP};
    static const struct option options[] = {CLI_SERVER_LONG, COAPS_KEYS_LONG, {0}};
    static struct coaps_keys keys;
    struct cli_server cli;
    int status;
    int c;

    server_begin(false);
    cli_server_init(&cli, "5684");
    while ((c = getopt_long(argc, argv, CLI_SERVER_SHORT, options, NULL)) != -1) {
        if (!cli_server_option(c, &cli) && !coaps_keys_option(c, &keys)) {
            return cli_other_option(c, &program);
        }
    }
    if (!cli_server_finish(&cli, argc, argv) || !coaps_keys_finish(&keys)) {
        return CLI_USAGE;
    }
    if (cli.fixed_index) {
        index_fix();
    }
    cli_startup();
    status = serve(&cli, &keys);
    coap_cleanup();
    coaps_keys_free(&keys);
    return status;
}
