#include "board.h"

/* Volatile, so that every call has its frame. */
static uint32_t deeper(uint32_t depth) {
    volatile uint8_t frame[200];
    frame[0] = (uint8_t)depth;
    return depth < UINT32_MAX ? deeper(depth + 1) + frame[0] : 0;
}

int main(void) {
    return (int)deeper(0);
}
