/* Rest until the next millisecond, with the processor asleep. */
#ifndef SLEEP_H
#define SLEEP_H

#include <stdint.h>

void sleep_init(void);

void sleep_a_moment(void);

/* Ticks of the board's clock that were spent asleep so far. */
uint32_t sleep_ticks(void);

#endif
