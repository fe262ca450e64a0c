/* Identity secrets in files: 64 hexadecimal digits, and at most a newline after them. */
#ifndef LSCOAP_EXAMPLES_KEYFILE_H
#define LSCOAP_EXAMPLES_KEYFILE_H

#include <stdbool.h>
#include <stdint.h>

#include <lscoap.h>

/* False, and a line on stderr, when it is not such a file. One that everybody may
 * read, or others may write, is refused; one that a group may read is warned of, unless it is
 * root's. */
bool keyfile_read(const char *path, uint8_t secret[LSCOAP_SECRET_KEY_LEN]);

#endif
