#include "session_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix_platform.h"

enum {
    NAME_MAX_LEN = 1024,
    CONTENT_MAX = LSCOAP_PUBLIC_KEY_LEN + LSCOAP_SESSION_BLOB_MAX,
    OWNER_ONLY = S_IRUSR | S_IWUSR
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

bool session_file_open(struct session_file *file, const char *path, const uint8_t *server_key) {
    /* Of the process, so that it goes when the process does, however that ends. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char name[NAME_MAX_LEN];

    *file = (struct session_file){.path = path, .server_key = server_key, .lock = -1};
    if (!beside(path, ".lock", name)) {
        return false;
    }
    file->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, OWNER_ONLY);
    if (file->lock < 0) {
        return fail(name);
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

enum session_file_state session_file_read(const struct session_file *file,
                                          uint8_t blob[LSCOAP_SESSION_BLOB_MAX], size_t *len) {
    enum session_file_state state = SESSION_FILE_BAD;
    uint8_t content[CONTENT_MAX + 1]; /* one too many shows that it is too long */
    struct stat status;
    int from = open(file->path, O_RDONLY | O_CLOEXEC); /* not stdio, which would keep a copy */

    if (from < 0) {
        state = errno == ENOENT ? SESSION_FILE_MISSING : SESSION_FILE_BAD;
        if (state == SESSION_FILE_BAD) {
            fail(file->path);
        }
        return state;
    }
    if (fstat(from, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        fprintf(stderr, "warning: %s is not for its owner alone (chmod 600)\n", file->path);
    }
    if (!read_all(from, content, sizeof content, len)) {
        fail(file->path);
    } else if (*len <= LSCOAP_PUBLIC_KEY_LEN || *len > CONTENT_MAX) {
        fprintf(stderr, "%s: damaged: no stored session has its length\n", file->path);
    } else if (memcmp(content, file->server_key, LSCOAP_PUBLIC_KEY_LEN) != 0) {
        fprintf(stderr, "%s: damaged, or of a session with another server\n", file->path);
    } else {
        *len -= LSCOAP_PUBLIC_KEY_LEN;
        memcpy(blob, content + LSCOAP_PUBLIC_KEY_LEN, *len);
        state = SESSION_FILE_READ;
    }
    close(from);
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
    to = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OWNER_ONLY);
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
