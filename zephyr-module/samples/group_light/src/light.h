#ifndef LIGHT_H
#define LIGHT_H

#include <zephyr/net/coap.h>

/* Carries out a request: its code, or a negative errno. `path` are its Uri-Path options. The
 * payload of the answer stays valid until the next call. */
int light_serve(const struct coap_packet *request, struct coap_option *path, uint8_t path_len,
                const char **payload);

#endif
