/* A handshake with fixed randomness, and every kind of object in the session that comes of it. */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

/* Gives `each` everything that travels, and what the two ends share, by name. */
void transcript(int32_t profile, void (*each)(const char *name, const uint8_t *bytes, size_t len));

#endif
