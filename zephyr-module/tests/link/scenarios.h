#ifndef SCENARIOS_H
#define SCENARIOS_H

/* The client and the service of this node talk to each other, on networks of all kinds. How many
 * checks failed. */
unsigned scenarios(void);

#endif
