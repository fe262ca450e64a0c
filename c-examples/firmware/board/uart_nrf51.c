/* The UART of the nRF51, on the pin that the micro:bit's USB interface listens to. */
#include "uart.h"

#define TASKS_STARTTX (*(volatile uint32_t *)0x40002008u)
#define EVENTS_TXDRDY (*(volatile uint32_t *)0x4000211cu)
#define ENABLE (*(volatile uint32_t *)0x40002500u)
#define PSELTXD (*(volatile uint32_t *)0x4000250cu)
#define TXD (*(volatile uint32_t *)0x4000251cu)
#define BAUDRATE (*(volatile uint32_t *)0x40002524u)

enum { ENABLED = 4, TX_PIN = 24, BAUD_115200 = 0x01d7e000 };

void uart_start(void) {
    PSELTXD = TX_PIN;
    BAUDRATE = BAUD_115200;
    ENABLE = ENABLED;
    TASKS_STARTTX = 1;
}

void uart_put(uint8_t byte) {
    EVENTS_TXDRDY = 0;
    TXD = byte;
    while (EVENTS_TXDRDY == 0) {
    }
}
