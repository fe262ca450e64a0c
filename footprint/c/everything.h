/* Every function of lscoap.h, called through probe(). */
#ifndef EVERYTHING_H
#define EVERYTHING_H

/* After ends_init(): the same calls each time, with the same random bytes. */
void measure_everything(void);

#endif
