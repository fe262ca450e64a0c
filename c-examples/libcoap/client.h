/* The life of a plain or DTLS client program: they differ only in how a session is opened. */
#ifndef LSCOAP_EXAMPLES_CLIENT_H
#define LSCOAP_EXAMPLES_CLIENT_H

#include "cli.h"

/* Opens one session to cli->destination. */
typedef coap_session_t *(*client_open_fn)(coap_context_t *context, const struct cli_client *cli,
                                          void *arg);

/* Does what the command line asks for and prints each response and its elapsed time, which runs
 * from before the session is opened (its handshake is in it) until the response has been delivered;
 * the first exchange only, where one session serves several. Where an address cannot be reached the
 * next one of the name is tried. Returns the exit status: CLI_OK only
 * when every response was a 2.xx. */
int client_run(struct cli_client *cli, client_open_fn open, void *arg);

#endif
