/* UART0 of the Stellaris LM3S, on pin PA1: a PL011. */
#include "board.h"
#include "uart.h"

/* System control, port A, UART0 (data sheet of the LM3S6965). */
#define RCGC1 (*(volatile uint32_t *)0x400fe104u)
#define RCGC2 (*(volatile uint32_t *)0x400fe108u)
#define GPIOA_AFSEL (*(volatile uint32_t *)0x40004420u)
#define GPIOA_DEN (*(volatile uint32_t *)0x4000451cu)
#define UART0_DR (*(volatile uint32_t *)0x4000c000u)
#define UART0_FR (*(volatile uint32_t *)0x4000c018u)
#define UART0_IBRD (*(volatile uint32_t *)0x4000c024u)
#define UART0_FBRD (*(volatile uint32_t *)0x4000c028u)
#define UART0_LCRH (*(volatile uint32_t *)0x4000c02cu)
#define UART0_CTL (*(volatile uint32_t *)0x4000c030u)

enum {
    UART0_CLOCK = 1 << 0,
    GPIOA_CLOCK = 1 << 0,
    PA1 = 1 << 1,
    BAUD_DIVISOR = BOARD_TICK_HZ / 115200 * 4, /* in 64ths of 16 */
    LCRH_8_BITS_FIFO = 0x70,
    CTL_ENABLE_TRANSMIT = 1 << 8 | 1 << 0,
    FR_FULL = 1 << 5
};

void uart_start(void) {
    RCGC1 |= UART0_CLOCK;
    RCGC2 |= GPIOA_CLOCK;
    (void)RCGC2; /* the clocks take three cycles to start */
    (void)RCGC2;
    GPIOA_AFSEL |= PA1;
    GPIOA_DEN |= PA1;
    UART0_IBRD = BAUD_DIVISOR / 64;
    UART0_FBRD = BAUD_DIVISOR % 64;
    UART0_LCRH = LCRH_8_BITS_FIFO;
    UART0_CTL = CTL_ENABLE_TRANSMIT;
}

void uart_put(uint8_t byte) {
    while ((UART0_FR & FR_FULL) != 0) {
    }
    UART0_DR = byte;
}
