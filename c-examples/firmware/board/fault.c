#include "fault.h"
#include "board.h"
#include <stdbool.h>

extern uint8_t __stack_start[], __stack_top[];

/* What the processor pushes: words, among them these. */
enum { FRAME_LR = 5, FRAME_PC = 6, FRAME_WORDS = 8 };

static void print_word(const char *name, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    board_print(name);
    board_print_hex(bytes, sizeof bytes);
}

static uint32_t exception_number(void) {
    uint32_t number;
    __asm__("mrs %0, ipsr" : "=r"(number));
    return number;
}

/* Why, where the processor says it. */
static uint32_t fault_status(void) {
#if __ARM_ARCH >= 7
    return *(volatile uint32_t *)0xe000ed28u; /* CFSR */
#else
    return 0;
#endif
}

/* Whether the stack was full, so that there may be no frame: STKOF is the stack limit of ARMv8-M.
 */
static bool is_overflow(const uint32_t *frame, uint32_t status) {
    const uint32_t stkof = (uint32_t)1 << 20;
    return (status & stkof) != 0 || (const uint8_t *)frame < __stack_start ||
           (const uint8_t *)(frame + FRAME_WORDS) > __stack_top;
}

__attribute__((noreturn, used)) static void report(const uint32_t *frame) {
    const uint32_t status = fault_status();
    board_print("FAULT: ");
    if (is_overflow(frame, status)) {
        board_print("stack overflow");
    } else {
        board_print(exception_number() == 3 ? "HardFault" : "unexpected exception");
        print_word(" at ", frame[FRAME_PC]);
        print_word(", called from ", frame[FRAME_LR]);
    }
    print_word(", CFSR ", status);
    board_print("\n");
    board_exit(BOARD_EXIT_FAULT);
}

/* The stack may be the fault, so the report has it anew. */
__attribute__((naked)) void board_fault(void) {
    __asm__ volatile("mrs r0, msp\n"
                     "ldr r1, =__stack_top\n"
                     "mov sp, r1\n"
                     "bl report\n"
                     ".ltorg\n");
}
