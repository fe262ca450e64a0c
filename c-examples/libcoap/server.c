#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { TICK_MS = 1000 };

static char listening_on[128];
static volatile sig_atomic_t stopping;
static volatile sig_atomic_t hung_up;

static void on_signal(int signal_number) {
    if (signal_number == SIGHUP) {
        hung_up = 1;
    } else {
        stopping = 1;
    }
}

coap_context_t *server_new_context(void) {
    coap_context_t *context = coap_new_context(NULL);

    if (context == NULL) {
        fprintf(stderr, "libcoap gives no context\n");
        return NULL;
    }
    coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
    return context;
}

bool server_listen(coap_context_t *context, const struct cli_server *cli, coap_proto_t proto) {
    coap_address_t address;
    coap_endpoint_t *endpoint;
    const char *bound;

    if (!cli_resolve(cli->address, cli->port, &address)) {
        return false;
    }
    endpoint = coap_new_endpoint(context, &address, proto);
    if (endpoint == NULL) {
        fprintf(stderr, "cannot listen on %s port %s\n", cli->address, cli->port);
        return false;
    }
    bound = coap_endpoint_str(endpoint); /* "<addr>:<port> <protocol>" */
    snprintf(listening_on, sizeof listening_on, "%.*s", (int)strcspn(bound, " "), bound);
    return true;
}

static void catch_signals(bool hangup_too) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* without SA_RESTART, so that waiting for datagrams ends */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (hangup_too) {
        sigaction(SIGHUP, &action, NULL);
    }
}

int server_run(coap_context_t *context, const struct server_hooks *hooks) {
    double next_tick = cli_now_ms() + TICK_MS;
    bool busy = false;

    catch_signals(hooks->hangup != NULL);
    printf("listening on %s\n", listening_on); /* from here on signals do what they should */
    fflush(stdout);
    while (!stopping) {
        double now;

        if (coap_io_process(context, busy ? COAP_IO_NO_WAIT : TICK_MS / 4) < 0 && errno != EINTR) {
            perror("serving");
            return CLI_FAILED;
        }
        if (hung_up) {
            hung_up = 0;
            hooks->hangup(hooks->arg);
        }
        busy = hooks->turn != NULL && hooks->turn(hooks->arg);
        now = cli_now_ms();
        if (now >= next_tick) {
            next_tick = now + TICK_MS;
            if (hooks->tick != NULL) {
                hooks->tick(hooks->arg);
            }
        }
    }
    return CLI_OK;
}
