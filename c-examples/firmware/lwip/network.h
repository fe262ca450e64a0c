/*
 * UDP with one peer, over lwIP and the board's Ethernet. The address is static, the first that
 * QEMU's user network gives: that network is the same everywhere, and DHCP would make the example
 * longer.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Datagrams that have come and were not yet taken; more are dropped, as a network may. */
#define NETWORK_QUEUE_LEN 4

/* Gives a random number: for the UDP port here. */
typedef uint32_t (*network_random_fn)(void);

/* Brings the network up; datagrams go to and come from that port of the peer. */
bool network_init(uint16_t peer_port, network_random_fn random);

/* Takes datagrams to another port as well, from anybody: a group's. (QEMU's user network passes no
 * multicast: there they are copies that the host sends to this port.) */
bool network_listen(uint16_t port);

/* To be called often: takes frames, and does what lwIP has to do from time to time. */
void network_poll(void);

/* False: it could not be sent now. */
bool network_send(const uint8_t *datagram, size_t len);

/* Takes a datagram of the peer's or a group's, cut to `capacity`, and gives its length: 0 if there
 * is none. */
size_t network_receive(uint8_t *datagram, size_t capacity);

/* For lwipopts.h. */
uint32_t network_random(void);

#endif
