#include "own_stack.h"
#include <string.h>

uint8_t own_stack[OWN_STACK_LEN] __attribute__((aligned(8)));

/* `call` with the stack pointer at `top`. */
__attribute__((naked)) static int32_t call_at(int32_t (*call)(void), uint8_t *top) {
    (void)call;
    (void)top;
    __asm__ volatile("push {r4, lr}\n"
                     "mov r4, sp\n"
                     "mov sp, r1\n"
                     "blx r0\n"
                     "mov sp, r4\n"
                     "pop {r4, pc}\n");
}

int32_t on_own_stack(int32_t (*call)(void)) {
    memset(own_stack, OWN_STACK_PAINT, sizeof own_stack);
    return call_at(call, own_stack + sizeof own_stack);
}
