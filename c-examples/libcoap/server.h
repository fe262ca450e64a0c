/* The life of a server program: listen, say so, serve until SIGINT or SIGTERM. */
#ifndef LSCOAP_EXAMPLES_SERVER_H
#define LSCOAP_EXAMPLES_SERVER_H

#include "cli.h"

/* What a program wants to be called for; any may be NULL. */
struct server_hooks {
    void (*tick)(void *arg);   /* once a second */
    void (*hangup)(void *arg); /* after SIGHUP, from the loop and not from the signal handler */
    bool (*turn)(void *arg);   /* each time round the loop; true: again soon, without waiting */
    void *arg;
};

/* The first thing in main(), in place of cli_begin(). With `takes_hangup` a SIGHUP is kept from
 * here on, for the hook: it may come while the program still starts. */
void server_begin(bool takes_hangup);
/* A context that does block-wise transfer by itself, so that handlers see whole bodies; NULL on
 * failure. */
coap_context_t *server_new_context(void);
/* Opens the endpoint; false (and a line on stderr) on failure, and where somebody else listens
 * there already: libcoap shares ports, so that one of two servers would hear nothing. */
bool server_listen(coap_context_t *context, const struct cli_server *cli, coap_proto_t proto);
/* The port of that, 0 before. */
uint16_t server_port(void);
/* Prints "listening on <addr>:<port>", tells a service manager (service_manager.h), and serves
 * until a signal says stop; the exit status of the program. */
int server_run(coap_context_t *context, const struct server_hooks *hooks);

#endif
