#define _XOPEN_SOURCE 700
#include "own_stack.h"
#include <string.h>
#include <ucontext.h>

uint8_t own_stack[OWN_STACK_LEN];

static int32_t (*call)(void);
static int32_t result;

static void make_call(void) {
    result = call();
}

int32_t on_own_stack(int32_t (*called)(void)) {
    ucontext_t here, there;
    memset(own_stack, OWN_STACK_PAINT, sizeof own_stack);
    call = called;
    if (getcontext(&there) != 0) {
        return -1;
    }
    there.uc_stack.ss_sp = own_stack;
    there.uc_stack.ss_size = sizeof own_stack;
    there.uc_link = &here;
    makecontext(&there, make_call, 0);
    return swapcontext(&here, &there) == 0 ? result : -1;
}
