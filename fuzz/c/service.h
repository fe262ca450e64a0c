/* A server with the adapter, on the network of network.h: the resource /index. */
#ifndef SERVICE_H
#define SERVICE_H

#include "lscoap_libcoap.h"

#define SERVICE_PATH "index"

extern struct service {
    coap_context_t *context;
    lscoap_libcoap_server *server;
    lscoap_libcoap_resource *resource;
    size_t body_len;  /* of answers */
    unsigned changes; /* how often POST, PUT, DELETE, PATCH or iPATCH was executed */
    unsigned posts;   /* how often POST was */
} service;

/* After site_begin(), and before its end with service_end(). */
void service_begin(void);
void service_end(void);

/* A loopback address with a port of the system's choice: no datagram ever gets there. */
void service_address(coap_address_t *address);

/* Serves what is on its way. */
void service_run(void);

/* What the body of an answer begins with: the query, else as much of the payload. The rest is
 * SERVICE_FILL. */
enum { SERVICE_ECHO = 4, SERVICE_FILL = '.', SERVICE_BODY_MAX = 8192 };

#endif
