#define _GNU_SOURCE /* struct ucred */

#include "group_control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { OUT_MAX = 1 << 20 };

struct caller {
    int fd;            /* -1: nobody */
    group_caller name; /* never the same twice */
    bool asked;        /* the line is there; what else comes is not read */
    bool ended;        /* the last line has been said */
    size_t len;
    char line[GROUP_CONTROL_LINE];
    char *out; /* what he has not taken yet */
    size_t out_len;
};

struct group_control {
    int fd;
    group_caller last;
    struct sockaddr_un address;
    struct caller callers[GROUP_CONTROL_CALLERS];
};

static void hang_up(struct caller *caller) {
    close(caller->fd);
    free(caller->out);
    *caller = (struct caller){.fd = -1};
}

static struct caller *find(struct group_control *control, group_caller name) {
    for (size_t i = 0; i < GROUP_CONTROL_CALLERS; i++) {
        if (control->callers[i].fd >= 0 && control->callers[i].name == name) {
            return &control->callers[i];
        }
    }
    return NULL;
}

/* What is in the way, unless it is a socket of ours: another server would hold the lock of the
 * file that this belongs to. */
static bool clear_way(const char *path) {
    struct stat status;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT;
    }
    if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid()) {
        errno = EEXIST;
        return false;
    }
    return unlink(path) == 0;
}

struct group_control *group_control_open(const char *path) {
    struct group_control *control = calloc(1, sizeof *control);
    size_t len = strlen(path);
    bool good;

    if (control == NULL || len >= sizeof control->address.sun_path) {
        fprintf(stderr, "%s: %s\n", path,
                strerror(control == NULL ? ENOMEM : ENAMETOOLONG)); /* of a socket: 107 bytes */
        free(control);
        return NULL;
    }
    control->address.sun_family = AF_UNIX;
    memcpy(control->address.sun_path, path, len);
    for (size_t i = 0; i < GROUP_CONTROL_CALLERS; i++) {
        control->callers[i].fd = -1;
    }
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    good = control->fd >= 0 && clear_way(path);
    if (good) {
        mode_t mask = umask(S_IXUSR | S_IRWXG | S_IRWXO); /* for its owner from the first moment */

        good =
            bind(control->fd, (struct sockaddr *)&control->address, sizeof control->address) == 0;
        umask(mask);
        good = good && listen(control->fd, GROUP_CONTROL_CALLERS) == 0;
    }
    if (!good) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (control->fd >= 0) {
            close(control->fd);
        }
        free(control);
        return NULL;
    }
    return control;
}

void group_control_close(struct group_control *control) {
    if (control == NULL) {
        return;
    }
    for (size_t i = 0; i < GROUP_CONTROL_CALLERS; i++) {
        if (control->callers[i].fd >= 0) {
            hang_up(&control->callers[i]);
        }
    }
    unlink(control->address.sun_path);
    close(control->fd);
    free(control);
}

/* The mode of a socket is enough on Linux; elsewhere, and in a directory that was mounted
 * carelessly, it need not be. */
static bool may_ask(int fd) {
    struct ucred who;
    socklen_t len = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

static void take_callers(struct group_control *control) {
    for (size_t i = 0; i < GROUP_CONTROL_CALLERS; i++) {
        struct caller *caller = &control->callers[i];

        if (caller->fd < 0) {
            caller->fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (caller->fd < 0) {
                return;
            }
            caller->name = ++control->last;
            if (!may_ask(caller->fd)) {
                hang_up(caller);
            }
        }
    }
}

/* True: the line is there. */
static bool read_line(struct caller *caller) {
    ssize_t got =
        recv(caller->fd, caller->line + caller->len, sizeof caller->line - caller->len, 0);
    char *end;

    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            hang_up(caller);
        }
        return false;
    }
    caller->len += (size_t)got;
    end = memchr(caller->line, '\n', caller->len);
    if (end == NULL && caller->len == sizeof caller->line) {
        hang_up(caller); /* it is longer than anything that makes sense */
    }
    if (end == NULL) {
        return false;
    }
    *end = '\0';
    caller->asked = true;
    return true;
}

/* Gives him what he takes without waiting. */
static void flush(struct caller *caller) {
    ssize_t put = 0;

    if (caller->out_len > 0) {
        put = send(caller->fd, caller->out, caller->out_len, MSG_NOSIGNAL);
    }
    if (put < 0 && errno != EAGAIN && errno != EINTR) {
        hang_up(caller);
        return;
    }
    if (put > 0) {
        caller->out_len -= (size_t)put;
        memmove(caller->out, caller->out + put, caller->out_len);
    }
    if (caller->ended && caller->out_len == 0) {
        hang_up(caller);
    }
}

void group_control_poll(struct group_control *control,
                        void (*take)(void *context, group_caller caller, char *line),
                        void *context) {
    take_callers(control);
    for (size_t i = 0; i < GROUP_CONTROL_CALLERS; i++) {
        struct caller *caller = &control->callers[i];

        if (caller->fd >= 0 && !caller->asked && read_line(caller)) {
            take(context, caller->name, caller->line);
        }
        if (caller->fd >= 0) {
            flush(caller);
        }
    }
}

void group_control_say(struct group_control *control, group_caller name, const char *format, ...) {
    struct caller *caller = find(control, name);
    char text[GROUP_CONTROL_LINE];
    va_list arguments;
    char *out;
    int len;

    if (caller == NULL || caller->ended) {
        return;
    }
    va_start(arguments, format);
    len = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return;
    }
    len = len < (int)sizeof text - 1 ? len : (int)sizeof text - 2;
    text[len++] = '\n';
    out = caller->out_len < OUT_MAX ? realloc(caller->out, caller->out_len + (size_t)len) : NULL;
    if (out == NULL) {
        hang_up(caller);
        return;
    }
    memcpy(out + caller->out_len, text, (size_t)len);
    caller->out = out;
    caller->out_len += (size_t)len;
}

void group_control_end(struct group_control *control, group_caller name, const char *error) {
    struct caller *caller;

    group_control_say(control, name, "%s%s",
                      error == NULL ? "ok" : "error: ", error == NULL ? "" : error);
    caller = find(control, name);
    if (caller != NULL) {
        caller->ended = true;
        flush(caller);
    }
}
