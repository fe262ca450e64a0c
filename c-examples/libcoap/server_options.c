#include "server_options.h"

#include <stdio.h>

enum {
    QUIET = CLI_FIRST_FREE,
    GROUP,
    RESUME_DB,
    RETRY_RATE,
    CID_PREFIX,
    STATS,
    STATS_PERIOD,

    SLOTS_MAX = 1 << 20,
    RATE_MAX = 1000000,
    PERIOD_MAX = 86400
};

static const struct cli_program program = {
    "secure_server",
    "-k server.key -d devices.txt " CLI_SERVER_USAGE
    " [--resume-db FILE] [--group FILE] [--slots N] [--retry-rate N]\n       [--cid-prefix HEX]"
    " [--stats] [--stats-period SECONDS] [--quiet]",
    "  -k, --key FILE          the server's key, of 'lscoap keygen --server'\n"
    "  -d, --devices FILE      the enrolled devices, of 'lscoap devices'; read again on SIGHUP\n"
    "      --resume-db FILE    keeps what resumption needs, so that devices resume after a\n"
    "                          restart\n"
    "      --group FILE        serves groups, which are kept in FILE and managed by 'lscoap "
    "group'\n"
    "  -n, --slots N           room for N handshakes and sessions; if nothing is said, a slot\n"
    "                          for each device and some more\n"
    "      --retry-rate N      asks for a cookie when more than N handshakes begin in a second\n"
    "      --cid-prefix HEX    what each connection id begins with, for a balancer: 1 to 6 bytes\n"
    "      --stats             statistics as a resource, and a line a minute on standard error\n"
    "      --stats-period SECONDS\n"
    "                          the same with another period\n"
    "      --quiet             logs no single events on standard output\n" CLI_SERVER_HELP};

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
        if (!cli_number("--slots", SLOTS_MAX, &number)) {
            return false;
        }
        options->n_slots = number;
        return true;
    case RETRY_RATE:
        if (!cli_number("--retry-rate", RATE_MAX, &number)) {
            return false;
        }
        options->retry_rate = (uint32_t)number;
        return true;
    case STATS_PERIOD:
        if (!cli_number("--stats-period", PERIOD_MAX, &number)) {
            return false;
        }
        options->stats_seconds = (unsigned)number;
        options->stats = true;
        return true;
    case STATS:
        options->stats = true;
        return true;
    case GROUP:
        options->groups_path = optarg;
        return true;
    case RESUME_DB:
        options->resume_path = optarg;
        return true;
    case CID_PREFIX: /* one byte at least is for the number after it */
        options->cid_prefix_len =
            cli_hex(optarg, options->cid_prefix, sizeof options->cid_prefix - 1);
        return options->cid_prefix_len > 0 ||
               cli_bad_value("--cid-prefix", "1 to 6 bytes in hexadecimal");
    case QUIET:
        options->quiet = true;
        return true;
    default:
        return false;
    }
}

bool server_options_read(struct server_options *options, int argc, char **argv, int *status) {
    static const struct option known[] = {CLI_SERVER_LONG,
                                          {"key", required_argument, NULL, 'k'},
                                          {"devices", required_argument, NULL, 'd'},
                                          {"slots", required_argument, NULL, 'n'},
                                          {"resume-db", required_argument, NULL, RESUME_DB},
                                          {"group", required_argument, NULL, GROUP},
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
            *status = cli_other_option(c, &program);
            return false;
        }
    }
    if (!cli_server_finish(&options->cli, argc, argv)) {
        return false;
    }
    if (options->key_path == NULL || options->devices_path == NULL) {
        fprintf(stderr, "%s is missing\n", options->key_path == NULL ? "--key" : "--devices");
        *status = cli_other_option('?', &program);
        return false;
    }
    return true;
}
