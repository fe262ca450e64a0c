/*
 * What this device gets from the machine that it is emulated on, by semihosting: its arguments, and
 * randomness.
 *
 * NEVER ON A REAL DEVICE: these boards have no true random number generator. Yours has one, and
 * emulator_random() is what has to be replaced by it.
 */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The command line: what was given to QEMU as -semihosting-config ...,arg=...,arg=... with spaces
 * between. False: it is longer than `capacity`. */
bool emulator_arguments(char *text, size_t capacity);

/* lscoap_platform.random: reads the host's /dev/urandom. */
int emulator_random(void *context, uint8_t *out, size_t len);

#endif
