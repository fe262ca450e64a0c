/* The session that secure_client talks in. With a file to keep it in: the stored session first, its
 * resumption next, a full handshake last; stderr says which. Without one: a full handshake. The
 * adapter makes another one when the server refuses it. */
#ifndef LSCOAP_EXAMPLES_DEVICE_SESSION_H
#define LSCOAP_EXAMPLES_DEVICE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lscoap_libcoap.h"
#include "session_file.h"

enum device_session_way {
    DEVICE_SESSION_NONE,
    DEVICE_SESSION_STORED,
    DEVICE_SESSION_RESUMED,
    DEVICE_SESSION_FULL
};

struct device_session {
    coap_context_t *context;
    const coap_address_t *destination;
    lscoap_libcoap_client *client;
    const struct session_file *file; /* or NULL */
    uint32_t timeout_ms;
    coap_session_t *peer;
    enum device_session_way way; /* how the session came about */
    bool told;
};

/* Before each exchange: there is a session when it gives LSCOAP_OK. */
int device_session_begin(struct device_session *session);

/* What the client tells: of sessions that it makes anew, at the beginning or for a request. */
void device_session_on_event(struct device_session *session, const lscoap_libcoap_event *event);

/* After an exchange that succeeded. */
void device_session_proved(struct device_session *session);

/* The next exchange begins with what the file has. */
void device_session_close(struct device_session *session);

#endif
