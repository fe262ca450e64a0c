/* A handshake, step by step; at its end both sessions are there. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

void measure_signed(void);
void measure_express(void);
/* Of the last session, which has been confirmed. */
void measure_resume(void);

#endif
