#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix_platform.h"

enum { DIGITS = 2 * LSCOAP_SECRET_KEY_LEN, TEXT_MAX = DIGITS + 3 /* CR, LF, and one too many */ };

static int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse(const char *text, size_t len, uint8_t secret[LSCOAP_SECRET_KEY_LEN]) {
    if (len > 0 && text[len - 1] == '\n') {
        len--;
    }
    if (len > 0 && text[len - 1] == '\r') {
        len--;
    }
    if (len != DIGITS) {
        return false;
    }
    for (size_t i = 0; i < DIGITS; i += 2) {
        int high = digit(text[i]);
        int low = digit(text[i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        secret[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A pipe has no mode worth looking at; a file that is root's may be for a group as well, which is
 * how a container gets its secrets. */
static bool is_private(const char *path, const struct stat *status) {
    if (!S_ISREG(status->st_mode)) {
        return true;
    }
    if ((status->st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        fprintf(stderr, "%s is open to others (mode %04o): chmod 600, or make a new key\n", path,
                (unsigned)(status->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)));
        return false;
    }
    if ((status->st_mode & S_IRWXG) != 0 && status->st_uid != 0) {
        fprintf(stderr, "warning: %s is not for its owner alone (chmod 600)\n", path);
    }
    return true;
}

bool keyfile_read(const char *path, uint8_t secret[LSCOAP_SECRET_KEY_LEN]) {
    char text[TEXT_MAX];
    size_t len = 0;
    ssize_t got = 1;
    struct stat status;
    bool good;
    int file = open(path, O_RDONLY); /* not stdio, whose buffer would keep the secret */

    if (file < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    if (fstat(file, &status) != 0 || !is_private(path, &status)) {
        close(file);
        return false;
    }
    while (len < sizeof text && got > 0) {
        got = read(file, text + len, sizeof text - len);
        len += got > 0 ? (size_t)got : 0;
    }
    close(file);
    good = got >= 0 && parse(text, len, secret);
    posix_platform_wipe(text, sizeof text);
    if (!good) {
        posix_platform_wipe(secret, LSCOAP_SECRET_KEY_LEN);
        fprintf(stderr, "%s: not %d hexadecimal digits\n", path, DIGITS);
    }
    return good;
}
