/* What a group costs its owner and one of its members, in the session of ends.h. */
#ifndef GROUP_H
#define GROUP_H

#include <lscoap.h>
#include <stdbool.h>

/* The owner, and a device that is one of these. */
extern lscoap_group group;
extern union group_device {
    lscoap_member member;
    lscoap_delegate delegate;
} group_device;

/* About membership, between owner and member: as it is after the call that made it. */
extern uint8_t group_message[LSCOAP_GROUP_MESSAGE_MAX];
extern size_t group_message_len;

/* Makes the group; or restores it, of what group_keep() was given last. */
int32_t group_make(uint8_t flags, bool again);
int group_keep(void *context, const uint8_t *data, size_t len); /* in record */
extern size_t group_kept_len;
int32_t group_answers_ask(void);
int32_t group_writes_notice(void);

/* What is sealed next: a plaintext, or a whole message. */
extern lscoap_io group_io;
void group_begin_object(void);
void group_begin_put(void);

void measure_group(void);
void print_group_sizes(void);

#endif
