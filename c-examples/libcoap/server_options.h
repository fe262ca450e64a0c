/* The command line of secure_server. */
#ifndef LSCOAP_EXAMPLES_SERVER_OPTIONS_H
#define LSCOAP_EXAMPLES_SERVER_OPTIONS_H

#include <lscoap.h>

#include "cli.h"

struct server_options {
    struct cli_server cli;
    const char *key_path;
    const char *devices_path;
    const char *groups_path; /* or NULL */
    const char *resume_path; /* or NULL: devices resume live sessions only */
    size_t n_slots;          /* 0: as many as the devices need */
    uint32_t retry_rate;
    uint8_t cid_prefix[LSCOAP_CID_MAX];
    size_t cid_prefix_len;
    bool stats;
    unsigned stats_seconds; /* between two lines */
    bool quiet;
};

/* False when there is nothing to serve: the exit status is then *status. */
bool server_options_read(struct server_options *options, int argc, char **argv, int *status);

#endif
