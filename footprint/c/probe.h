/* What a call costs. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

/* Makes a call, which gives 0 if it did what it should, and prints a line
 *   call NAME INSTRUCTIONS STACK
 * less what an empty call costs here. Ends the program where the call fails. */
void probe(const char *name, int32_t (*call)(void));

/* Prints the line "size NAME BYTES". */
void probe_size(const char *name, uint32_t bytes);

/* A call that is needed and not measured. */
void must(const char *name, int32_t result);

#endif
