/* What secure_server tells about itself: one JSON object of counts, as a resource and as a line. */
#ifndef LSCOAP_EXAMPLES_SERVER_STATS_H
#define LSCOAP_EXAMPLES_SERVER_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "lscoap_libcoap.h"

#define SERVER_STATS_PATH LSCOAP_LIBCOAP_PATH "/stats"

enum { SERVER_STATS_TEXT = 1024 }; /* with every count at its largest */

/* {"begun_signed":1,...}: the fields of lscoap_stats by their names, alerts by theirs. Returns the
 * length. */
size_t server_stats_json(const lscoap_stats *stats, char text[SERVER_STATS_TEXT]);

/* Adds the resource: sealed for every device, in the clear for a GET of this machine's own. */
bool server_stats_add_resource(lscoap_libcoap_server *server);

/* "stats: {...}" on stderr. */
void server_stats_print(const lscoap_libcoap_server *server);

#endif
