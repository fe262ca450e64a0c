/* Cycles, which in QEMU are instructions. */
#include "board.h"

uint32_t board_ticks(void) {
    uint32_t cycles;
    __asm__ volatile("csrr %0, mcycle" : "=r"(cycles));
    return cycles;
}
