/* What the device tells of the datagrams that it sends and receives. */
#ifndef STORY_H
#define STORY_H

#include <stddef.h>
#include <stdint.h>

/* The handshake message in a datagram; null: there is none. */
const uint8_t *story_handshake(const uint8_t *datagram, size_t len, size_t *message_len);

enum { STORY_PRINTABLE_MAX = 5 };

/* A byte of a payload for a terminal: as it is, or escaped. */
void story_printable(uint8_t byte, char text[STORY_PRINTABLE_MAX]);

#endif
