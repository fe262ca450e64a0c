@ Written by aes.py, which says what this is; do not edit.
    .syntax unified
    .thumb
    .section .text.lscoap_aes, "ax", %progbits
    .balign 4
.Ladd_key_and_substitute:
    ldr r0, [sp, #8]
    ldm r0!, {r1, r2, r3, r12}
    eors r4, r1
    eors r5, r2
    eors r6, r3
    eor r7, r7, r12
    ldm r0!, {r1, r2, r3, r12}
    eor r8, r8, r1
    eor r9, r9, r2
    eor r10, r10, r3
    eor r11, r11, r12
    str r0, [sp, #8]
.Lsubstitute:
    str lr, [sp, #0]
    eor r9, r10, r9
    eor r0, r11, r5
    eor r1, r8, r6
    eor r2, r9, r4
    eor r3, r0, r1
    eors r7, r3
    eor r10, r7, r10
    eor r12, r11, r8
    eor lr, r10, r12
    eors r7, r6
    eor r8, r2, r8
    eor r6, r11, r6
    eors r5, r2
    str r0, [sp, #44]
    eor r0, r7, r9
    str r3, [sp, #48]
    ands r3, r7
    str r8, [sp, #52]
    eor r8, r0, lr
    str r7, [sp, #56]
    eors r7, r4
    str r8, [sp, #60]
    and r8, r1, r8
    str r1, [sp, #64]
    eor r1, r5, r6
    eor r9, r9, lr
    str r7, [sp, #68]
    ands r7, r1
    str r12, [sp, #72]
    and r12, r12, lr
    str r1, [sp, #76]
    and r1, r6, r0
    str lr, [sp, #80]
    eor lr, r4, lr
    eor r1, r1, r12
    eor r8, r8, r12
    eors r7, r3
    eor r7, r7, r10
    eor r10, r11, r9
    eor r11, r2, r11
    eor r7, r7, r8
    eor r12, r0, r6
    str r6, [sp, #84]
    ldr r6, [sp, #52]
    str r0, [sp, #88]
    and r0, r6, r4
    eors r0, r3
    eors r0, r1
    eor r0, r0, r12
    ldr r3, [sp, #44]
    and r12, r3, r9
    and r6, r11, lr
    eor r6, r6, r12
    eors r6, r1
    and r1, r5, r2
    eor r1, r1, r12
    eor r12, r3, r9
    eor r1, r1, r8
    eor r1, r1, r12
    and r8, r7, r1
    eor r12, r0, r8
    eor r6, r6, r10
    eor r10, r1, r6
    eors r7, r0
    and r12, r12, r10
    eor r12, r12, r6
    eor r8, r6, r8
    eor r1, r1, r12
    and r10, r7, r8
    eor r10, r10, r0
    and r11, r10, r11
    eor r0, r8, r12
    ands r6, r0
    and lr, r10, lr
    eor r8, r8, r6
    and r8, r10, r8
    eors r6, r1
    eor r7, r7, r8
    and r4, r12, r4
    eor r0, r12, r6
    ldr r1, [sp, #52]
    and r1, r12, r1
    ldr r8, [sp, #56]
    and r8, r0, r8
    str r1, [sp, #52]
    eor r1, r10, r7
    ands r3, r1
    eor r4, r8, r4
    and r1, r1, r9
    ldr r9, [sp, #48]
    and r0, r0, r9
    eor r10, r10, r12
    ands r2, r7
    ldr r9, [sp, #76]
    and r9, r6, r9
    ands r5, r7
    ldr r12, [sp, #68]
    and r12, r6, r12
    eor lr, r1, lr
    eors r1, r2
    eors r7, r6
    ldr r2, [sp, #72]
    and r2, r10, r2
    eor r12, r12, r8
    eor r6, r10, r7
    ldr r8, [sp, #64]
    and r8, r6, r8
    eor r8, r2, r8
    eor r5, r5, r8
    eor r9, r9, r8
    eor lr, r4, lr
    eor r12, r1, r12
    ldr r8, [sp, #60]
    and r6, r6, r8
    eor r0, r0, r9
    eors r6, r1
    eor r12, r0, r12
    ldr r1, [sp, #80]
    and r10, r10, r1
    ldr r1, [sp, #88]
    ands r1, r7
    eor r10, r10, r6
    ldr r8, [sp, #84]
    and r7, r7, r8
    eors r4, r3
    eor r2, r2, r10
    eors r1, r4
    eor r0, r0, r10
    eors r6, r1
    eor r11, r11, r6
    ldr r1, [sp, #52]
    eor r9, r9, r1
    eor r10, r12, r10
    eor r5, r5, lr
    eor r9, r9, r11
    eors r3, r5
    eor lr, lr, r12
    eor r11, r11, r2
    eors r6, r5
    eor r11, r11, r7
    ldr pc, [sp, #0]
.Ladd_key_and_expand:
    str lr, [sp, #4]
    ldr r0, [sp, #8]
    ldm r0!, {r1, r2, r3, r12}
    eors r4, r1
    eors r5, r2
    eors r6, r3
    eor r7, r7, r12
    ldm r0!, {r1, r2, r3, r12}
    eor r8, r8, r1
    eor r9, r9, r2
    eor r10, r10, r3
    eor r11, r11, r12
    str r0, [sp, #8]
    ldr r0, [sp, #40]
    and r1, r0, #0x01010101
    and r4, r4, #0x55555555
    orr r4, r4, r1, lsl #1
    and r1, r0, #0x02020202
    and r5, r5, #0x55555555
    orr r5, r5, r1, lsl #0
    and r1, r0, #0x04040404
    and r6, r6, #0x55555555
    orr r6, r6, r1, ror #1
    and r1, r0, #0x08080808
    and r7, r7, #0x55555555
    orr r7, r7, r1, ror #2
    and r1, r0, #0x10101010
    and r8, r8, #0x55555555
    orr r8, r8, r1, ror #3
    and r1, r0, #0x20202020
    and r9, r9, #0x55555555
    orr r9, r9, r1, ror #4
    and r1, r0, #0x40404040
    and r10, r10, #0x55555555
    orr r10, r10, r1, ror #5
    and r1, r0, #0x80808080
    and r11, r11, #0x55555555
    orr r11, r11, r1, ror #6
    bl .Lsubstitute
    and r2, r3, #0x02020202
    lsr r1, r2, #1
    and r2, r6, #0x02020202
    orr r1, r1, r2, lsl #0
    and r2, r9, #0x02020202
    orr r1, r1, r2, lsl #1
    and r2, lr, #0x02020202
    orr r1, r1, r2, lsl #2
    and r2, r12, #0x02020202
    orr r1, r1, r2, lsl #3
    and r2, r11, #0x02020202
    orr r1, r1, r2, lsl #4
    and r2, r10, #0x02020202
    orr r1, r1, r2, lsl #5
    and r2, r0, #0x02020202
    orr r1, r1, r2, lsl #6
    add r2, sp, #44
    stm r2, {r0, r3, r6, r9, r10, r11, r12, lr}
    mov r8, r1
    add r0, sp, #28
    ldm r0, {r4, r5, r6, r7}
    ldr r1, [sp, #24]
    adr r2, 4f
    ldrb r2, [r2, r1]
    adds r1, r1, #1
    str r1, [sp, #24]
    eor r4, r4, r8, ror #8
    eor r4, r4, #0x63636363
    eors r4, r2
    eors r5, r4
    eors r6, r5
    eors r7, r6
    stm r0, {r4, r5, r6, r7}
    eor r4, r4, #0x63636363
    eor r5, r5, #0x63636363
    eor r6, r6, #0x63636363
    eor r7, r7, #0x63636363
    tst r1, #1
    beq 3f
    eor r2, r4, r6
    lsrs r2, r2, #16
    eor r4, r4, r2, lsl #16
    eor r6, r6, r2, lsl #16
    eor r2, r5, r7
    lsrs r2, r2, #16
    eor r5, r5, r2, lsl #16
    eor r7, r7, r2, lsl #16
    eor r2, r4, r5
    and r2, r2, #0xff00ff00
    eors r4, r2
    eors r5, r2
    eor r2, r4, r6
    and r2, r2, #0xff00ff00
    eors r4, r2
    eors r6, r2
    eor r2, r4, r7
    and r2, r2, #0xff00ff00
    eors r4, r2
    eors r7, r2
3:
    bl .Lround_key
    add r0, sp, #44
    ldm r0, {r0, r3, r6, r9, r10, r11, r12, lr}
    ldr pc, [sp, #4]
4:
    .byte 1, 2, 4, 8, 16, 32, 64, 128, 27, 54
    .balign 4
.Lround_key:
    eor r0, r5, r4, lsr #2
    and r0, r0, #0x33333333
    eors r5, r0
    eor r4, r4, r0, lsl #2
    eor r0, r7, r6, lsr #2
    and r0, r0, #0x33333333
    eors r7, r0
    eor r6, r6, r0, lsl #2
    eor r0, r6, r4, lsr #4
    and r0, r0, #0x0f0f0f0f
    eors r6, r0
    eor r4, r4, r0, lsl #4
    eor r0, r7, r5, lsr #4
    and r0, r0, #0x0f0f0f0f
    eors r7, r0
    eor r5, r5, r0, lsl #4
    and r0, r7, #0x55555555
    and r2, r7, #0xaaaaaaaa
    orr r10, r0, r0, lsl #1
    orr r11, r2, r2, lsr #1
    and r0, r6, #0x55555555
    and r2, r6, #0xaaaaaaaa
    orr r8, r0, r0, lsl #1
    orr r9, r2, r2, lsr #1
    and r0, r5, #0x55555555
    and r2, r5, #0xaaaaaaaa
    orr r6, r0, r0, lsl #1
    orr r7, r2, r2, lsr #1
    and r0, r4, #0x55555555
    and r2, r4, #0xaaaaaaaa
    orr r4, r0, r0, lsl #1
    orr r5, r2, r2, lsr #1
    ldr r0, [sp, #8]
    stm r0, {r4, r5, r6, r7, r8, r9, r10, r11}
    bx lr
.Ltranspose:
    eor r0, r5, r4, lsr #1
    and r0, r0, #0x55555555
    eors r5, r0
    eor r4, r4, r0, lsl #1
    eor r0, r7, r6, lsr #1
    and r0, r0, #0x55555555
    eors r7, r0
    eor r6, r6, r0, lsl #1
    eor r0, r9, r8, lsr #1
    and r0, r0, #0x55555555
    eor r9, r9, r0
    eor r8, r8, r0, lsl #1
    eor r0, r11, r10, lsr #1
    and r0, r0, #0x55555555
    eor r11, r11, r0
    eor r10, r10, r0, lsl #1
    eor r0, r6, r4, lsr #2
    and r0, r0, #0x33333333
    eors r6, r0
    eor r4, r4, r0, lsl #2
    eor r0, r7, r5, lsr #2
    and r0, r0, #0x33333333
    eors r7, r0
    eor r5, r5, r0, lsl #2
    eor r0, r10, r8, lsr #2
    and r0, r0, #0x33333333
    eor r10, r10, r0
    eor r8, r8, r0, lsl #2
    eor r0, r11, r9, lsr #2
    and r0, r0, #0x33333333
    eor r11, r11, r0
    eor r9, r9, r0, lsl #2
    eor r0, r8, r4, lsr #4
    and r0, r0, #0x0f0f0f0f
    eor r8, r8, r0
    eor r4, r4, r0, lsl #4
    eor r0, r9, r5, lsr #4
    and r0, r0, #0x0f0f0f0f
    eor r9, r9, r0
    eor r5, r5, r0, lsl #4
    eor r0, r10, r6, lsr #4
    and r0, r0, #0x0f0f0f0f
    eor r10, r10, r0
    eor r6, r6, r0, lsl #4
    eor r0, r11, r7, lsr #4
    and r0, r0, #0x0f0f0f0f
    eor r11, r11, r0
    eor r7, r7, r0, lsl #4
    bx lr

    .global lscoap_aes_encrypt
    .hidden lscoap_aes_encrypt
    .type lscoap_aes_encrypt, %function
lscoap_aes_encrypt:
    push {r4, r5, r6, r7, r8, r9, r10, r11, lr}
    sub sp, #92
    add r2, r0, #320
    adr r3, .Ladd_key_and_substitute + 1
    strd r0, r1, [sp, #8]
    strd r2, r3, [sp, #16]
    b .Lrounds

    .global lscoap_aes_encrypt_first
    .hidden lscoap_aes_encrypt_first
    .type lscoap_aes_encrypt_first, %function
lscoap_aes_encrypt_first:
    push {r4, r5, r6, r7, r8, r9, r10, r11, lr}
    sub sp, #92
    add r12, r1, #320
    adr lr, .Ladd_key_and_expand + 1
    strd r1, r2, [sp, #8]
    strd r12, lr, [sp, #16]
    ldr r4, [r0, #0]
    ldr r5, [r0, #4]
    ldr r6, [r0, #8]
    ldr r7, [r0, #12]
    movs r2, #0
    str r2, [sp, #24]
    add r0, sp, #28
    stm r0, {r4, r5, r6, r7}
    bl .Lround_key
    ldr r1, [sp, #12]
.Lrounds:
    ldr r4, [r1, #0]
    ldr r6, [r1, #4]
    ldr r8, [r1, #8]
    ldr r10, [r1, #12]
    ldr r5, [r1, #16]
    ldr r7, [r1, #20]
    ldr r9, [r1, #24]
    ldr r11, [r1, #28]
    bl .Ltranspose
1:
    ldr r0, [sp, #20]
    blx r0
    eor r1, r0, r0, ror #8
    and r1, r1, #0x03030303
    eor r1, r1, r0, ror #8
    eor r0, r0, r1, ror #2
    eor r2, r10, r10, ror #8
    and r2, r2, #0x03030303
    eor r2, r2, r10, ror #8
    eor r10, r10, r2, ror #2
    eor r1, r10, r1, ror #2
    eor r4, r0, r0, ror #8
    and r4, r4, #0x0f0f0f0f
    eor r4, r4, r0, ror #8
    eor r1, r1, r4, ror #12
    eor r4, r11, r11, ror #8
    and r4, r4, #0x03030303
    eor r4, r4, r11, ror #8
    eor r11, r11, r4, ror #2
    eor r2, r11, r2, ror #2
    eor r5, r10, r10, ror #8
    and r5, r5, #0x0f0f0f0f
    eor r5, r5, r10, ror #8
    eor r10, r2, r5, ror #12
    eor r2, r12, r12, ror #8
    and r2, r2, #0x03030303
    eor r2, r2, r12, ror #8
    eor r12, r12, r2, ror #2
    eor r4, r12, r4, ror #2
    eor r5, r11, r11, ror #8
    and r5, r5, #0x0f0f0f0f
    eor r5, r5, r11, ror #8
    eor r4, r4, r5, ror #12
    eor r5, lr, lr, ror #8
    and r5, r5, #0x03030303
    eor r5, r5, lr, ror #8
    eor lr, lr, r5, ror #2
    eor r2, lr, r2, ror #2
    eors r2, r0
    eor r7, r12, r12, ror #8
    and r7, r7, #0x0f0f0f0f
    eor r12, r7, r12, ror #8
    eor r8, r2, r12, ror #12
    eor r2, r9, r9, ror #8
    and r2, r2, #0x03030303
    eor r2, r2, r9, ror #8
    eor r9, r9, r2, ror #2
    eor r5, r9, r5, ror #2
    eors r5, r0
    eor r12, lr, lr, ror #8
    and r12, r12, #0x0f0f0f0f
    eor r12, r12, lr, ror #8
    eor r7, r5, r12, ror #12
    eor r12, r6, r6, ror #8
    and r12, r12, #0x03030303
    eor r12, r12, r6, ror #8
    eor r6, r6, r12, ror #2
    eor r2, r6, r2, ror #2
    eor lr, r9, r9, ror #8
    and lr, lr, #0x0f0f0f0f
    eor lr, lr, r9, ror #8
    eor r2, r2, lr, ror #12
    eor lr, r3, r3, ror #8
    and lr, lr, #0x03030303
    eor lr, lr, r3, ror #8
    eor r3, r3, lr, ror #2
    eor r12, r3, r12, ror #2
    eor r12, r12, r0
    eor r5, r6, r6, ror #8
    and r5, r5, #0x0f0f0f0f
    eor r5, r5, r6, ror #8
    eor r5, r12, r5, ror #12
    eor r0, r0, lr, ror #2
    eor r12, r3, r3, ror #8
    and r12, r12, #0x0f0f0f0f
    eor r12, r12, r3, ror #8
    eor r0, r0, r12, ror #12
    mov r6, r2
    mov r9, r4
    mov r4, r0
    mov r11, r1
    ldr r0, [sp, #20]
    blx r0
    eor r1, r3, r3, lsr #4
    and r1, r1, #0x0f000f00
    eors r3, r1
    eor r3, r3, r1, lsl #4
    eor r1, r6, r6, lsr #4
    and r1, r1, #0x0f000f00
    eors r6, r1
    eor r6, r6, r1, lsl #4
    eor r1, r9, r9, lsr #4
    and r1, r1, #0x0f000f00
    eor r9, r9, r1
    eor r9, r9, r1, lsl #4
    eor r1, lr, lr, lsr #4
    and r1, r1, #0x0f000f00
    eor lr, lr, r1
    eor lr, lr, r1, lsl #4
    eor r1, r12, r12, lsr #4
    and r1, r1, #0x0f000f00
    eor r12, r12, r1
    eor r12, r12, r1, lsl #4
    eor r1, r11, r11, lsr #4
    and r1, r1, #0x0f000f00
    eor r11, r11, r1
    eor r11, r11, r1, lsl #4
    eor r1, r10, r10, lsr #4
    and r1, r1, #0x0f000f00
    eor r10, r10, r1
    eor r10, r10, r1, lsl #4
    eor r1, r0, r0, lsr #4
    and r1, r1, #0x0f000f00
    eors r0, r1
    eor r0, r0, r1, lsl #4
    ldr r1, [sp, #8]
    ldr r2, [sp, #16]
    cmp r1, r2
    beq 2f
    eor r1, r0, r0, ror #8
    eor r2, r10, r10, ror #8
    eor r0, r2, r0, ror #8
    eor r0, r0, r1, ror #16
    eor r4, r11, r11, ror #8
    eor r10, r4, r10, ror #8
    eor r10, r10, r2, ror #16
    eor r2, r12, r12, ror #8
    eor r11, r2, r11, ror #8
    eor r11, r11, r4, ror #16
    eor r4, lr, lr, ror #8
    eor r12, r4, r12, ror #8
    eor r12, r12, r1
    eor r8, r12, r2, ror #16
    eor r2, r9, r9, ror #8
    eor lr, r2, lr, ror #8
    eor lr, lr, r1
    eor r7, lr, r4, ror #16
    eor r12, r6, r6, ror #8
    eor r9, r12, r9, ror #8
    eor r2, r9, r2, ror #16
    eor lr, r3, r3, ror #8
    eor r6, lr, r6, ror #8
    eors r6, r1
    eor r5, r6, r12, ror #16
    eor r1, r1, r3, ror #8
    eor r4, r1, lr, ror #16
    mov r6, r2
    mov r9, r11
    mov r11, r0
    b 1b
2:
    mov r4, r3
    mov r5, r6
    mov r6, r9
    mov r7, lr
    mov r8, r12
    mov r9, r11
    mov r11, r0
    ldr r0, [sp, #8]
    ldm r0!, {r1, r2, r3, r12}
    eors r4, r1
    eors r5, r2
    eors r6, r3
    eor r7, r7, r12
    ldm r0!, {r1, r2, r3, r12}
    eor r8, r8, r1
    eor r9, r9, r2
    eor r10, r10, r3
    eor r11, r11, r12
    str r0, [sp, #8]
    bl .Ltranspose
    ldr r1, [sp, #12]
    str r4, [r1, #0]
    str r6, [r1, #4]
    str r8, [r1, #8]
    str r10, [r1, #12]
    str r5, [r1, #16]
    str r7, [r1, #20]
    str r9, [r1, #24]
    str r11, [r1, #28]
    movs r0, #0
    strd r0, r0, [sp, #28]
    strd r0, r0, [sp, #36]
    strd r0, r0, [sp, #44]
    strd r0, r0, [sp, #52]
    strd r0, r0, [sp, #60]
    strd r0, r0, [sp, #68]
    strd r0, r0, [sp, #76]
    strd r0, r0, [sp, #84]
    add sp, #92
    pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}

    .global lscoap_aes_wipe
    .hidden lscoap_aes_wipe
    .type lscoap_aes_wipe, %function
lscoap_aes_wipe:
    push {r4, r5, r6, r7, r8, lr}
    mov lr, #11
    mov r2, #0
    mov r3, #0
    mov r4, #0
    mov r5, #0
    mov r6, #0
    mov r7, #0
    mov r8, #0
    mov r12, #0
1:
    stm r0!, {r2, r3, r4, r5, r6, r7, r8, r12}
    subs lr, lr, #1
    bne 1b
    str r2, [r1, #0]
    str r2, [r1, #4]
    str r2, [r1, #8]
    str r2, [r1, #12]
    str r2, [r1, #16]
    str r2, [r1, #20]
    str r2, [r1, #24]
    str r2, [r1, #28]
    pop {r4, r5, r6, r7, r8, pc}
    .size lscoap_aes_wipe, . - lscoap_aes_wipe
