#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 1024 };

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

static bool is_private(const char *path, const struct stat *status) {
    const char *why = S_ISLNK(status->st_mode)      ? "a symbolic link, which is not followed"
                      : !S_ISREG(status->st_mode)   ? "not a file"
                      : status->st_uid != geteuid() ? "it belongs to another user"
                      : (status->st_mode & (S_IRWXG | S_IRWXO)) != 0
                          ? "it holds secrets and is not for its owner alone (chmod 600)"
                          : NULL;

    if (why != NULL) {
        fprintf(stderr, "%s: %s\n", path, why);
    }
    return why == NULL;
}

int private_file_open(const char *path, int flags) {
    struct stat status;
    /* O_NONBLOCK: a pipe in its place must not keep us waiting. */
    int file = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (file < 0) {
        if (errno == ELOOP) {
            fprintf(stderr, "%s: a symbolic link, which is not followed\n", path);
        } else if (errno != ENOENT) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
        }
        return -1;
    }
    if (fstat(file, &status) != 0 || !is_private(path, &status)) {
        close(file);
        errno = EACCES;
        return -1;
    }
    return file;
}

bool private_file_or_none(const char *path) {
    struct stat status;

    return lstat(path, &status) != 0 ? errno == ENOENT : is_private(path, &status);
}

int private_file_lock(const char *path) {
    /* Of the process, so that it goes when the process does, however that ends. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char name[NAME_MAX_LEN];
    int lock;

    if (!beside(path, ".lock", name)) {
        return -1;
    }
    lock = private_file_open(name, O_RDWR | O_CREAT);
    if (lock < 0) {
        if (errno == ENOENT) {
            fail(name);
        }
        return -1;
    }
    if (fcntl(lock, F_SETLK, &whole) != 0) {
        if (errno == EACCES || errno == EAGAIN) {
            fprintf(stderr, "%s: another process uses it\n", path);
        } else {
            fail(name);
        }
        close(lock);
        return -1;
    }
    return lock;
}

bool private_file_read(int from, uint8_t *bytes, size_t capacity, size_t *len) {
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
static bool write_new(const char *name, const struct private_file_part *parts, size_t n_parts) {
    int to;
    bool good = true;

    unlink(name); /* what a process that was killed left: it may be anything */
    to = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (to < 0) {
        return false;
    }
    for (size_t i = 0; good && i < n_parts; i++) {
        good = write_all(to, parts[i].bytes, parts[i].len);
    }
    good = good && fsync(to) == 0;
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

bool private_file_replace(const char *path, const struct private_file_part *parts, size_t n_parts) {
    char name[NAME_MAX_LEN];

    if (!beside(path, ".new", name)) {
        return false;
    }
    if (!write_new(name, parts, n_parts) || rename(name, path) != 0 || !sync_directory(path)) {
        fail(path);
        unlink(name);
        return false;
    }
    return true;
}
