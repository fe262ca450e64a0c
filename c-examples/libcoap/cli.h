/* What every example program does with its command line: the options they share, the address they
 * name, and the one form of each line that scripts read. Nothing here knows about security.
 *
 * A program hands getopt_long() the shared options followed by its own:
 *
 *     options[] = {CLI_CLIENT_LONG, {"key", required_argument, NULL, 'k'}, {0}};
 *     while ((c = getopt_long(argc, argv, CLI_CLIENT_SHORT "k:", options, NULL)) != -1) {
 *         if (!own_option(c) && !cli_client_option(c, &cli)) ... usage, CLI_USAGE
 *     }
 *     if (!cli_client_finish(&cli, argc, argv)) ... CLI_USAGE
 */
#ifndef LSCOAP_EXAMPLES_CLI_H
#define LSCOAP_EXAMPLES_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coap3/coap.h>

/* Exit status of every program. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* Long options without a letter of their own; a program's own ones start at CLI_FIRST_FREE. */
enum { CLI_TICK = 256, CLI_OBSERVE, CLI_COLD, CLI_STEP, CLI_TIMEOUT, CLI_FIRST_FREE };

/* libcoap's start, with its log on standard error: scripts read standard output. coap_cleanup()
 * ends it. */
void cli_startup(void);

/* ---- servers ---- */

struct cli_server {
    const char *address; /* numeric, IPv4 or IPv6 */
    const char *port; /* "0" lets the system choose; the `listening on` line says what it chose */
    bool tick;        /* a new reading each second, so that observers have something to see */
};

#define CLI_SERVER_SHORT "A:p:vh"
#define CLI_SERVER_LONG                                                                            \
    {"address", required_argument, NULL, 'A'}, {"port", required_argument, NULL, 'p'},             \
        {"tick", no_argument, NULL, CLI_TICK}, {"verbose", no_argument, NULL, 'v'}, {              \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define CLI_SERVER_USAGE "[-A addr] [-p port] [--tick] [-v]"

void cli_server_init(struct cli_server *cli, const char *default_port);
/* False when it is not a shared option: then it is the program's own, or an error. */
bool cli_server_option(int option, struct cli_server *cli);
/* False when arguments are left over. */
bool cli_server_finish(const struct cli_server *cli, int argc, char **argv);

/* ---- clients ---- */

struct cli_client {
    const char *uri;          /* scheme://host:port, nothing after it */
    unsigned count;           /* how many exchanges */
    bool cold;                /* each exchange in a new session of its own */
    bool step;                /* waits for a line on standard input before each exchange */
    unsigned timeout_seconds; /* for one exchange; CoAP itself gives up on a message after 93 s */
    unsigned observe_seconds; /* more than 0: GET with Observe, and listen that long */
    coap_pdu_code_t method;
    const char *path;           /* "/index?readings=20": path and query as the user wrote them */
    const char *payload;        /* may be NULL */
    coap_uri_scheme_t scheme;   /* of uri */
    coap_address_t destination; /* of uri */
};

#define CLI_CLIENT_SHORT "n:u:vh"
#define CLI_CLIENT_LONG                                                                            \
    {"count", required_argument, NULL, 'n'}, {"uri", required_argument, NULL, 'u'},                \
        {"cold", no_argument, NULL, CLI_COLD}, {"step", no_argument, NULL, CLI_STEP},              \
        {"observe", required_argument, NULL, CLI_OBSERVE},                                         \
        {"timeout", required_argument, NULL, CLI_TIMEOUT}, {"verbose", no_argument, NULL, 'v'}, {  \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define CLI_CLIENT_USAGE                                                                           \
    "[-n count] [--cold] [--step] [--observe seconds] [--timeout seconds] [-u uri] [-v] METHOD "   \
    "path "                                                                                        \
    "[payload]"

void cli_client_init(struct cli_client *cli, const char *default_uri);
bool cli_client_option(int option, struct cli_client *cli);
/* Reads METHOD path [payload] and resolves the URI; says on stderr what is wrong. */
bool cli_client_finish(struct cli_client *cli, int argc, char **argv);

/* Whether the next exchange may begin: with --step, when a line has come on standard input. False
 * at its end. */
bool cli_may_begin(const struct cli_client *cli);

/* ---- values ---- */

/* Resolves a host (name or address, no brackets) and a port. */
bool cli_resolve(const char *host, const char *port, coap_address_t *address);
/* Hexadecimal to bytes. Returns how many, 0 when it is not hexadecimal or does not fit. */
size_t cli_hex(const char *text, uint8_t *out, size_t capacity);
/* A whole file, with a terminating zero that *length does not count; NULL (and a line on stderr) on
 * failure. */
uint8_t *cli_read_file(const char *path, size_t *length);

/* ---- requests and lines that scripts read ---- */

/* Adds Uri-Path and Uri-Query options for "/index?readings=20". */
bool cli_add_path(coap_pdu_t *pdu, const char *path);
/* Monotonic, in milliseconds. */
double cli_now_ms(void);
/* "2.05" and the payload on the next line; what is not printable appears as \xNN. */
void cli_print_response(coap_pdu_code_t code, const uint8_t *payload, size_t length);
/* "elapsed: 1.234 ms" */
void cli_print_elapsed(double ms);

#endif
