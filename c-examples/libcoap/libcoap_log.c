#include "libcoap_log.h"

#include <stdbool.h>

#include "server_log.h"

static lscoap_libcoap_server *served; /* a log handler of libcoap's has no argument of its own */
static bool verbose;
static unsigned long lines;

static void on_line(coap_log_t level, const char *line) {
    (void)level;
    lscoap_libcoap_server_log(served, line);
    lines++;
    if (verbose) {
        server_log_bare(line);
    }
}

void libcoap_log_start(lscoap_libcoap_server *server) {
    served = server;
    verbose = coap_get_log_level() > LOG_WARNING;
    if (!verbose) {
        coap_set_log_level(LOG_ALERT); /* those about Resets; others are not even made */
    }
    coap_set_log_handler(on_line);
}

void libcoap_log_summary(void) {
    if (lines > 0 && !verbose) {
        server_log(SERVER_LOG_WARNING, NULL, "libcoap: %lu alerts", lines);
    }
    lines = 0;
}

void libcoap_log_stop(void) {
    if (served != NULL) {
        coap_set_log_handler(NULL);
        served = NULL;
    }
}
