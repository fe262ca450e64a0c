@ The steps of programs for ARMv7-M and up: arithmetic modulo p or n. No branch and no address depends on what registers hold. What
@ is put on the stack is pointers, counts and carries.
@
@   void lscoap_p256_run(uint32_t registers[8][8], const uint16_t *program, const uint16_t *end, const struct modulus *,
@                        const uint32_t operands[4][8]);
@
@   struct modulus { uint32_t words[8], negative_inverse; };
@
@ The bits of a step: 12 and 13 say what is done, 8 to 10 where the result goes, 4 to 6 the first operand, 0 to 2 the second one,
@ or 0 and 1 where bit 3 is set: one of the operands that are no registers. All are below the modulus, but the first operand of a
@ product may be any integer of 256 bits.
@
@ lscoap_p256_has_umaal is 1 where there is the DSP extension, whose UMAAL is a product and two additions. Otherwise that is put
@ together with UMLAL, which on Cortex-M3 takes more cycles for larger factors.
    .syntax unified
    .thumb
    .section .text.lscoap_p256, "ax", %progbits
    .balign 4

@ (r\hi, r\lo) = r\lo + r\hi + r0 · r3
    .macro lscoap_p256_umaal lo, hi
    .if lscoap_p256_has_umaal
    .inst.w 0xfbe00063 | \lo << 12 | \hi << 8 @ by its number, since assemblers do not believe in it on every ARMv8-M
    .else
    adds r\lo, r\lo, r\hi
    adc r\hi, r1, #0 @ r1 is 0
    umlal r\lo, r\hi, r0, r3
    .endif
    .endm

@ The stack: to, what is left of a, b, the end of a or a count; registers, program, end, modulus; r4 to r12, lr; operands.
    .global lscoap_p256_run
    .hidden lscoap_p256_run
    .type lscoap_p256_run, %function
lscoap_p256_run:
    push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}
    sub sp, #16
