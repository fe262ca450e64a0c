/* libcoap's log in a server: whatever strangers send, a line a minute. */
#ifndef LSCOAP_EXAMPLES_LIBCOAP_LOG_H
#define LSCOAP_EXAMPLES_LIBCOAP_LOG_H

#include "lscoap_libcoap.h"

/* From now on, when everything that only the operator can have caused has been told: lines are
 * counted, and told only with -v. */
void libcoap_log_start(lscoap_libcoap_server *server);

/* Logs how many there were since the last call, if there were any. */
void libcoap_log_summary(void);

/* Before the server is detached. */
void libcoap_log_stop(void);

#endif
