/* The SysTick timer wakes the processor. Interrupts stay masked: one that is pending wakes it all
 * the same (Armv7-M reference manual, WFI), and so none needs a handler. */
#include "sleep.h"

#include "board.h"

/* System control space. */
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define ICSR (*(volatile uint32_t *)0xE000ED04u)

enum { CSR_ENABLE = 1, CSR_INTERRUPT = 2, CSR_PROCESSOR_CLOCK = 4 };
#define ICSR_CLEAR_SYSTICK ((uint32_t)1 << 25)

static uint32_t asleep;

void sleep_init(void) {
    __asm__ volatile("cpsid i" ::: "memory");
    SYST_RVR = BOARD_TICK_HZ / 1000 - 1;
    SYST_CVR = 0;
    SYST_CSR = CSR_PROCESSOR_CLOCK | CSR_INTERRUPT | CSR_ENABLE;
}

void sleep_a_moment(void) {
    const uint32_t began = board_ticks();

    __asm__ volatile("dsb\n\twfi" ::: "memory");
    ICSR = ICSR_CLEAR_SYSTICK;
    asleep += board_ticks() - began;
}

uint32_t sleep_ticks(void) {
    return asleep;
}
