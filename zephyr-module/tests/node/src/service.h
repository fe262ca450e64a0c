/* The service under test. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>

#define SERVICE_PORT 5683
#define SERVICE_LONG_LEN 300 /* what GET /long gives, in bytes */

void service_start(void);

/* How often the handler of PUT /light has run. */
uint32_t service_puts(void);

/* What coap_resource_send() told the handler that tried it. */
int service_plain_send_result(void);

#endif
