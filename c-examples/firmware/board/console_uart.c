/* The console of real microcontrollers: 115,200 baud, eight bits, no parity. */
#include "board.h"
#include "uart.h"
#include <stdbool.h>

void board_print(const char *text) {
    static bool started;
    if (!started) {
        uart_start();
        started = true;
    }
    for (; *text != '\0'; text++) {
        uart_put((uint8_t)*text);
    }
}
