/* A CoAP client, without security. */
#include <stdio.h>

#include "client.h"

static coap_session_t *open_session(coap_context_t *context, const struct cli_client *cli,
                                    void *arg) {
    (void)arg;
    return coap_new_client_session(context, NULL, &cli->destination, COAP_PROTO_UDP);
}

int main(int argc, char **argv) {
    static const struct cli_program program = {"plain_client", CLI_CLIENT_USAGE, CLI_CLIENT_HELP};
    static const struct option options[] = {CLI_CLIENT_LONG, {0}};
    struct cli_client cli;
    int status;
    int c;

    cli_begin();
    cli_startup();
    cli_client_init(&cli, "coap://127.0.0.1:5683");
    while ((c = getopt_long(argc, argv, CLI_CLIENT_SHORT, options, NULL)) != -1) {
        if (!cli_client_option(c, &cli)) {
            return cli_other_option(c, &program);
        }
    }
    if (!cli_client_finish(&cli, argc, argv)) {
        return CLI_USAGE;
    }
    if (cli.scheme != COAP_URI_SCHEME_COAP) {
        fprintf(stderr, "the scheme is coap\n");
        return CLI_USAGE;
    }
    status = client_run(&cli, open_session, NULL);
    coap_cleanup();
    return status;
}
