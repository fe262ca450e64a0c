#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "server_log.h"
#include "service_manager.h"

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

static void catch_signal(int signal_number) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART; /* of reading a file; waiting for datagrams ends in any case */
    sigaction(signal_number, &action, NULL);
}

void server_begin(bool takes_hangup) {
    cli_begin();
    if (takes_hangup) {
        catch_signal(SIGHUP);
    }
}

static void log_line(coap_log_t level, const char *message) {
    (void)level;
    server_log_bare(message);
}

coap_context_t *server_new_context(void) {
    coap_context_t *context = coap_new_context(NULL);

    if (context == NULL) {
        fprintf(stderr, "libcoap gives no context\n");
        return NULL;
    }
    coap_set_log_handler(log_line);
    coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
    return context;
}

/* A socket that has the address for itself, and lets libcoap's have it too from now on: libcoap
 * sets SO_REUSEADDR first, so that its bind() succeeds where another server has it set as well.
 * Port 0 becomes the one that the system chose. -1 when the address cannot be had. */
static int reserve(coap_address_t *address) {
    const int on = 1;
    const int off = 0;
    int fd = socket(address->addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0;

    if (good && address->addr.sa.sa_family == AF_INET6) { /* as libcoap has it */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    good = good && bind(fd, &address->addr.sa, address->size) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           getsockname(fd, &address->addr.sa, &address->size) == 0;
    if (!good && fd >= 0) {
        int why = errno;

        close(fd);
        errno = why;
    }
    return good ? fd : -1;
}

bool server_listen(coap_context_t *context, const struct cli_server *cli, coap_proto_t proto) {
    coap_address_t addresses[CLI_ADDRESSES_MAX];
    size_t count = cli_resolve(cli->address, cli->port, addresses, CLI_ADDRESSES_MAX);
    coap_endpoint_t *endpoint = NULL;
    const char *bound;

    errno = 0;
    for (size_t i = 0; endpoint == NULL && i < count; i++) {
        int reserved = reserve(&addresses[i]);

        if (reserved >= 0) {
            endpoint = coap_new_endpoint(context, &addresses[i], proto);
            close(reserved);
        }
    }
    if (endpoint == NULL) {
        if (count > 0) {
            fprintf(stderr, "cannot listen on %s port %s: %s\n", cli->address, cli->port,
                    errno == EADDRINUSE ? "another program does" : strerror(errno));
        }
        return false;
    }
    bound = coap_endpoint_str(endpoint); /* "<addr>:<port> <protocol>" */
    snprintf(listening_on, sizeof listening_on, "%.*s", (int)strcspn(bound, " "), bound);
    return true;
}

uint16_t server_port(void) {
    const char *colon = strrchr(listening_on, ':');

    return colon == NULL ? 0 : (uint16_t)strtoul(colon + 1, NULL, 10);
}

int server_run(coap_context_t *context, const struct server_hooks *hooks) {
    double next_tick = cli_now_ms() + TICK_MS;
    bool busy = false;

    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    printf("listening on %s\n", listening_on); /* from here on signals do what they should */
    fflush(stdout);
    service_manager_tell("READY=1");
    while (!stopping) {
        double now;

        if (coap_io_process(context, busy ? COAP_IO_NO_WAIT : TICK_MS / 4) < 0 && errno != EINTR) {
            server_log(SERVER_LOG_ERROR, NULL, "serving: %s", strerror(errno));
            return CLI_FAILED;
        }
        if (hung_up && hooks->hangup != NULL) {
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
    service_manager_tell("STOPPING=1");
    return CLI_OK;
}
