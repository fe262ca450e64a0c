/* TIMER0 of the nRF51, at BOARD_TIMER_BASE: one of its two with 32 bits or less, counting up. */
#include "board.h"
#include "timer.h"

static volatile uint32_t *reg(uint32_t offset) {
    return (volatile uint32_t *)(BOARD_TIMER_BASE + offset);
}

enum {
    TASKS_START = 0x000,
    TASKS_CLEAR = 0x00c,
    TASKS_CAPTURE0 = 0x040,
    MODE = 0x504,
    BITMODE = 0x508,
    PRESCALER = 0x510,
    CC0 = 0x540
};

void timer_start(void) {
    *reg(MODE) = 0;    /* a timer */
    *reg(BITMODE) = 3; /* of 32 bits */
    *reg(PRESCALER) = 0;
    *reg(TASKS_CLEAR) = 1;
    *reg(TASKS_START) = 1;
}

uint32_t board_ticks(void) {
    *reg(TASKS_CAPTURE0) = 1;
    return *reg(CC0);
}
