#include "server_log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_LEN = 2048, /* at most PIPE_BUF: a pipe takes it whole or not at all */
    ADDRESS_MAX_LEN = 64
};

static bool is_ready(int fd) {
    struct pollfd out = {.fd = fd, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

static bool put(int fd, const char *text, size_t len) {
    return is_ready(fd) && write(fd, text, len) >= 0;
}

static void put_or_count(int fd, const char *text, size_t len) {
    static unsigned long lost[STDERR_FILENO + 1];

    if (lost[fd] > 0) {
        char told[64];
        int told_len =
            snprintf(told, sizeof told, "(%lu lines lost: nobody read them)\n", lost[fd]);

        if (put(fd, told, (size_t)told_len)) {
            lost[fd] = 0;
        }
    }
    if (lost[fd] > 0 || !put(fd, text, len)) {
        lost[fd]++;
    }
}

/* "2026-11-28T12:34:56.789Z"; returns its length. */
static size_t put_time(char *text, size_t capacity) {
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, capacity, "%Y-%m-%dT%H:%M:%S", &utc);
    return len + (size_t)snprintf(text + len, capacity - len, ".%03ldZ", now.tv_nsec / 1000000);
}

void server_log(enum server_log_level level, const coap_session_t *peer, const char *format, ...) {
    static const char *const levels[] = {"info", "notice", "warning", "error"};
    unsigned char address[ADDRESS_MAX_LEN];
    char line[LINE_MAX_LEN];
    size_t room = sizeof line - 1; /* for the newline */
    size_t len = put_time(line, room);
    va_list arguments;
    int put_len;

    len += (size_t)snprintf(line + len, room - len, " %s ", levels[level]);
    if (peer != NULL && coap_print_addr(coap_session_get_addr_remote(peer), address,
                                        sizeof address) < sizeof address) {
        len += (size_t)snprintf(line + len, room - len, "%s ", (const char *)address);
    }
    va_start(arguments, format);
    put_len = vsnprintf(line + len, room - len, format, arguments);
    va_end(arguments);
    if (put_len > 0) {
        len += (size_t)put_len < room - len ? (size_t)put_len : room - len - 1;
    }
    line[len++] = '\n';
    put_or_count(level < SERVER_LOG_WARNING ? STDOUT_FILENO : STDERR_FILENO, line, len);
}

void server_log_bare(const char *line) {
    put_or_count(STDERR_FILENO, line, strlen(line));
}
