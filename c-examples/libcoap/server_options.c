#include "server_options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    QUIET = CLI_FIRST_FREE,
    RESUME_DB,
    RETRY_RATE,
    CID_PREFIX,
    STATS,
    STATS_PERIOD,

    SLOTS_MAX = 1 << 20,
    RATE_MAX = 1000000,
    PERIOD_MAX = 86400
};

#define USAGE                                                                                      \
    CLI_SERVER_USAGE " [--slots n] [--resume-db file]\n       [--retry-rate n] [--cid-prefix hex]" \
                     " [--stats] [--stats-period seconds] [--quiet]\n       -k server.key -d "     \
                     "devices.txt"

/* 1 to `max`. */
static bool parse_number(const char *text, unsigned long max, unsigned long *number) {
    char *end;

    *number = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && *number >= 1 && *number <= max;
}

static bool own_option(int option, struct server_options *options) {
    unsigned long number;

    switch (option) {
    case 'k':
        options->key_path = optarg;
        return true;
    case 'd':
        options->devices_path = optarg;
        return true;
    case 'n':
        if (!parse_number(optarg, SLOTS_MAX, &number)) {
            return false;
        }
        options->n_slots = number;
        return true;
    case RETRY_RATE:
        if (!parse_number(optarg, RATE_MAX, &number)) {
            return false;
        }
        options->retry_rate = (uint32_t)number;
        return true;
    case STATS_PERIOD:
        if (!parse_number(optarg, PERIOD_MAX, &number)) {
            return false;
        }
        options->stats_seconds = (unsigned)number;
        options->stats = true;
        return true;
    case STATS:
        options->stats = true;
        return true;
    case RESUME_DB:
        options->resume_path = optarg;
        return true;
    case CID_PREFIX: /* one byte at least is for the number after it */
        options->cid_prefix_len =
            cli_hex(optarg, options->cid_prefix, sizeof options->cid_prefix - 1);
        return options->cid_prefix_len > 0;
    case QUIET:
        options->quiet = true;
        return true;
    default:
        return false;
    }
}

bool server_options_read(struct server_options *options, int argc, char **argv, int *status) {
    static const struct option known[] = {CLI_SERVER_LONG,
                                          {"slots", required_argument, NULL, 'n'},
                                          {"resume-db", required_argument, NULL, RESUME_DB},
                                          {"retry-rate", required_argument, NULL, RETRY_RATE},
                                          {"cid-prefix", required_argument, NULL, CID_PREFIX},
                                          {"stats", no_argument, NULL, STATS},
                                          {"stats-period", required_argument, NULL, STATS_PERIOD},
                                          {"quiet", no_argument, NULL, QUIET},
                                          {0}};
    int c;

    *options = (struct server_options){.stats_seconds = 60};
    cli_server_init(&options->cli, "5683");
    *status = CLI_USAGE;
    while ((c = getopt_long(argc, argv, CLI_SERVER_SHORT "k:d:n:", known, NULL)) != -1) {
        if (!cli_server_option(c, &options->cli) && !own_option(c, options)) {
            fprintf(stderr, "usage: %s " USAGE "\n", argv[0]);
            *status = c == 'h' ? CLI_OK : CLI_USAGE;
            return false;
        }
    }
    if (!cli_server_finish(&options->cli, argc, argv)) {
        return false;
    }
    if (options->key_path == NULL || options->devices_path == NULL) {
        fprintf(stderr, "usage: %s " USAGE "\n", argv[0]);
        return false;
    }
    return true;
}
