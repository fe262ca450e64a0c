/* A block of an answer, for who asks for one (RFC 7959 section 2). */
#ifndef LSCOAP_ANSWER_BLOCK_H
#define LSCOAP_ANSWER_BLOCK_H

#include <stddef.h>
#include <zephyr/net/coap.h>

/* Leaves of an answer, which has been written into `room` bytes at its data, the block that Block2
 * with this value asks for: all of it where it fits one. 0; -ERANGE: there is no such block; or
 * another negative errno. */
int answer_block(struct coap_packet *answer, size_t room, int block2);

#endif
