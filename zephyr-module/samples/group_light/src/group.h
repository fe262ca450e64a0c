#ifndef GROUP_H
#define GROUP_H

#include <lscoap/coap_client.h>

/* Makes the client's device a member of its server's group; before it connects. `server` is where
 * answers go, and stays where it is. */
lscoap_status group_begin(struct lscoap_coap_client *client,
                          const struct lscoap_coap_address *server);

/* The socket at which the group is heard; -1: there is none yet. */
int group_socket(void);

/* When group_run() is to be called. */
uint64_t group_deadline(void);

/* Takes what has come, sends an answer that is due, and follows the membership. */
void group_run(uint64_t now_ms);

#endif
