/* In assembly, because these functions must not use the stack that they measure. */
#include "board.h"

/* Where the stack stood in the caller of board_paint_stack(). */
__attribute__((used)) static uint32_t painted_from;

__attribute__((naked)) void board_paint_stack(void) {
    __asm__ volatile("la a0, painted_from\n"
                     "sw sp, 0(a0)\n"
                     "la a1, __stack_start\n"
                     "li a2, 0xc5c5c5c5\n"
                     "1: bgeu a1, sp, 2f\n"
                     "sw a2, 0(a1)\n"
                     "addi a1, a1, 4\n"
                     "j 1b\n"
                     "2: ret\n");
}

__attribute__((naked)) size_t board_stack_used(void) {
    __asm__ volatile("la a0, painted_from\n"
                     "lw a0, 0(a0)\n"
                     "la a1, __stack_start\n"
                     "li a2, 0xc5c5c5c5\n"
                     "1: bgeu a1, a0, 2f\n"
                     "lw a3, 0(a1)\n"
                     "bne a3, a2, 2f\n"
                     "addi a1, a1, 4\n"
                     "j 1b\n"
                     "2: sub a0, a0, a1\n"
                     "ret\n");
}
