/* Sealing and opening, in short: PLAIN is sealed for the path /index, and has to come out again. */
#ifndef RECORDS_H
#define RECORDS_H

#include "world.h"

/* A request without options, and a payload. */
#define PLAIN "\x01\xff{\"Data\":42}"
#define PLAIN_LEN (sizeof PLAIN - 1)

/* An object for a CoAP payload, or a whole CoAP message of RFC 8613 with PLAIN as its code and
 * payload. */
enum carrier { PAYLOAD, MESSAGE, CARRIERS };

enum { HEADER_LEN = 4 };

struct object {
    uint8_t bytes[HEADER_LEN + PLAIN_LEN + LSCOAP_PROTECT_OVERHEAD];
    size_t len;
};

lscoap_status seal_request(enum carrier carrier, lscoap_session *session, struct object *object,
                           lscoap_exchange *exchange);
lscoap_status seal_response(enum carrier carrier, lscoap_session *session,
                            const lscoap_exchange *exchange, struct object *object);
lscoap_status seal_notification(enum carrier carrier, lscoap_session *session,
                                const lscoap_exchange *exchange, struct object *object);

/* These check that PLAIN comes out; and where the object does not open, that nothing does. */
lscoap_status open_request(enum carrier carrier, lscoap_session *session,
                           const struct object *object, lscoap_exchange *exchange);
lscoap_status open_response(enum carrier carrier, lscoap_session *session,
                            lscoap_exchange *exchange, const struct object *object);
/* The server's end of the session that the request is of, null where it does not open. */
lscoap_status server_open(enum carrier carrier, const struct object *object,
                          lscoap_session **session, lscoap_exchange *exchange);

/* A first request of the device's, which confirms the session: the server's end of it, or null. */
lscoap_session *confirm(void);
/* A handshake and a first request. */
lscoap_session *establish(int32_t profile);

#endif
