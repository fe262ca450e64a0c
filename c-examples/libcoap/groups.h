/* The groups of secure_server (docs/group.md): who asks for one is let in if the file says so, and
 * `lscoap group` makes, changes and uses them over a control socket, FILE.sock. */
#ifndef LSCOAP_EXAMPLES_GROUPS_H
#define LSCOAP_EXAMPLES_GROUPS_H

#include <lscoap_libcoap.h>

#include "devices.h"

struct groups;

/* Reads the file, and makes the socket. NULL, and a line on stderr, when that cannot be. */
struct groups *groups_open(const char *path);

/* Adds the resource that devices ask at. Before the endpoint is there. */
bool groups_add_resource(struct groups *groups, lscoap_libcoap_server *server);

/* Goes on with the stored groups; `devices` says who there is. Once the endpoint on `port` is
 * there. */
bool groups_start(struct groups *groups, const struct devices *devices, uint16_t port);

/* What has come and what is due; each time round the loop. */
void groups_turn(struct groups *groups);

/* Puts out of all groups whom the devices do not have any more, or who has another key there. */
void groups_forget(struct groups *groups, const uint8_t *id, size_t id_len);

/* Wipes everything. NULL is allowed. */
void groups_close(struct groups *groups);

#endif
