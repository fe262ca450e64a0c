/* How an input decides what happens: it is read as a list of instructions. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *at;
    size_t left;
};

/* False at the end of the input. */
bool script_byte(struct script *script, uint8_t *byte);

/* A length of one byte and so many bytes, `most` and what is left at most; gives how many. */
size_t script_bytes(struct script *script, size_t most, const uint8_t **bytes);

/* Makes another message of a genuine one, or leaves it; false at the end of the input. */
bool script_change(struct script *script, uint8_t *message, size_t capacity, size_t *len);

#endif
