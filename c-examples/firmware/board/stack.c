/* In assembly, because these functions must not use the stack that they measure. */
#include "board.h"

/* Where the stack stood in the caller of board_paint_stack(). */
__attribute__((used)) static uint32_t painted_from;

__attribute__((naked)) void board_paint_stack(void) {
    __asm__ volatile("mov r0, sp\n"
                     "ldr r1, =painted_from\n"
                     "str r0, [r1]\n"
                     "ldr r1, =__stack_start\n"
                     "ldr r2, =0xc5c5c5c5\n"
                     "1: cmp r1, r0\n"
                     "bhs 2f\n"
                     "str r2, [r1]\n"
                     "adds r1, #4\n"
                     "b 1b\n"
                     "2: bx lr\n"
                     ".ltorg\n");
}

__attribute__((naked)) size_t board_stack_used(void) {
    __asm__ volatile("ldr r0, =painted_from\n"
                     "ldr r0, [r0]\n"
                     "ldr r1, =__stack_start\n"
                     "ldr r2, =0xc5c5c5c5\n"
                     "1: cmp r1, r0\n"
                     "bhs 2f\n"
                     "ldr r3, [r1]\n"
                     "cmp r3, r2\n"
                     "bne 2f\n"
                     "adds r1, #4\n"
                     "b 1b\n"
                     "2: subs r0, r0, r1\n"
                     "bx lr\n"
                     ".ltorg\n");
}
