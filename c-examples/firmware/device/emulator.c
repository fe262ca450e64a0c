#include "emulator.h"

enum { SYS_OPEN = 0x01, SYS_READ = 0x06, SYS_GET_CMDLINE = 0x15, MODE_RB = 1, FAILED = -1 };

/* An argument of the call that is an address. */
static uint32_t word(const void *address) {
    return (uint32_t)(uintptr_t)address;
}

static int32_t semihosting(uint32_t operation, void *arguments) {
    register uint32_t r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = arguments;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

bool emulator_arguments(char *text, size_t capacity) {
    uint32_t arguments[2] = {word(text), (uint32_t)capacity};

    return semihosting(SYS_GET_CMDLINE, arguments) == 0;
}

int emulator_random(void *context, uint8_t *out, size_t len) {
    static const char path[] = "/dev/urandom";
    static int32_t file = FAILED;
    uint32_t arguments[3];

    (void)context;
    if (file == FAILED) {
        arguments[0] = word(path);
        arguments[1] = MODE_RB;
        arguments[2] = sizeof path - 1;
        file = semihosting(SYS_OPEN, arguments);
        if (file == FAILED) {
            return -1;
        }
    }
    arguments[0] = (uint32_t)file;
    arguments[1] = word(out);
    arguments[2] = (uint32_t)len;
    return semihosting(SYS_READ, arguments) == 0 ? 0 : -1; /* how many bytes were not read */
}
