/* The UART behind board_print(): one uart_*.c for each kind. */
#ifndef UART_H
#define UART_H

#include <stdint.h>

/* After timer_start(), which may set the clocks. */
void uart_start(void);

/* Waits until there is room for the byte. */
void uart_put(uint8_t byte);

#endif
