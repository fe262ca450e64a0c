#include "board.h"
#include <stdbool.h>

enum { ROUNDS = 100000, FRAME = 1000 };

static bool passed = true;

static void check(bool condition, const char *text) {
    if (!condition) {
        board_print("wrong: ");
        board_print(text);
        board_print("\n");
        passed = false;
    }
}

__attribute__((noinline)) static void spin(uint32_t rounds) {
    for (volatile uint32_t i = 0; i < rounds; i++) {
    }
}

__attribute__((noinline)) static void use_stack(void) {
    volatile uint8_t frame[FRAME];
    for (size_t i = 0; i < sizeof frame; i++) {
        frame[i] = 1;
    }
}

static uint32_t instructions(uint32_t rounds) {
    const uint32_t start = board_ticks();
    spin(rounds);
    return (uint32_t)board_instructions(board_ticks() - start);
}

int main(void) {
    /* A round takes a few instructions, and always as many: but for one tick, of at most 63. */
    const uint32_t once = instructions(ROUNDS), twice = instructions(2 * ROUNDS);
    check(once >= 4 * ROUNDS && once <= 20 * ROUNDS, "instructions of a round");
    check(twice + 500 > 2 * once && 2 * once + 500 > twice, "twice as many rounds");

    const uint32_t from = board_millis();
    spin(ROUNDS);
    const uint32_t millis = board_millis() - from;
    check(millis <= once / 1000000 + 1 && millis + 1 >= once / 1000000, "milliseconds");

    board_paint_stack();
    check(board_stack_used() == 0, "stack of nothing");
    board_paint_stack();
    use_stack();
    const size_t used = board_stack_used();
    check(used >= FRAME && used < FRAME + 100, "stack of a call");

    board_print("end of measures\n");
    return passed ? 0 : 1;
}
