#include "board.h"

/* Volatile, so that the compiler does not see what comes. */
static void (*volatile const nothing)(void) = NULL;

int main(void) {
    nothing();
    return 0;
}