0:  ldr r3, [sp, #20]
    ldr r2, [sp, #24]
    cmp r3, r2
    beq 9f
    ldrh r12, [r3], #2
    str r3, [sp, #20]
    ldr r0, [sp, #16]
    ubfx r1, r12, #8, #3
    add r1, r0, r1, lsl #5
    str r1, [sp]
    ubfx r1, r12, #4, #3
    add r1, r0, r1, lsl #5
    ubfx r2, r12, #0, #3
    tst r12, #8
    itt ne
    ldrne r0, [sp, #72]
    andne r2, r2, #3
    add r2, r0, r2, lsl #5
    ubfx r0, r12, #12, #2
    tbb [pc, r0]
8:  .byte (1f - 8b) / 2, (4f - 8b) / 2, (5f - 8b) / 2, (6f - 8b) / 2

@ a + b
4:  ldm r1, {r4, r5, r6, r7, r8, r9, r10, r11}
    ldr r3, [r2]
    adds r4, r4, r3
    ldr r3, [r2, #4]
    adcs r5, r5, r3
    ldr r3, [r2, #8]
    adcs r6, r6, r3
    ldr r3, [r2, #12]
    adcs r7, r7, r3
    ldr r3, [r2, #16]
    adcs r8, r8, r3
    ldr r3, [r2, #20]
    adcs r9, r9, r3
    ldr r3, [r2, #24]
    adcs r10, r10, r3
    ldr r3, [r2, #28]
    adcs r11, r11, r3
    mov lr, #0
    adc lr, lr, #0
    ldr r2, [sp, #28]
    b 3f

@ a - b
5:  ldm r1, {r4, r5, r6, r7, r8, r9, r10, r11}
    ldr r3, [r2]
    subs r4, r4, r3
    ldr r3, [r2, #4]
    sbcs r5, r5, r3
    ldr r3, [r2, #8]
    sbcs r6, r6, r3
    ldr r3, [r2, #12]
    sbcs r7, r7, r3
    ldr r3, [r2, #16]
    sbcs r8, r8, r3
    ldr r3, [r2, #20]
    sbcs r9, r9, r3
    ldr r3, [r2, #24]
    sbcs r10, r10, r3
    ldr r3, [r2, #28]
    sbcs r11, r11, r3
    sbc r1, r1, r1
    ldr r2, [sp, #28]
    b 7f

@ a / 2: an odd one becomes even first.
6:  ldm r1, {r4, r5, r6, r7, r8, r9, r10, r11}
    sbfx r1, r4, #0, #1
    ldr r2, [sp, #28]
    b 8f

@ "CIOS": for each word of a, its product with b is added to the sum, and so many times the modulus that the lowest word becomes 0
@ and falls out. The sum, which stays below twice the modulus, is in r4 to r11, its highest bit in lr.
1:  str r2, [sp, #8]
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
    mov r8, r4
    mov r9, r4
    mov r10, r4
    mov r11, r4
    mov lr, r4
    .if lscoap_p256_has_umaal
    add r12, r1, #32
    str r12, [sp, #12]
2:  ldr r0, [r1], #4
    ldr r2, [sp, #8]
    mov r12, #0
    ldr r3, [r2]
    lscoap_p256_umaal 4, 12
    ldr r3, [r2, #4]
    lscoap_p256_umaal 5, 12
    ldr r3, [r2, #8]
    lscoap_p256_umaal 6, 12
    ldr r3, [r2, #12]
    lscoap_p256_umaal 7, 12
    ldr r3, [r2, #16]
    lscoap_p256_umaal 8, 12
    ldr r3, [r2, #20]
    lscoap_p256_umaal 9, 12
    ldr r3, [r2, #24]
    lscoap_p256_umaal 10, 12
    ldr r3, [r2, #28]
    lscoap_p256_umaal 11, 12
    adds lr, lr, r12 @ its carry stays in the flag
    ldr r2, [sp, #28]
    ldr r3, [r2, #32]
    mul r0, r4, r3
    mov r12, #0
    ldr r3, [r2]
    lscoap_p256_umaal 12, 4 @ r12 stays 0; from here each word of the sum is written one register lower
    ldr r3, [r2, #4]
    lscoap_p256_umaal 4, 5
    ldr r3, [r2, #8]
    lscoap_p256_umaal 5, 6
    ldr r3, [r2, #12]
    lscoap_p256_umaal 6, 7
    ldr r3, [r2, #16]
    lscoap_p256_umaal 7, 8
    ldr r3, [r2, #20]
    lscoap_p256_umaal 8, 9
    ldr r3, [r2, #24]
    lscoap_p256_umaal 9, 10
    ldr r3, [r2, #28]
    lscoap_p256_umaal 10, 11
    adc r12, r12, #0
    adds r11, r11, lr
    adc lr, r12, #0
    ldr r3, [sp, #12]
    cmp r1, r3
    bne 2b
    .else

    str r1, [sp, #4]
    movs r3, #8
2:  str r3, [sp, #12]
    ldr r1, [sp, #4]
    ldr r0, [r1], #4
    str r1, [sp, #4]
    movs r1, #0
    mov r12, r1
    ldr r2, [sp, #8]
    ldr r3, [r2]
    umlal r4, r12, r0, r3
    ldr r3, [r2, #4]
    lscoap_p256_umaal 5, 12
    ldr r3, [r2, #8]
    lscoap_p256_umaal 6, 12
    ldr r3, [r2, #12]
    lscoap_p256_umaal 7, 12
    ldr r3, [r2, #16]
    lscoap_p256_umaal 8, 12
    ldr r3, [r2, #20]
    lscoap_p256_umaal 9, 12
    ldr r3, [r2, #24]
    lscoap_p256_umaal 10, 12
    ldr r3, [r2, #28]
    lscoap_p256_umaal 11, 12
    adds lr, lr, r12
    adc r12, r1, #0
    ldr r2, [sp, #28]
    ldr r3, [r2, #32]
    mul r0, r4, r3
    ldr r3, [r2]
    umlal r4, r1, r0, r3 @ r4 becomes 0; from here each word of the sum is written one register lower
    mov r4, r1
    movs r1, #0
    ldr r3, [r2, #4]
    lscoap_p256_umaal 4, 5
    ldr r3, [r2, #8]
    lscoap_p256_umaal 5, 6
    ldr r3, [r2, #12]
    lscoap_p256_umaal 6, 7
    ldr r3, [r2, #16]
    lscoap_p256_umaal 7, 8
    ldr r3, [r2, #20]
    lscoap_p256_umaal 8, 9
    ldr r3, [r2, #24]
    lscoap_p256_umaal 9, 10
    ldr r3, [r2, #28]
    lscoap_p256_umaal 10, 11
    adds r11, r11, lr
    adc lr, r12, #0
    ldr r3, [sp, #12]
    subs r3, r3, #1
    bne 2b
    .endif

@ The sum modulo the modulus at r2: takes it away, and adds it again if that was too much.
3:
    ldr r3, [r2]
    subs r4, r4, r3
    ldr r3, [r2, #4]
    sbcs r5, r5, r3
    ldr r3, [r2, #8]
    sbcs r6, r6, r3
    ldr r3, [r2, #12]
    sbcs r7, r7, r3
    ldr r3, [r2, #16]
    sbcs r8, r8, r3
    ldr r3, [r2, #20]
    sbcs r9, r9, r3
    ldr r3, [r2, #24]
    sbcs r10, r10, r3
    ldr r3, [r2, #28]
    sbcs r11, r11, r3
    sbc r1, lr, #0
@ Adds the modulus where r1 is all ones.
7:  movs r0, #0
@ Then halves it where r0 is not 0.
8:
    ldr r3, [r2]
    ands r3, r1
    adds r4, r4, r3
    ldr r3, [r2, #4]
    ands r3, r1
    adcs r5, r5, r3
    ldr r3, [r2, #8]
    ands r3, r1
    adcs r6, r6, r3
    ldr r3, [r2, #12]
    ands r3, r1
    adcs r7, r7, r3
    ldr r3, [r2, #16]
    ands r3, r1
    adcs r8, r8, r3
    ldr r3, [r2, #20]
    ands r3, r1
    adcs r9, r9, r3
    ldr r3, [r2, #24]
    ands r3, r1
    adcs r10, r10, r3
    ldr r3, [r2, #28]
    ands r3, r1
    adcs r11, r11, r3
    cbz r0, 2f
    rrxs r11, r11
    rrxs r10, r10
    rrxs r9, r9
    rrxs r8, r8
    rrxs r7, r7
    rrxs r6, r6
    rrxs r5, r5
    rrxs r4, r4
2:  ldr r0, [sp]
    stm r0, {r4, r5, r6, r7, r8, r9, r10, r11}
    b 0b

9:  add sp, #32
    pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}
