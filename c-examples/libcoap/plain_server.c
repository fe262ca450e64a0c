/* /index over CoAP, without security. */
#include <stdio.h>

#include "index_resource.h"
#include "server.h"

int main(int argc, char **argv) {
    static const struct cli_program program = {"plain_server", CLI_SERVER_USAGE, CLI_SERVER_HELP};
    static const struct option options[] = {CLI_SERVER_LONG, {0}};
    struct server_hooks hooks = {NULL, NULL, NULL, NULL};
    struct cli_server cli;
    coap_context_t *context;
    int status = CLI_FAILED;
    int c;

    server_begin(false);
    cli_server_init(&cli, "5683");
    while ((c = getopt_long(argc, argv, CLI_SERVER_SHORT, options, NULL)) != -1) {
        if (!cli_server_option(c, &cli)) {
            return cli_other_option(c, &program);
        }
    }
    if (!cli_server_finish(&cli, argc, argv)) {
        return CLI_USAGE;
    }
    if (cli.fixed_index) {
        index_fix();
    }
    cli_startup();
    context = server_new_context();
    if (context != NULL) {
        hooks.arg = index_add_resource(context);
        hooks.tick = cli.tick ? index_tick : NULL;
        if (hooks.arg != NULL && server_listen(context, &cli, COAP_PROTO_UDP)) {
            status = server_run(context, &hooks);
        }
        coap_free_context(context);
    }
    coap_cleanup();
    return status;
}
