#include "probe.h"
#include "board.h"

struct cost {
    uint32_t ticks;
    uint32_t stack;
    int32_t result;
};

static int32_t nothing(void) {
    return 0;
}

/* The pointer is volatile so that no call is inlined: all of them are made from the same depth. */
static struct cost measure(int32_t (*call)(void)) {
    int32_t (*volatile made)(void) = call;
    struct cost cost;
    board_paint_stack();
    const uint32_t start = board_ticks();
    cost.result = made();
    cost.ticks = board_ticks() - start;
    cost.stack = (uint32_t)board_stack_used();
    return cost;
}

static uint32_t beyond(uint32_t cost, uint32_t empty) {
    return cost > empty ? cost - empty : 0;
}

void must(const char *name, int32_t result) {
    if (result != 0) {
        board_print("failed: ");
        board_print(name);
        board_print("\n");
        board_exit(1);
    }
}

void probe(const char *name, int32_t (*call)(void)) {
    const struct cost empty = measure(nothing), cost = measure(call);
    must(name, cost.result);
    board_print("call ");
    board_print(name);
    board_print(" ");
    board_print_u32((uint32_t)board_instructions(beyond(cost.ticks, empty.ticks)));
    board_print(" ");
    board_print_u32(beyond(cost.stack, empty.stack));
    board_print("\n");
}

void probe_size(const char *name, uint32_t bytes) {
    board_print("size ");
    board_print(name);
    board_print(" ");
    board_print_u32(bytes);
    board_print("\n");
}
