/* The service's sessions in Zephyr's own OSCORE. */
#ifndef SERVICE_OSCORE_H
#define SERVICE_OSCORE_H

#include <lscoap.h>
#include <stdbool.h>

/* Of service.c: its server, with the lock taken until it is given back. */
lscoap_server *service_take(void);
void service_give_back(void);

/* For service.c, under the lock. */
#if defined(CONFIG_COAP_OSCORE)

/* After each handshake message: hands over the session that it made, if it made one. False: that
 * cannot be, and the session cannot be used. */
bool service_oscore_made(lscoap_server *server, lscoap_session *made, uint64_t now_ms);

/* Takes the contexts of sessions that have ended out of Zephyr's. */
void service_oscore_sweep(lscoap_server *server, uint64_t now_ms);

#else

static inline bool service_oscore_made(lscoap_server *server, lscoap_session *made,
                                       uint64_t now_ms) {
    (void)server;
    (void)made;
    (void)now_ms;
    return true;
}

static inline void service_oscore_sweep(lscoap_server *server, uint64_t now_ms) {
    (void)server;
    (void)now_ms;
}

#endif

#endif
