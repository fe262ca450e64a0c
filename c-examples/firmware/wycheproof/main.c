/* Project Wycheproof's vectors for ECDH and ECDSA with P-256, by the back-end that this firmware
 * has. */
#include "board.h"

enum { VECTOR = 164, AT_LEAST = 500 };

uint8_t wycheproof_judge(const uint8_t vector[VECTOR]);

/* What tests/wycheproof.rs wrote. */
__asm__(".section .rodata.vectors\n"
        "vectors: .incbin \"" VECTORS "\"\n"
        ".previous");
extern const uint8_t vectors[];

int main(void) {
    uint32_t count = 0, wrong = 0;
    uint8_t verdict = 0;
    for (; (verdict = wycheproof_judge(vectors + VECTOR * count)) != 2; count++) {
        if (verdict != 0) {
            board_print("vector ");
            board_print_u32(count);
            board_print(": wrong\n");
            wrong++;
        }
    }
    board_print_u32(count);
    board_print(" of Project Wycheproof's vectors, wrong: ");
    board_print_u32(wrong);
    board_print("\n");
    return wrong != 0 || count < AT_LEAST;
}
