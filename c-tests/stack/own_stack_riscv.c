#include "own_stack.h"
#include <string.h>

uint8_t own_stack[OWN_STACK_LEN] __attribute__((aligned(16)));

/* `call` with the stack pointer at `top`. */
__attribute__((naked)) static int32_t call_at(int32_t (*call)(void), uint8_t *top) {
    (void)call;
    (void)top;
    __asm__ volatile("addi sp, sp, -16\n"
                     "sw ra, 12(sp)\n"
                     "sw s0, 8(sp)\n"
                     "mv s0, sp\n"
                     "mv sp, a1\n"
                     "jalr a0\n"
                     "mv sp, s0\n"
                     "lw s0, 8(sp)\n"
                     "lw ra, 12(sp)\n"
                     "addi sp, sp, 16\n"
                     "ret\n");
}

int32_t on_own_stack(int32_t (*call)(void)) {
    memset(own_stack, OWN_STACK_PAINT, sizeof own_stack);
    return call_at(call, own_stack + sizeof own_stack);
}
