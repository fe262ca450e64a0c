/* What a group costs its owner and one of its members, in the session of ends.h. */
#ifndef GROUP_H
#define GROUP_H

#include <lscoap.h>

/* About membership, between owner and member: as it is after the call that made it. */
extern uint8_t group_message[LSCOAP_GROUP_MESSAGE_MAX];
extern size_t group_message_len;

void measure_group(void);
void print_group_sizes(void);

#endif
