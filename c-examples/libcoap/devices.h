/* The server's directory: a file with one enrolment string (LSC2:... or LSC1:...) a line, which
 * ends with LF or CRLF. Empty lines and what follows a # are ignored. tests/device_lists.json has
 * cases that this and the program lscoap agree on. */
#ifndef LSCOAP_EXAMPLES_DEVICES_H
#define LSCOAP_EXAMPLES_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lscoap.h>

enum { DEVICES_MAX = 100000 };

struct device {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t id_len;
    uint8_t public_key[LSCOAP_PUBLIC_KEY_LEN];
    size_t line; /* where it stands, from 1 */
};

struct devices {
    struct device *list; /* sorted, for devices_find() */
    size_t count;
};

/* Reads the file in place of what is there. On failure nothing changes, and the log has file, line
 * and column of the fault. */
bool devices_read(const char *path, struct devices *devices);

/* NULL when there is no such device. */
const struct device *devices_find(const struct devices *devices, const uint8_t *id, size_t id_len);

void devices_free(struct devices *devices);

/* A device id as text, what is not printable as \xNN: ids come from the network. Returns `text`. */
enum { DEVICES_ID_TEXT = 4 * LSCOAP_DEVICE_ID_MAX + 1 };
const char *devices_print_id(const uint8_t *id, size_t id_len, char text[DEVICES_ID_TEXT]);

#endif
