#include "session_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "posix_platform.h"
#include "private_file.h"

enum {
    CONTENT_MAX = LSCOAP_PUBLIC_KEY_LEN + LSCOAP_SESSION_BLOB_MAX,
    MARKED_LEN = LSCOAP_PUBLIC_KEY_LEN + 2 /* as much as shows what it is */
};

/* Whether it is a session's file, be it damaged: a compressed point, then the version of a stored
 * blob and its kind. Anything else is somebody's who did not mean to lose it. */
static bool is_session(const uint8_t *content, size_t len) {
    return len >= MARKED_LEN && len <= CONTENT_MAX && (content[0] == 2 || content[0] == 3) &&
           content[LSCOAP_PUBLIC_KEY_LEN] == 1 && content[LSCOAP_PUBLIC_KEY_LEN + 1] == 'S';
}

/* The content, which may be a session's or nothing. SESSION_FILE_BAD, and a line on stderr, when it
 * is something else. */
static enum session_file_state read_content(const char *path, uint8_t content[CONTENT_MAX + 1],
                                            size_t *len) {
    enum session_file_state state = SESSION_FILE_BAD;
    int from = private_file_open(path, O_RDONLY); /* not stdio, which would keep a copy */

    *len = 0;
    if (from < 0) {
        return errno == ENOENT ? SESSION_FILE_MISSING : SESSION_FILE_BAD;
    }
    if (!private_file_read(from, content, CONTENT_MAX + 1, len)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    } else if (*len == 0) { /* a new one that mktemp made, say: nobody loses it */
        state = SESSION_FILE_MISSING;
    } else if (is_session(content, *len)) {
        state = SESSION_FILE_READ;
    } else {
        fprintf(stderr, "%s: not a stored session, so it is not overwritten\n", path);
    }
    close(from);
    return state;
}

bool session_file_open(struct session_file *file, const char *path, const uint8_t *server_key) {
    uint8_t content[CONTENT_MAX + 1];
    enum session_file_state state;
    size_t len;

    *file = (struct session_file){.path = path, .server_key = server_key, .lock = -1};
    state = read_content(path, content, &len);
    posix_platform_wipe(content, sizeof content);
    if (state != SESSION_FILE_BAD) {
        file->lock = private_file_lock(path);
    }
    return file->lock >= 0;
}

void session_file_close(struct session_file *file) {
    if (file->lock >= 0) {
        close(file->lock);
    }
    file->lock = -1;
}

enum session_file_state session_file_read(const struct session_file *file,
                                          uint8_t blob[LSCOAP_SESSION_BLOB_MAX], size_t *len) {
    uint8_t content[CONTENT_MAX + 1]; /* one too many shows that it is too long */
    enum session_file_state state = read_content(file->path, content, len);

    if (state == SESSION_FILE_READ &&
        memcmp(content, file->server_key, LSCOAP_PUBLIC_KEY_LEN) != 0) {
        fprintf(stderr, "%s: damaged, or of a session with another server\n", file->path);
        state = SESSION_FILE_BAD;
    }
    if (state == SESSION_FILE_READ) {
        *len -= LSCOAP_PUBLIC_KEY_LEN;
        memcpy(blob, content + LSCOAP_PUBLIC_KEY_LEN, *len);
    }
    posix_platform_wipe(content, sizeof content);
    return state;
}

int session_file_write(void *context, const uint8_t *blob, size_t len) {
    const struct session_file *file = context;
    const struct private_file_part parts[] = {{file->server_key, LSCOAP_PUBLIC_KEY_LEN},
                                              {blob, len}};

    return private_file_replace(file->path, parts, sizeof parts / sizeof parts[0]) ? 0 : -1;
}
