/* Timer 0 of Arm's CMSDK, at BOARD_TIMER_BASE. It counts down. */
#include "board.h"
#include "timer.h"

struct cmsdk_timer {
    uint32_t ctrl, value, reload;
};

static volatile struct cmsdk_timer *const timer = (volatile struct cmsdk_timer *)BOARD_TIMER_BASE;

void timer_start(void) {
    timer->reload = UINT32_MAX;
    timer->value = UINT32_MAX;
    timer->ctrl = 1; /* enable */
}

uint32_t board_ticks(void) {
    return ~timer->value;
}
