/* Who the server is and which devices it knows: what CMake found in the files that Kconfig names.
 */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <lscoap.h>

lscoap_server_config directory_config(void);

#endif
