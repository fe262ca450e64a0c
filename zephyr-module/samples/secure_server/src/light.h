/* The service with the resource /light. */
#ifndef LIGHT_H
#define LIGHT_H

/* Starts it; 0 or a negative errno. */
int light_serve(void);

#endif
