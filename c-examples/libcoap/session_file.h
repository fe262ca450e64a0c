/* Where secure_client keeps its session between runs: a file with the server's key and what
 * lscoap_session_store() gives. It holds secrets and is made for its owner alone.
 *
 * A session that two processes go on with uses nonces twice, and so does one that is put back from
 * a backup: while a process has the file open, FILE.lock keeps others out, and nobody may copy it.
 */
#ifndef LSCOAP_EXAMPLES_SESSION_FILE_H
#define LSCOAP_EXAMPLES_SESSION_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lscoap.h>

struct session_file {
    const char *path;
    const uint8_t *server_key; /* whom the session is with, LSCOAP_PUBLIC_KEY_LEN bytes */
    int lock;
};

enum session_file_state {
    SESSION_FILE_READ,
    SESSION_FILE_MISSING, /* there is no session yet */
    SESSION_FILE_BAD      /* unreadable, or with another server: stderr says which */
};

/* Takes the lock. False, and a line on stderr, when somebody else has it, and when the file is
 * something else than a stored session, which is to be lost by no slip of the keyboard, or is not
 * safe to write to (private_file.h). */
bool session_file_open(struct session_file *file, const char *path, const uint8_t *server_key);

enum session_file_state session_file_read(const struct session_file *file,
                                          uint8_t blob[LSCOAP_SESSION_BLOB_MAX], size_t *len);

/* An lscoap_write_blob, whose context is the struct: the new content takes the place of the old one
 * at once and for good, or not at all. */
int session_file_write(void *file, const uint8_t *blob, size_t len);

/* Gives the lock back. */
void session_file_close(struct session_file *file);

#endif
