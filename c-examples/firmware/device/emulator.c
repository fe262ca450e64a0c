#include "emulator.h"

#include "semihosting.h"

#include <string.h>

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_RENAME = 0x0F,
    SYS_GET_CMDLINE = 0x15,
    MODE_RB = 1,
    MODE_WB = 5,
    FAILED = -1,
    PATH_MAX_LEN = 200
};

/* An argument of the call that is an address. */
static uint32_t word(const void *address) {
    return (uint32_t)(uintptr_t)address;
}

bool emulator_arguments(char *text, size_t capacity) {
    uint32_t arguments[2] = {word(text), (uint32_t)capacity};

    return semihosting(SYS_GET_CMDLINE, arguments) == 0;
}

static int32_t open_file(const char *path, uint32_t mode) {
    uint32_t arguments[3] = {word(path), mode, (uint32_t)strlen(path)};

    return semihosting(SYS_OPEN, arguments);
}

static bool close_file(int32_t file) {
    uint32_t arguments[1] = {(uint32_t)file};

    return semihosting(SYS_CLOSE, arguments) == 0;
}

/* Gives how many bytes were not read or written. */
static uint32_t transfer(uint32_t operation, int32_t file, const uint8_t *bytes, size_t len) {
    uint32_t arguments[3] = {(uint32_t)file, word(bytes), (uint32_t)len};

    return (uint32_t)semihosting(operation, arguments);
}

int emulator_random(void *context, uint8_t *out, size_t len) {
    static int32_t file = FAILED;

    (void)context;
    if (file == FAILED) {
        file = open_file("/dev/urandom", MODE_RB);
        if (file == FAILED) {
            return -1;
        }
    }
    return transfer(SYS_READ, file, out, len) == 0 ? 0 : -1;
}

size_t emulator_read_file(const char *path, uint8_t *bytes, size_t capacity) {
    const int32_t file = open_file(path, MODE_RB);
    uint32_t missing;

    if (file == FAILED) {
        return 0;
    }
    missing = transfer(SYS_READ, file, bytes, capacity);
    (void)close_file(file);
    return missing <= capacity ? capacity - missing : 0;
}

bool emulator_replace_file(const char *path, const uint8_t *bytes, size_t len) {
    static const char ending[] = ".new";
    const size_t path_len = strlen(path);
    char beside[PATH_MAX_LEN + sizeof ending];
    uint32_t names[4] = {word(beside), (uint32_t)(path_len + sizeof ending - 1), word(path),
                         (uint32_t)path_len};
    int32_t file;
    bool written;

    if (path_len > PATH_MAX_LEN) {
        return false;
    }
    memcpy(beside, path, path_len);
    memcpy(beside + path_len, ending, sizeof ending);
    file = open_file(beside, MODE_WB);
    if (file == FAILED) {
        return false;
    }
    written = transfer(SYS_WRITE, file, bytes, len) == 0;
    return close_file(file) && written && semihosting(SYS_RENAME, names) == 0;
}
