/* secure_client --listen: a lamp that is a member of its server's group. */
#ifndef LSCOAP_EXAMPLES_CLIENT_LISTEN_H
#define LSCOAP_EXAMPLES_CLIENT_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "device_session.h"

struct client_listen {
    uint32_t seconds;
    uint32_t leisure_ms;
    uint32_t max_age_s;
};

/* Joins, and executes GET and PUT /light until the time is over. False, and a line on stderr, when
 * it is not let in. */
bool client_listen_run(const struct client_listen *listen, struct device_session *session);

#endif
