@ SHA-256's compression (FIPS 180-4 section 6.2.2) for ARMv7-M and up, four rounds a loop. No table but the constants, no
@ branch and no address depends on what is hashed; what is put on the stack is wiped.
@
@   void lscoap_sha256_compress(uint32_t state[8], const uint8_t block[64]);
    .syntax unified
    .thumb
    .section .text.lscoap_sha256, "ax", %progbits
    .balign 4

@ The sums of rotations are turned by the least of them, which the shifter makes good for where they are added.
@ \y is b ^ c, \x becomes a ^ b: the majority is ((a ^ b) & (b ^ c)) ^ b.
    .macro round a, b, c, d, e, f, g, h, x, y
    ldr r2, [r0], #4
    add \h, \h, r2
    ldr r2, [r1], #4
    add \h, \h, r2
    eor r2, \f, \g
    and r2, r2, \e
    eor r2, r2, \g
    add \h, \h, r2
    eor r2, \e, \e, ror #5
    eor r2, r2, \e, ror #19
    add \h, \h, r2, ror #6
    add \d, \d, \h
    eor r2, \a, \a, ror #11
    eor r2, r2, \a, ror #20
    add \h, \h, r2, ror #2
    eor \x, \a, \b
    ands \y, \y, \x
    eor r2, \y, \b
    add \h, \h, r2
    .endm

@ W[t + 16] to \two_before, which is W[t + 14]. \now is W[t]; \next becomes W[t + 1]. r0 is where W[t] is, but for \at.
    .macro extend now, next, two_before, at
    eor r2, \two_before, \two_before, ror #2
    lsr r3, \two_before, #10
    eor r3, r3, r2, ror #17
    add \two_before, \now, r3
    ldr \next, [r0, #(\at + 4)]
    eor r2, \next, \next, ror #11
    lsr r3, \next, #3
    eor r3, r3, r2, ror #7
    add \two_before, \two_before, r3
    ldr r2, [r0, #(\at + 36)]
    add \two_before, \two_before, r2
    str \two_before, [r0, #(\at + 64)]
    .endm

    .global lscoap_sha256_compress
    .hidden lscoap_sha256_compress
    .type lscoap_sha256_compress, %function
lscoap_sha256_compress:
    push {r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}
    sub sp, #272 @ room for half of the state, and the words of the message, W

    add r0, sp, #16
    add r12, r0, #64
1:  ldr r2, [r1], #4
    rev r2, r2
    str r2, [r0], #4
    cmp r0, r12
    bne 1b

    ldrd r6, r7, [r0, #-8]
    sub r0, #64
    add r12, r0, #192
    ldr r4, [r0]
2:  extend r4, r5, r6, 0
    extend r5, r4, r7, 4
    adds r0, #8
    cmp r0, r12
    bne 2b

    ldr r3, [sp, #272]
    ldm r3, {r4, r5, r6, r7, r8, r9, r10, r11}
    eor r12, r5, r6
    sub r0, #192
    adr r1, 5f
3:  round r4, r5, r6, r7, r8, r9, r10, r11, r3, r12
    round r11, r4, r5, r6, r7, r8, r9, r10, r12, r3
    round r10, r11, r4, r5, r6, r7, r8, r9, r3, r12
    round r9, r10, r11, r4, r5, r6, r7, r8, r12, r3
    stm sp, {r4, r5, r6, r7} @ the halves change places
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    ldm sp, {r8, r9, r10, r11}
    add r2, sp, #272
    cmp r0, r2
    bne 3b

    ldr r0, [sp, #272]
    ldm r0, {r1, r2, r3, r12}
    add r4, r4, r1
    add r5, r5, r2
    add r6, r6, r3
    add r7, r7, r12
    add r1, r0, #16
    ldm r1, {r1, r2, r3, r12}
    add r8, r8, r1
    add r9, r9, r2
    add r10, r10, r3
    add r11, r11, r12
    stm r0, {r4, r5, r6, r7, r8, r9, r10, r11}

    movs r1, #0
    movs r2, #0
    movs r3, #0
    movs r4, #0
    add r0, sp, #272
4:  stmdb r0!, {r1, r2, r3, r4}
    cmp sp, r0
    bne 4b
    add sp, #272
    pop {r0, r4, r5, r6, r7, r8, r9, r10, r11, pc}
    .size lscoap_sha256_compress, . - lscoap_sha256_compress

    .balign 4
5:
    .word 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5
    .word 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174
    .word 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da
    .word 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967
    .word 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85
    .word 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070
    .word 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3
    .word 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
