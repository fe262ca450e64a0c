/*
 * What firmware here needs of a board: a clock, a console, an end, and to know how much stack a
 * call takes. README.md says what to replace for another board.
 *
 * main() is called with the clock running; what it returns is the program's exit status.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* ---- clock; BOARD_TICK_HZ, from the build, is between 16 MHz (microbit) and 1 GHz (RISC-V) */

/* A free-running counter. It counts up and wraps at 2^32. */
uint32_t board_ticks(void);

/* Milliseconds since the start. To be called at least once in 2^32 ticks (171 s at 25 MHz). */
uint32_t board_millis(void);

/* How many instructions QEMU runs in so many ticks with `-icount shift=0`, which makes each take
 * one nanosecond: 40 in a tick of 25 MHz. */
uint64_t board_instructions(uint32_t ticks);

/* ---- console: a UART, or semihosting, which QEMU and debuggers show */

void board_print(const char *text);
void board_print_u32(uint32_t value);                   /* in decimal */
void board_print_hex(const uint8_t *bytes, size_t len); /* two digits a byte */

/* ---- end */

/* The exit status after a fault, which is also reported on the console. Others are the program's.
 */
#define BOARD_EXIT_FAULT 2

/* Ends the program. Under QEMU `status` is the exit status. */
__attribute__((noreturn)) void board_exit(int status);

/* ---- stack: at the start of RAM, so that an overflow faults instead of overwriting data */

/* Fills the unused stack with a pattern. */
void board_paint_stack(void);

/* The deepest that the stack has been since board_paint_stack(), in bytes below where it stood in
 * that function's caller. */
size_t board_stack_used(void);

#endif
