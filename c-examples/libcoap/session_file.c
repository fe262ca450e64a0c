#include "session_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix_platform.h"
#include "private_file.h"

enum {
    NAME_MAX_LEN = 1024,
    CONTENT_MAX = LSCOAP_PUBLIC_KEY_LEN + LSCOAP_SESSION_BLOB_MAX,
    MARKED_LEN = LSCOAP_PUBLIC_KEY_LEN + 2 /* as much as shows what it is */
};

static bool fail(const char *path) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

/* `path` with something after it; false when it is too long. */
static bool beside(const char *path, const char *suffix, char name[NAME_MAX_LEN]) {
    int len = snprintf(name, NAME_MAX_LEN, "%s%s", path, suffix);

    if (len < 0 || len >= NAME_MAX_LEN) {
        errno = ENAMETOOLONG;
        return fail(path);
    }
    return true;
}

/* Reads to the end, or until `capacity` is full. */
static bool read_all(int from, uint8_t *bytes, size_t capacity, size_t *len) {
    ssize_t got = 1;

    *len = 0;
    while (*len < capacity && got != 0) {
        got = read(from, bytes + *len, capacity - *len);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        *len += got > 0 ? (size_t)got : 0;
    }
    return true;
}

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
    if (!read_all(from, content, CONTENT_MAX + 1, len)) {
        fail(path);
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
    /* Of the process, so that it goes when the process does, however that ends. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint8_t content[CONTENT_MAX + 1];
    char name[NAME_MAX_LEN];
    enum session_file_state state;
    size_t len;

    *file = (struct session_file){.path = path, .server_key = server_key, .lock = -1};
    state = read_content(path, content, &len);
    posix_platform_wipe(content, sizeof content);
    if (state == SESSION_FILE_BAD || !beside(path, ".lock", name)) {
        return false;
    }
    file->lock = private_file_open(name, O_RDWR | O_CREAT);
    if (file->lock < 0) {
        return errno == ENOENT && fail(name);
    }
    if (fcntl(file->lock, F_SETLK, &whole) != 0) {
        if (errno == EACCES || errno == EAGAIN) {
            fprintf(stderr, "%s: another process uses it\n", path);
        } else {
            fail(name);
        }
        session_file_close(file);
        return false;
    }
    return true;
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

static bool write_all(int to, const uint8_t *bytes, size_t len) {
    while (len > 0) {
        ssize_t put = write(to, bytes, len);

        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        }
    }
    return true;
}

/* A new file with the content, on the disk. */
static bool write_new(const char *name, const struct session_file *file, const uint8_t *blob,
                      size_t len) {
    int to;
    bool good;

    unlink(name); /* what a process that was killed left: it may be anything */
    to = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (to < 0) {
        return false;
    }
    good = write_all(to, file->server_key, LSCOAP_PUBLIC_KEY_LEN) && write_all(to, blob, len) &&
           fsync(to) == 0;
    return close(to) == 0 && good;
}

/* Makes a rename in the file's directory last. */
static bool sync_directory(const char *path) {
    char name[NAME_MAX_LEN];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    int directory;
    bool good;

    memcpy(name, path, len); /* shorter than a path that beside() took */
    name[len] = '\0';
    directory = open(len == 0 ? "." : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return false;
    }
    good = fsync(directory) == 0;
    close(directory);
    return good;
}

int session_file_write(void *context, const uint8_t *blob, size_t len) {
    const struct session_file *file = context;
    char name[NAME_MAX_LEN];

    if (!beside(file->path, ".new", name)) {
        return -1;
    }
    if (!write_new(name, file, blob, len) || rename(name, file->path) != 0 ||
        !sync_directory(file->path)) {
        fail(file->path);
        unlink(name);
        return -1;
    }
    return 0;
}
