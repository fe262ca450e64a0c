/* What the library needs of Zephyr. */
#ifndef LSCOAP_PLATFORM_H
#define LSCOAP_PLATFORM_H

#include <lscoap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Random numbers and AES as chosen in Kconfig. For lscoap_client_init() and lscoap_server_init().
 */
const lscoap_platform *lscoap_platform_zephyr(void);

#ifdef __cplusplus
}
#endif

#endif
