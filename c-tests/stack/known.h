/* The secrets of a run, to be found again: in any of the forms that they are computed with, and any
 * part of them that is at least WINDOW bytes long. */
#ifndef KNOWN_H
#define KNOWN_H

#include <stddef.h>
#include <stdint.h>

enum { WINDOW = 8 };

/* Bytes, in this order, in the opposite one, and as big-endian words in a little-endian memory.
 * Names are kept. */
void know(const char *name, const uint8_t *bytes, size_t len);
/* A key of HMAC: with its pads, and as the states of SHA-256 that it leads to. */
void know_hmac_key(const char *name, const uint8_t *key, size_t len);
/* A key of AES-128, with every round key. */
void know_aes_key(const char *name, const uint8_t key[16]);
/* Integers modulo n, or coordinates: in Montgomery form too. */
void know_scalar(const char *name, const uint8_t scalar[32]);
void know_coordinate(const char *name, const uint8_t coordinate[32]);

/* What has these WINDOW bytes in it: the name of the secret, null if there is none, and the form.
 */
struct known {
    const char *name, *form;
};
struct known known(const uint8_t *bytes);
/* How many windows are known. */
size_t known_count(void);

#endif
