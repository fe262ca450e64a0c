/* Whether a call leaves secrets on the stack: every call of footprint/c is made twice, the second
 * time on a stack of its own, which is searched for all that the first time gave to know. What is
 * found is printed; the exit status is 0 if nothing is. This is the other implementation of
 * footprint/c/probe.h. */
#include "board.h"
#include "ends.h"
#include "everything.h"
#include "group_secrets.h"
#include "known.h"
#include "own_stack.h"
#include "probe.h"
#include "secrets.h"
#include <stdbool.h>

static bool is_learning;
static uint32_t calls, found, deepest;

void must(const char *name, int32_t result) {
    if (result != 0) {
        board_print("failed: ");
        board_print(name);
        board_print("\n");
        board_exit(1);
    }
}

/* A run of bytes that are a secret's: where they begin, counted down from the caller's stack
 * pointer. */
static void report(const char *call, struct known secret, size_t at, size_t len) {
    found++;
    board_print(call);
    board_print(": ");
    board_print_u32((uint32_t)len);
    board_print(" bytes of the ");
    board_print(secret.name);
    board_print(", ");
    board_print(secret.form);
    board_print(", ");
    board_print_u32((uint32_t)(OWN_STACK_LEN - at));
    board_print(" bytes deep\n");
}

static void search(const char *call) {
    size_t at = 0;
    while (at < OWN_STACK_LEN && own_stack[at] == OWN_STACK_PAINT) {
        at++;
    }
    if (deepest < OWN_STACK_LEN - at) {
        deepest = (uint32_t)(OWN_STACK_LEN - at);
    }
    while (at + WINDOW <= OWN_STACK_LEN) {
        const struct known secret = known(own_stack + at);
        size_t end = at;
        while (secret.name != NULL && end + WINDOW <= OWN_STACK_LEN &&
               known(own_stack + end).name == secret.name) {
            end++;
        }
        if (end != at) {
            report(call, secret, at, end - at + WINDOW - 1);
        }
        at = end == at ? at + 1 : end;
    }
}

void probe(const char *name, int32_t (*call)(void)) {
    must(name, is_learning ? call() : on_own_stack(call));
    if (is_learning) {
        secrets_learn();
    } else {
        calls++;
        search(name);
    }
}

void probe_size(const char *name, uint32_t bytes) {
    (void)name;
    (void)bytes;
}

/* The scan finds what is left behind: it is tried with a function that leaves something. */
static int32_t careless(void) {
    volatile uint8_t copy[LSCOAP_SECRET_KEY_LEN] = {0};
    for (size_t i = 0; i < sizeof copy; i++) {
        copy[i] = device_secret[i];
    }
    return copy[0] == device_secret[0] ? 0 : -1;
}

int main(void) {
    is_learning = true;
    ends_init();
    secrets_begin();
    measure_everything();
    must("no JOIN was seen", group_secrets_are_known() ? 0 : -1);

    is_learning = false;
    ends_init();
    must("a careless function", on_own_stack(careless));
    must("the scan finds nothing", known(own_stack).name != NULL);
    search("a careless function");
    must("a careless function leaves a secret", found == 0);
    found = 0;
    measure_everything();

    board_print_u32(calls);
    board_print(" calls, at most ");
    board_print_u32(deepest);
    board_print(" bytes deep; searched for ");
    board_print_u32((uint32_t)known_count());
    board_print(" windows of secrets, found ");
    board_print_u32(found);
    board_print("\n");
    return found != 0;
}
