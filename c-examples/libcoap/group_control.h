/* Where `lscoap group` talks to secure_server: a Unix socket for the server's own user and root.
 * One line comes in, lines go out, and the last one is "ok" or "error: ...". The server waits for
 * nobody. */
#ifndef LSCOAP_EXAMPLES_GROUP_CONTROL_H
#define LSCOAP_EXAMPLES_GROUP_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GROUP_CONTROL_LINE = 4096, GROUP_CONTROL_CALLERS = 8 };

struct group_control;

/* Somebody who has asked: valid until group_control_end(), also when he has hung up meanwhile. */
typedef uint64_t group_caller;

/* Makes the socket, in place of one that an earlier process left. NULL, and a line on stderr, when
 * that cannot be. */
struct group_control *group_control_open(const char *path);

/* Removes it. NULL is allowed. */
void group_control_close(struct group_control *control);

/* Takes what has come, without waiting. `take` gets each line without its newline, and sees to it
 * that group_control_end() is called for it, now or later. */
void group_control_poll(struct group_control *control,
                        void (*take)(void *context, group_caller caller, char *line),
                        void *context);

#if defined(__GNUC__)
#define GROUP_CONTROL_FORMAT __attribute__((format(printf, 3, 4)))
#else
#define GROUP_CONTROL_FORMAT
#endif

/* A line; `format` has no newline. */
void group_control_say(struct group_control *control, group_caller caller, const char *format,
                       ...) GROUP_CONTROL_FORMAT;

/* The last line, "ok" where `error` is NULL. */
void group_control_end(struct group_control *control, group_caller caller, const char *error);

#endif
