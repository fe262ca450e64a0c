/* From reset to main(), on RISC-V in machine mode. */
#include "board.h"
#include <stdbool.h>
#include <string.h>

int main(void);
void board_reset(void);

/* Of the linker script. */
extern uint8_t __stack_start[], __stack_top[], __data_start[], __data_load[], __data_size[];
extern uint8_t __bss_start[], __bss_size[];

/* Where QEMU begins. */
__attribute__((naked, section(".vectors"), used)) void board_entry(void) {
    __asm__ volatile("la sp, __stack_top\n"
                     "j board_reset\n");
}

/* What nothing may touch: so much below the stack. */
#define GUARD_LEN 0x100000u

static bool is_below_stack(uint32_t address) {
    const uint32_t start = (uint32_t)__stack_start;
    return address < start && address >= start - GUARD_LEN;
}

static void print_word(const char *name, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    board_print(name);
    board_print_hex(bytes, sizeof bytes);
}

/* What is likely; a number for the rest (privileged architecture, mcause). */
static const char *name_of(uint32_t cause) {
    switch (cause) {
    case 1:
        return "instruction access fault";
    case 2:
        return "illegal instruction";
    case 5:
        return "load access fault";
    case 7:
        return "store access fault";
    default:
        return "unexpected trap";
    }
}

__attribute__((noreturn, used)) static void report(void) {
    uint32_t cause, pc, address;
    __asm__("csrr %0, mcause" : "=r"(cause));
    __asm__("csrr %0, mepc" : "=r"(pc));
    __asm__("csrr %0, mtval" : "=r"(address));
    board_print("FAULT: ");
    board_print(is_below_stack(address) ? "stack overflow" : name_of(cause));
    print_word(" at ", pc);
    print_word(", mcause ", cause);
    print_word(", address ", address);
    board_print("\n");
    board_exit(BOARD_EXIT_FAULT);
}

/* The stack may be the fault, so the report has it anew. */
__attribute__((naked, aligned(4))) static void fault(void) {
    __asm__ volatile("la sp, __stack_top\n"
                     "j %0\n" ::"i"(report));
}

/* So that an overflow faults: a locked PMP region is for machine mode too. */
static void guard_stack(void) {
    const uint32_t base = (uint32_t)__stack_start - GUARD_LEN;
    __asm__ volatile("csrw pmpaddr0, %0" ::"r"(base >> 2 | (GUARD_LEN / 8 - 1)));
    __asm__ volatile("csrw pmpcfg0, %0" ::"r"(0x98)); /* locked, a power of two, nothing allowed */
}

__attribute__((noreturn)) void board_reset(void) {
    __asm__ volatile("csrw mtvec, %0" ::"r"(fault));
    guard_stack();
    memcpy(__data_start, __data_load, (size_t)__data_size);
    memset(__bss_start, 0, (size_t)__bss_size);
    board_exit(main());
}
