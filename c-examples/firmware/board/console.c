/* Numbers on the console. */
#include "board.h"

void board_print_u32(uint32_t value) {
    char digits[11];
    char *at = digits + sizeof digits;
    *--at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    board_print(at);
}

void board_print_hex(const uint8_t *bytes, size_t len) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        const char text[] = {digits[bytes[i] >> 4], digits[bytes[i] & 15], '\0'};
        board_print(text);
    }
}
