#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
