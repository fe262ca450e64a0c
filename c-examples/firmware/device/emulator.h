/*
 * What this device gets from the machine that it is emulated on, by semihosting: its arguments,
 * randomness, and a file that keeps its session as flash would.
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

/* How many bytes the file has, at most `capacity` of which are read; 0 when there is none. */
size_t emulator_read_file(const char *path, uint8_t *bytes, size_t capacity);

/* Replaces the file in one step: whenever the power goes, it has its older or its newer content. */
bool emulator_replace_file(const char *path, const uint8_t *bytes, size_t len);

#endif
