/* Files that hold secrets and that a program writes to: never through a symbolic link, which
 * somebody may have planted, never somebody else's, never open to others. (A key file is only read,
 * and may be a link or root's: keyfile.h.) */
#ifndef LSCOAP_EXAMPLES_PRIVATE_FILE_H
#define LSCOAP_EXAMPLES_PRIVATE_FILE_H

#include <stdbool.h>

/* open(), for the owner alone where it makes the file. -1, and a line on stderr, when that fails or
 * when the file is not such a file; without a line when it is not there (errno is ENOENT). */
int private_file_open(const char *path, int flags);

/* Whether it is such a file, or there is none; else there is a line on stderr. */
bool private_file_or_none(const char *path);

#endif
