/* The log of a server: a line for each thing that happened, with time, level and peer.
 *
 *     2026-11-28T12:34:56.789Z info [::1]:40312 M1 received (42 bytes)
 *
 * What is information goes to standard output, what an operator should look at to standard error.
 * The server never waits for whoever reads: lines that a full pipe does not take are dropped, and
 * counted in the line that it takes next. */
#ifndef LSCOAP_EXAMPLES_SERVER_LOG_H
#define LSCOAP_EXAMPLES_SERVER_LOG_H

#include <coap3/coap.h>

enum server_log_level {
    SERVER_LOG_INFO,    /* standard output: what is as it should be */
    SERVER_LOG_NOTICE,  /* standard output: somebody was refused */
    SERVER_LOG_WARNING, /* standard error: it goes on, but not as it should */
    SERVER_LOG_ERROR    /* standard error: something could not be done */
};

#if defined(__GNUC__)
#define SERVER_LOG_FORMAT __attribute__((format(printf, 3, 4)))
#else
#define SERVER_LOG_FORMAT
#endif

/* One line; `format` has no newline. `peer` is who it is about, or NULL. */
void server_log(enum server_log_level level, const coap_session_t *peer, const char *format,
                ...) SERVER_LOG_FORMAT;

/* A line as it is, with its newline, to standard error: for what scripts read, and libcoap's own.
 */
void server_log_bare(const char *line);

#endif
