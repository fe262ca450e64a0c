/* USART1 of the STM32F4, on pin PA9, with the clocks of reset: 16 MHz. */
#include "uart.h"

/* Reset and clock control, port A, USART1 (reference manual RM0090). */
#define RCC_AHB1ENR (*(volatile uint32_t *)0x40023830u)
#define RCC_APB2ENR (*(volatile uint32_t *)0x40023844u)
#define GPIOA_MODER (*(volatile uint32_t *)0x40020000u)
#define GPIOA_AFRH (*(volatile uint32_t *)0x40020024u)
#define USART1_SR (*(volatile uint32_t *)0x40011000u)
#define USART1_DR (*(volatile uint32_t *)0x40011004u)
#define USART1_BRR (*(volatile uint32_t *)0x40011008u)
#define USART1_CR1 (*(volatile uint32_t *)0x4001100cu)

enum {
    GPIOA_CLOCK = 1 << 0,
    USART1_CLOCK = 1 << 4,
    PA9_ALTERNATE = 2 << 18,
    PA9_USART1 = 7 << 4,
    BAUD_DIVISOR = 16000000 / 115200 + 1, /* 138.9 */
    CR1_ENABLE = 1 << 13,
    CR1_TRANSMIT = 1 << 3,
    SR_HAS_ROOM = 1 << 7
};

void uart_start(void) {
    RCC_AHB1ENR |= GPIOA_CLOCK;
    RCC_APB2ENR |= USART1_CLOCK;
    GPIOA_AFRH |= PA9_USART1;
    GPIOA_MODER |= PA9_ALTERNATE;
    USART1_BRR = BAUD_DIVISOR;
    USART1_CR1 = CR1_ENABLE | CR1_TRANSMIT;
}

void uart_put(uint8_t byte) {
    while ((USART1_SR & SR_HAS_ROOM) == 0) {
    }
    USART1_DR = byte;
}
