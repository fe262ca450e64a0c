/* TIM2 of the STM32F4, which has 32 bits and counts up. QEMU feeds it with 1 GHz, whatever the
 * clocks are set to: a prescaler of 40 makes that 25 MHz. The chip's, with the clocks of reset,
 * would count 0.4 MHz so. */
#include "board.h"
#include "timer.h"

#define RCC_APB1ENR (*(volatile uint32_t *)0x40023840u)
#define TIM2_CR1 (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x00))
#define TIM2_EGR (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x14))
#define TIM2_CNT (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x24))
#define TIM2_PSC (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x28))
#define TIM2_ARR (*(volatile uint32_t *)(BOARD_TIMER_BASE + 0x2c))

enum { TIM2_CLOCK = 1 << 0, FEED_HZ = 1000000000, CR1_ENABLE = 1 << 0, EGR_UPDATE = 1 << 0 };

void timer_start(void) {
    RCC_APB1ENR |= TIM2_CLOCK;
    TIM2_PSC = FEED_HZ / BOARD_TICK_HZ - 1;
    TIM2_ARR = UINT32_MAX;
    TIM2_EGR = EGR_UPDATE; /* takes the prescaler over */
    TIM2_CR1 = CR1_ENABLE;
}

uint32_t board_ticks(void) {
    return TIM2_CNT;
}
