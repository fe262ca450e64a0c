/* The self-test's console. */
#include "board.h"

#include <zephyr/sys/printk.h>

void board_print(const char *text) {
    printk("%s", text);
}

void board_print_u32(uint32_t value) {
    printk("%u", value);
}
