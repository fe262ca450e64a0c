#include "cli.h"

#include <ctype.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_OPTIONS_MAX = 256 };
enum { TIMEOUT_SECONDS = 300 }; /* a block-wise body is many messages */
enum { COUNT_MAX = 1000000, PORT_MAX = 65535 };

void cli_begin(void) {
    struct sigaction ignore;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", O_RDWR) != fd) { /* the lowest that is free */
            _exit(CLI_FAILED);
        }
    }
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, NULL);
}

int cli_other_option(int option, const struct cli_program *program) {
    switch (option) {
    case 'h':
        printf("usage: %s %s\n\n%s", program->name, program->usage, program->help);
        return CLI_OK;
    case CLI_VERSION:
        printf("%s " LSCOAP_EXAMPLES_VERSION "\n", program->name);
        return CLI_OK;
    default:
        fprintf(stderr, "usage: %s %s\n(--help explains the options)\n", program->name,
                program->usage);
        return CLI_USAGE;
    }
}

bool cli_bad_value(const char *option, const char *wanted) {
    fprintf(stderr, "%s: '%s' is not %s\n", option, optarg, wanted);
    return false;
}

bool cli_number(const char *option, unsigned long max, unsigned long *number) {
    char wanted[64];
    char *end;

    *number = strtoul(optarg, &end, 10);
    if (isdigit((unsigned char)*optarg) && *end == '\0' && *number >= 1 && *number <= max) {
        return true;
    }
    snprintf(wanted, sizeof wanted, "a number from 1 to %lu", max);
    return cli_bad_value(option, wanted);
}

static void log_to_stderr(coap_log_t level, const char *message) {
    (void)level;
    fputs(message, stderr);
}

void cli_startup(void) {
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* in order with stderr, into a file too */
    coap_startup();
    coap_set_log_handler(log_to_stderr);
}

static void be_verbose(void) {
    coap_set_log_level(LOG_DEBUG);
    coap_dtls_set_log_level(LOG_INFO);
}

/* A count or a time in seconds. */
static bool read_count(const char *option, unsigned *count) {
    unsigned long number;

    if (!cli_number(option, COUNT_MAX, &number)) {
        return false;
    }
    *count = (unsigned)number;
    return true;
}

static bool is_port(const char *text) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return isdigit((unsigned char)*text) && *end == '\0' && number <= PORT_MAX;
}

void cli_server_init(struct cli_server *cli, const char *default_port) {
    cli->address = "127.0.0.1"; /* nobody serves the network by accident */
    cli->port = default_port;
    cli->tick = false;
    cli->fixed_index = false;
}

bool cli_server_option(int option, struct cli_server *cli) {
    switch (option) {
    case 'A':
        cli->address = optarg;
        return true;
    case 'p':
        cli->port = optarg;
        return is_port(optarg) || cli_bad_value("--port", "a UDP port, 0 to 65535");
    case CLI_TICK:
        cli->tick = true;
        return true;
    case CLI_FIXED_INDEX:
        cli->fixed_index = true;
        return true;
    case 'v':
        be_verbose();
        return true;
    default:
        return false;
    }
}

bool cli_server_finish(const struct cli_server *cli, int argc, char **argv) {
    (void)cli;
    if (optind < argc) {
        fprintf(stderr, "what is '%s' for?\n", argv[optind]);
        return false;
    }
    return true;
}

void cli_client_init(struct cli_client *cli, const char *default_uri) {
    memset(cli, 0, sizeof *cli);
    cli->uri = default_uri;
    cli->count = 1;
    cli->timeout_seconds = TIMEOUT_SECONDS;
}

bool cli_client_option(int option, struct cli_client *cli) {
    switch (option) {
    case 'n':
        return read_count("--count", &cli->count);
    case 'u':
        cli->uri = optarg;
        return true;
    case CLI_STEP:
        cli->step = true;
        return true;
    case CLI_COLD:
        cli->cold = true;
        return true;
    case CLI_OBSERVE:
        return read_count("--observe", &cli->observe_seconds);
    case CLI_TIMEOUT:
        return read_count("--timeout", &cli->timeout_seconds);
    case 'v':
        be_verbose();
        return true;
    default:
        return false;
    }
}

static bool parse_method(const char *text, coap_pdu_code_t *method) {
    static const struct {
        const char *name;
        coap_pdu_code_t code;
    } methods[] = {{"GET", COAP_REQUEST_CODE_GET},      {"POST", COAP_REQUEST_CODE_POST},
                   {"PUT", COAP_REQUEST_CODE_PUT},      {"DELETE", COAP_REQUEST_CODE_DELETE},
                   {"FETCH", COAP_REQUEST_CODE_FETCH},  {"PATCH", COAP_REQUEST_CODE_PATCH},
                   {"iPATCH", COAP_REQUEST_CODE_IPATCH}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(text, methods[i].name) == 0) {
            *method = methods[i].code;
            return true;
        }
    }
    fprintf(stderr, "'%s' is not a method\n", text);
    return false;
}

