/* A call on a stack of its own, which can be looked at afterwards. */
#ifndef OWN_STACK_H
#define OWN_STACK_H

#include <stddef.h>
#include <stdint.h>

enum { OWN_STACK_LEN = 65536, OWN_STACK_PAINT = 0xc5 };
extern uint8_t own_stack[OWN_STACK_LEN];

/* Paints the stack, makes the call on it, and gives its result. */
int32_t on_own_stack(int32_t (*call)(void));

#endif
