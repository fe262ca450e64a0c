/* The watchdog of the Stellaris LM3S, at BOARD_TIMER_BASE, counts the processor's clock down, and
 * resets nothing unless it is told to: QEMU does not let a program read what the timers proper have
 * counted. */
#include "board.h"
#include "timer.h"

/* System control (data sheet of the LM3S6965). */
#define RIS (*(volatile uint32_t *)0x400fe050u)
#define RCC (*(volatile uint32_t *)0x400fe060u)
#define RCGC0 (*(volatile uint32_t *)0x400fe100u)
#define WDTLOAD (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x0))
#define WDTVALUE (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x4))
#define WDTCTL (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x8))

#define BIT(n) ((uint32_t)1 << (n))
#define RCC_DIVISOR_MASK (0xfu << 23)
#define RCC_USE_DIVISOR BIT(22)
#define RCC_PLL_OFF BIT(13)
#define RCC_BYPASS BIT(11)
#define RCC_CRYSTAL_MASK (0xfu << 6)
#define RCC_CRYSTAL_8_MHZ (0xeu << 6)
#define RCC_SOURCE_MASK (3u << 4) /* 0 is the crystal */
#define RCC_CRYSTAL_OFF BIT(0)
#define RIS_PLL_LOCKED BIT(6)
#define WATCHDOG_CLOCK BIT(3)
#define WDTCTL_COUNT BIT(0)

enum { PLL_HZ = 200000000 };

/* In the order of the data sheet: not by the PLL before that has locked. */
static void set_clock(void) {
    RCC = (RCC | RCC_BYPASS) & ~(RCC_USE_DIVISOR | RCC_CRYSTAL_OFF);
    RCC = (RCC & ~(RCC_CRYSTAL_MASK | RCC_SOURCE_MASK | RCC_PLL_OFF)) | RCC_CRYSTAL_8_MHZ;
    RCC = (RCC & ~RCC_DIVISOR_MASK) | (PLL_HZ / BOARD_TICK_HZ - 1) << 23 | RCC_USE_DIVISOR;
    while ((RIS & RIS_PLL_LOCKED) == 0) {
    }
    RCC &= ~RCC_BYPASS;
}

void timer_start(void) {
    set_clock();
    RCGC0 |= WATCHDOG_CLOCK;
    (void)RCGC0; /* the clock takes three cycles to start */
    (void)RCGC0;
    WDTLOAD = UINT32_MAX;
    WDTCTL = WDTCTL_COUNT;
}

uint32_t board_ticks(void) {
    return ~WDTVALUE;
}