static bool parse_uri(struct cli_client *cli) {
    coap_uri_t uri;
    char host[256];
    char port[8];

    if (coap_split_uri((const uint8_t *)cli->uri, strlen(cli->uri), &uri) < 0 ||
        uri.host.length >= sizeof host || uri.path.length > 0 || uri.query.length > 0) {
        fprintf(stderr, "'%s' is not of the form scheme://host:port\n", cli->uri);
        return false;
    }
    memcpy(host, uri.host.s, uri.host.length);
    host[uri.host.length] = '\0';
    snprintf(port, sizeof port, "%u", (unsigned)uri.port);
    cli->scheme = uri.scheme;
    cli->n_others = cli_resolve(host, port, cli->others, CLI_ADDRESSES_MAX);
    return cli_next_destination(cli);
}

bool cli_next_destination(struct cli_client *cli) {
    if (cli->n_others == 0) {
        return false;
    }
    cli->destination = cli->others[0];
    cli->n_others--;
    memmove(cli->others, cli->others + 1, cli->n_others * sizeof cli->others[0]);
    return true;
}

bool cli_client_finish(struct cli_client *cli, int argc, char **argv) {
    int arguments = argc - optind;

    if (cli->no_request && arguments == 0) {
        return parse_uri(cli);
    }
    if (arguments < 2 || arguments > 3) {
        fprintf(stderr, "METHOD and path are needed, a payload may follow\n");
        return false;
    }
    if (!parse_method(argv[optind], &cli->method)) {
        return false;
    }
    cli->path = argv[optind + 1];
    cli->payload = arguments == 3 ? argv[optind + 2] : NULL;
    if (cli->observe_seconds > 0 && cli->method != COAP_REQUEST_CODE_GET) {
        fprintf(stderr, "only GET can observe\n");
        return false;
    }
    return parse_uri(cli);
}

bool cli_may_begin(const struct cli_client *cli) {
    int c = '\n';

    if (cli->step) {
        do {
            c = getchar();
        } while (c != '\n' && c != EOF);
    }
    return c == '\n';
}

size_t cli_resolve(const char *host, const char *port, coap_address_t *addresses, size_t capacity) {
    struct addrinfo hints;
    struct addrinfo *found;
    size_t count = 0;
    int status;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    status = getaddrinfo(host, port, &hints, &found);
    if (status != 0) {
        fprintf(stderr, "%s port %s: %s\n", host, port, gai_strerror(status));
        return 0;
    }
    for (const struct addrinfo *at = found; at != NULL && count < capacity; at = at->ai_next) {
        coap_address_init(&addresses[count]);
        memcpy(&addresses[count].addr, at->ai_addr, at->ai_addrlen);
        addresses[count].size = at->ai_addrlen;
        count++;
    }
    freeaddrinfo(found);
    return count;
}

static int hex_digit(char c) {
    const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

    return at == NULL ? -1 : (int)(at - digits);
}

size_t cli_hex(const char *text, uint8_t *out, size_t capacity) {
    size_t length = strlen(text);

    if (length % 2 != 0 || length / 2 > capacity) {
        return 0;
    }
    for (size_t i = 0; i < length; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0) {
            return 0;
        }
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return length / 2;
}

uint8_t *cli_read_file(const char *path, size_t *length) {
    enum { FILE_MAX = 1 << 20 };
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;

    *length = 0;
    if (file != NULL) {
        bytes = malloc(FILE_MAX + 1);
        if (bytes != NULL) {
            *length = fread(bytes, 1, FILE_MAX, file);
            bytes[*length] = 0;
        }
        fclose(file);
    }
    if (*length == 0) {
        fprintf(stderr, "cannot read %s\n", path);
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* The segments that libcoap found in a path or a query, as options. */
static bool add_segments(coap_pdu_t *pdu, coap_option_num_t number, const uint8_t *segments,
                         int count) {
    for (int i = 0; i < count; i++) {
        if (!coap_add_option(pdu, number, coap_opt_length(segments), coap_opt_value(segments))) {
            return false;
        }
        segments += coap_opt_size(segments);
    }
    return true;
}

bool cli_add_path(coap_pdu_t *pdu, const char *path) {
    uint8_t segments[PATH_OPTIONS_MAX];
    size_t length = sizeof segments;
    size_t path_length = strcspn(path, "?");
    const char *query = path[path_length] == '?' ? path + path_length + 1 : "";
    int count;

    if (*path == '/') {
        path++;
        path_length--;
    }
    count = path_length == 0
                ? 0
                : coap_split_path((const uint8_t *)path, path_length, segments, &length);
    if (count < 0 || !add_segments(pdu, COAP_OPTION_URI_PATH, segments, count)) {
        return false;
    }
    length = sizeof segments;
    count = *query == '\0'
                ? 0
                : coap_split_query((const uint8_t *)query, strlen(query), segments, &length);
    return count >= 0 && add_segments(pdu, COAP_OPTION_URI_QUERY, segments, count);
}

double cli_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void cli_print_response(coap_pdu_code_t code, const uint8_t *payload, size_t length) {
    printf("%d.%02d\n", code >> 5, code & 0x1F);
    for (size_t i = 0; i < length; i++) {
        /* A server must not be able to drive the terminal. */
        if (isprint(payload[i]) || payload[i] == '\n') {
            putchar(payload[i]);
        } else {
            printf("\\x%02x", payload[i]);
        }
    }
    if (length > 0) {
        putchar('\n');
    }
    fflush(stdout);
}

void cli_print_elapsed(double ms) {
    printf("elapsed: %.3f ms\n", ms);
    fflush(stdout);
}
