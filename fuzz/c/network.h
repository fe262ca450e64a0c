/* libcoap without a network and without a clock: what its sockets, epoll and clock_gettime() are
 * replaced with (by
 * --wrap), for one server and one client in one process. Time passes only while somebody waits. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETWORK_DATAGRAM_MAX = 2048 };

/* Empties it, and sets the clock back. */
void network_begin(void);

/* On their way: to the server's endpoint from a port of 127.0.0.1, and to the client. What is too
 * much is lost. */
void network_to_server(uint16_t port, const uint8_t *bytes, size_t len);
void network_to_client(const uint8_t *bytes, size_t len);

/* Whether a datagram waits for the server. */
bool network_server_has_mail(void);

uint64_t network_now_ms(void *context);
void network_advance(uint32_t ms);

/* ---- what a target has to have ---- */

/* The server has sent this to a port, the client has sent this. */
void network_server_sends(uint16_t port, const uint8_t *bytes, size_t len);
void network_client_sends(const uint8_t *bytes, size_t len);

/* Somebody waits and nothing is on its way to it. True: now there may be. */
bool network_idle(void);

#endif
