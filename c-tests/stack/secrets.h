/* Computes the secrets of the calls in footprint/c as they are made: what the random source gave is
 * known. */
#ifndef SECRETS_H
#define SECRETS_H

#include <stddef.h>
#include <stdint.h>

/* Before anything is called: the identities, and whether the reference computes as its standards
 * say. */
void secrets_begin(void);
/* After a call: what the message in the air tells of its making, and the session once a request has
 * opened in it. */
void secrets_learn(void);

#endif
