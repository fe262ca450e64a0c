/* The secrets of the group in footprint/c/group.c, which its JOIN has in it. */
#ifndef GROUP_SECRETS_H
#define GROUP_SECRETS_H

#include <stdbool.h>

/* After a call: what the message about membership tells. */
void group_secrets_learn(void);
/* Whether a JOIN was seen. */
bool group_secrets_are_known(void);

#endif
