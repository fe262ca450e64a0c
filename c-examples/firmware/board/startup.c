/* From reset to main(). */
#include "board.h"
#include "fault.h"
#include "timer.h"
#include <string.h>

int main(void);
void board_reset(void);

/* Of the linker script. The top of the stack is no function, but stands among them in the vectors.
 */
void __stack_top(void);
extern uint8_t __stack_start[], __data_start[], __data_load[], __data_size[];
extern uint8_t __bss_start[], __bss_size[];

/* The processor's own exceptions, all of them faults here; no interrupt is enabled. */
__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    __stack_top, board_reset, board_fault, board_fault, board_fault, board_fault,
    board_fault, board_fault, board_fault, board_fault, board_fault, board_fault,
    board_fault, board_fault, board_fault, board_fault};

/* Before anything can use a floating-point register. */
static void enable_fpu(void) {
#ifdef __ARM_PCS_VFP
    volatile uint32_t *const cpacr = (uint32_t *)0xe000ed88u;
    *cpacr |= 0xfu << 20; /* full access to coprocessors 10 and 11 */
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

/* Lets an overflow fault where the end of RAM alone might not: ARMv8-M checks the stack pointer,
 * ARMv7-M may have no access to the megabyte below RAM. */
static void guard_stack(void) {
#if __ARM_ARCH >= 8
    __asm__ volatile("msr msplim, %0" ::"r"(__stack_start));
#elif __ARM_ARCH >= 7
    volatile uint32_t *const mpu_ctrl = (uint32_t *)0xe000ed94u;
    volatile uint32_t *const mpu_rbar = (uint32_t *)0xe000ed9cu;
    volatile uint32_t *const mpu_rasr = (uint32_t *)0xe000eda0u;
    *mpu_rbar = ((uint32_t)__stack_start - 0x100000u) | 1u << 4; /* region 0 */
    *mpu_rasr = 1u << 28 | 19u << 1 | 1u;                        /* 2^20 bytes, for nothing */
    *mpu_ctrl = 1u << 2 | 1u;                                    /* the rest as without it */
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

__attribute__((noreturn)) void board_reset(void) {
    enable_fpu();
    guard_stack();
    memcpy(__data_start, __data_load, (size_t)__data_size);
    memset(__bss_start, 0, (size_t)__bss_size);
    timer_start();
    board_exit(main());
}
