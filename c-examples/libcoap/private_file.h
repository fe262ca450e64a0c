/* Files that hold secrets and that a program writes to: never through a symbolic link, which
 * somebody may have planted, never somebody else's, never open to others. (A key file is only read,
 * and may be a link or root's: keyfile.h.) */
#ifndef LSCOAP_EXAMPLES_PRIVATE_FILE_H
#define LSCOAP_EXAMPLES_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* open(), for the owner alone where it makes the file. -1, and a line on stderr, when that fails or
 * when the file is not such a file; without a line when it is not there (errno is ENOENT). */
int private_file_open(const char *path, int flags);

/* Whether it is such a file, or there is none; else there is a line on stderr. */
bool private_file_or_none(const char *path);

/* Makes PATH.lock, and keeps other processes out until the descriptor is closed or this process
 * ends. -1, and a line on stderr, when another one has it. */
int private_file_lock(const char *path);

/* Reads to the end, or until `capacity` is full. False: errno says why. */
bool private_file_read(int from, uint8_t *bytes, size_t capacity, size_t *len);

/* Puts new content in the place of the old one, at once and for good, or not at all: then there is
 * a line on stderr. One writer at a time: see above. */
struct private_file_part {
    const void *bytes;
    size_t len;
};
bool private_file_replace(const char *path, const struct private_file_part *parts, size_t n_parts);

#endif
