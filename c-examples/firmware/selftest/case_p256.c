/* The assembly of the feature p256-small, called directly: the chain of
 * p256-small/src/tests/chain.rs, and whether every operand takes as many instructions. */
#include "board.h"
#include "cases.h"
#include "check.h"
#include <string.h>

/* p256-small/src/arithmetic/thumb2.s */
enum { WORDS = 8, REGISTERS = 8 };
struct modulus {
    uint32_t words[WORDS];
    uint32_t negative_inverse; /* cppcheck-suppress unusedStructMember; the assembly reads it */
};
void lscoap_p256_run(uint32_t registers[][WORDS], const uint16_t *program, const uint16_t *end,
                     const struct modulus *modulus, const uint32_t (*operands)[WORDS]);

static const struct modulus moduli[] = {
    {{0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff}, 1},
    {{0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0, 0xffffffff},
     0xee00bc4f},
};
/* 2^512 modulo the first of them. */
static const uint32_t operands[][WORDS] = {
    {3, 0, 0xffffffff, 0xfffffffb, 0xfffffffe, 0xffffffff, 0xfffffffd, 4}};

/* Register 6 becomes the product of 0 and 1, 0 a sum, 7 a half, 1 a difference; then both are
 * multiplied, with the operand and with itself. */
static const uint16_t program[] = {0x0601, 0x1006, 0x3700, 0x2117, 0x0008, 0x0111};

static void run(uint32_t registers[][WORDS], const struct modulus *modulus, int times) {
    while (times-- > 0) {
        lscoap_p256_run(registers, program, program + sizeof program / sizeof *program, modulus,
                        operands);
    }
}

void case_p256(int32_t profile) {
    static const uint32_t end[2][WORDS] = {
        /* clang-format off */
        {0xbee7a037, 0xed5095f3, 0xde3eaf24, 0x265b6579, 0x57109b90, 0xe36ced30, 0xd163bfd0, 0x5c37028a},
        {0x213dd77a, 0xa07cf636, 0x2b9331ca, 0x6617ee46, 0xee3f93c7, 0x001d557d, 0xe35c7b2a, 0xeb1e3d91},
        /* clang-format on */
    };
    uint32_t registers[REGISTERS][WORDS] = {{0}};
    (void)profile;
    for (uint32_t word = 0; word < WORDS; word++) {
        registers[0][word] = 0x01010101 * (word + 1);
        registers[1][word] = ~registers[0][word] >> 1;
    }
    for (size_t i = 0; i < sizeof moduli / sizeof *moduli; i++) {
        run(registers, &moduli[i], 1000);
    }
    CHECK(memcmp(registers, end, sizeof end) == 0);
}

void case_time_of_p256(int32_t profile) {
    uint32_t first = 0;
    (void)profile;
    for (int operand = 0; operand < 6; operand++) {
        uint32_t registers[REGISTERS][WORDS] = {{0}};
        /* 0, 1 less than the modulus, and others. */
        if (operand == 1) {
            memcpy(registers, moduli[0].words, sizeof moduli[0].words);
            registers[0][0]--;
            memcpy(registers[1], registers[0], sizeof registers[0]);
        } else {
            memset(registers, operand * 41, 2 * sizeof registers[0]);
        }
        const uint32_t start = board_ticks();
        run(registers, &moduli[0], 1000);
        const uint32_t ticks = board_ticks() - start;
        /* Two runs may begin at different places between two ticks. */
        if (first == 0) {
            first = ticks;
        }
        CHECK(ticks - first + 2 <= 4);
    }
}
