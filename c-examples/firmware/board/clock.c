/* Longer times from the ticks. */
#include "board.h"

uint32_t board_millis(void) {
    static uint32_t last;
    static uint64_t total;
    const uint32_t now = board_ticks();
    total += now - last;
    last = now;
    return (uint32_t)(total / (BOARD_TICK_HZ / 1000));
}

uint64_t board_instructions(uint32_t ticks) {
    return (uint64_t)ticks * 1000000000u / BOARD_TICK_HZ;
}
