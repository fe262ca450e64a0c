/* What every example program does with its command line: the options they share, the address they
 * name, and the one form of each line that scripts read. Nothing here knows about security.
 *
 * A program begins with cli_begin() and hands getopt_long() the shared options followed by its own:
 *
 *     options[] = {CLI_CLIENT_LONG, {"key", required_argument, NULL, 'k'}, {0}};
 *     while ((c = getopt_long(argc, argv, CLI_CLIENT_SHORT "k:", options, NULL)) != -1) {
 *         if (!cli_client_option(c, &cli) && !own_option(c)) {
 *             return cli_other_option(c, &program);
 *         }
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
enum {
    CLI_TICK = 256,
    CLI_FIXED_INDEX,
    CLI_OBSERVE,
    CLI_COLD,
    CLI_STEP,
    CLI_TIMEOUT,
    CLI_VERSION,
    CLI_FIRST_FREE
};

/* The first thing in main(): standard descriptors that are closed go to /dev/null, so that no file
 * opened later is taken for one of them, and a reader that goes away does not end the program. */
void cli_begin(void);

/* A program's name, what follows it in its usage, and its options, explained. */
struct cli_program {
    const char *name;
    const char *usage;
    const char *help;
};

/* What is neither a shared option nor the program's own: --help, --version, or a mistake, which has
 * been named. Returns the exit status. */
int cli_other_option(int option, const struct cli_program *program);

/* Names an option whose value is wrong: "--slots: '0' is not a number ...". Returns false. */
bool cli_bad_value(const char *option, const char *wanted);
/* A value from 1 to `max`; false (and a line on stderr) when it is not that. */
bool cli_number(const char *option, unsigned long max, unsigned long *number);

/* libcoap's start, with its log on standard error: scripts read standard output. coap_cleanup()
 * ends it. */
void cli_startup(void);

/* ---- servers ---- */

struct cli_server {
    const char *address; /* numeric, IPv4 or IPv6 */
    const char *port; /* "0" lets the system choose; the `listening on` line says what it chose */
    bool tick;        /* a new reading each second, so that observers have something to see */
    bool fixed_index; /* index_fix() */
};

#define CLI_SERVER_SHORT "A:p:vh"
#define CLI_SERVER_LONG                                                                            \
    {"address", required_argument, NULL, 'A'}, {"port", required_argument, NULL, 'p'},             \
        {"tick", no_argument, NULL, CLI_TICK}, {"verbose", no_argument, NULL, 'v'},                \
        {"fixed-index", no_argument, NULL, CLI_FIXED_INDEX},                                       \
        {"version", no_argument, NULL, CLI_VERSION}, {                                             \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define CLI_SERVER_USAGE "[-A ADDRESS] [-p PORT] [--tick] [-v]\n       [--fixed-index]"
#define CLI_SERVER_HELP                                                                            \
    "  -A, --address ADDRESS   where to listen: 127.0.0.1 if nothing is said, :: for everybody\n"  \
    "  -p, --port PORT         the UDP port, 0 for any that is free\n"                             \
    "      --tick              a new reading of /index each second, for observers\n"               \
    "      --fixed-index       /index is the same for every GET without a query, and costs "       \
    "nothing\n"                                                                                    \
    "                          to make: for measurements of servers\n"                             \
    "  -v, --verbose           what libcoap does, on standard error\n"                             \
    "      --version           the version of this program\n"                                      \
    "  -h, --help              this\n"

void cli_server_init(struct cli_server *cli, const char *default_port);
/* False when it is not a shared option: then it is the program's own, or an error. */
bool cli_server_option(int option, struct cli_server *cli);
/* False when arguments are left over. */
bool cli_server_finish(const struct cli_server *cli, int argc, char **argv);

/* ---- clients ---- */

enum { CLI_ADDRESSES_MAX = 8 };

struct cli_client {
    const char *uri;          /* scheme://host:port, nothing after it */
    unsigned count;           /* how many exchanges */
    bool cold;                /* each exchange in a new session of its own */
    bool step;                /* waits for a line on standard input before each exchange */
    unsigned timeout_seconds; /* for one exchange; CoAP itself gives up on a message after 93 s */
    unsigned observe_seconds; /* more than 0: GET with Observe, and listen that long */
    bool no_request;          /* neither METHOD nor PATH is needed: the program says so */
    coap_pdu_code_t method;
    const char *path;           /* "/index?readings=20": path and query as the user wrote them */
    const char *payload;        /* may be NULL */
    coap_uri_scheme_t scheme;   /* of uri */
    coap_address_t destination; /* of uri: the address in use ... */
    coap_address_t others[CLI_ADDRESSES_MAX]; /* ... and what else its name stands for */
    size_t n_others;
};

#define CLI_CLIENT_SHORT "n:u:vh"
#define CLI_CLIENT_LONG                                                                            \
    {"count", required_argument, NULL, 'n'}, {"uri", required_argument, NULL, 'u'},                \
        {"cold", no_argument, NULL, CLI_COLD}, {"step", no_argument, NULL, CLI_STEP},              \
        {"observe", required_argument, NULL, CLI_OBSERVE},                                         \
        {"timeout", required_argument, NULL, CLI_TIMEOUT}, {"verbose", no_argument, NULL, 'v'},    \
        {"version", no_argument, NULL, CLI_VERSION}, {                                             \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define CLI_CLIENT_USAGE                                                                           \
    "[-u URI] [-n COUNT] [--cold] [--step]\n       [--observe SECONDS] [--timeout SECONDS] [-v] "  \
    "METHOD PATH [PAYLOAD]"
#define CLI_CLIENT_HELP                                                                            \
    "  METHOD                  GET, POST, PUT, DELETE, FETCH, PATCH or iPATCH\n"                   \
    "  PATH                    path and query, as in /index?readings=20\n"                         \
    "  PAYLOAD                 JSON\n"                                                             \
    "  -u, --uri URI           the server, as in coap://192.0.2.1:5683; if nothing is said, "      \
    "this\n"                                                                                       \
    "                          machine. Every address of a name is tried\n"                        \
    "  -n, --count COUNT       this many exchanges, one after the other\n"                         \
    "      --cold              each exchange in a session of its own\n"                            \
    "      --step              each exchange when a line comes on standard input\n"                \
    "      --observe SECONDS   GET with Observe, and listens that long\n"                          \
    "      --timeout SECONDS   gives up on an answer: 300 if nothing is said\n"                    \
    "  -v, --verbose           what libcoap does, on standard error\n"                             \
    "      --version           the version of this program\n"                                      \
    "  -h, --help              this\n"

void cli_client_init(struct cli_client *cli, const char *default_uri);
bool cli_client_option(int option, struct cli_client *cli);
/* Reads METHOD path [payload] and resolves the URI; says on stderr what is wrong. */
bool cli_client_finish(struct cli_client *cli, int argc, char **argv);

/* Takes the next address of the URI's name, after one that cannot be reached. False: that was the
 * last one. */
bool cli_next_destination(struct cli_client *cli);

/* Whether the next exchange may begin: with --step, when a line has come on standard input. False
 * at its end. */
bool cli_may_begin(const struct cli_client *cli);

/* ---- values ---- */

/* Resolves a host (name or address, no brackets) and a port. Returns how many addresses there are,
 * 0 (and a line on stderr) for none. */
size_t cli_resolve(const char *host, const char *port, coap_address_t *addresses, size_t capacity);
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
