/* The functions that are neither handshake nor records, and the sizes of the objects. */
#ifndef OTHERS_H
#define OTHERS_H

void measure_enrolment(void);
void measure_session(void);
void measure_contexts(void);
void measure_names(void);
/* Leaves nothing of the sessions. */
void measure_ends(void);
void print_sizes(void);

#endif
