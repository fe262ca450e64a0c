/* A member of the server's group (docs/group.md) with one resource, /light. */
#ifndef LAMP_H
#define LAMP_H

#include <lscoap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int (*lamp_random_fn)(void *context, uint8_t *out, size_t len);

/* Has the device ask for a membership, from its next lscoap_device_poll() on. */
bool lamp_begin(lscoap_device *device, lamp_random_fn random);

/* Says so when it has become a member, or is in a new epoch. */
void lamp_tell_membership(void);

/* Takes a datagram, and executes it. False: it is none of a group's. */
bool lamp_receive(uint64_t now_ms, const uint8_t *datagram, size_t len);

/* An answer whose time has come, for the server and nobody else. False: there is none. */
bool lamp_answer(uint64_t now_ms, const uint8_t **bytes, size_t *len);

#endif
