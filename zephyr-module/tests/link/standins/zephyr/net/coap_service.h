#ifndef ZEPHYR_NET_COAP_SERVICE_H
#define ZEPHYR_NET_COAP_SERVICE_H

#include <zephyr/net/coap.h>

#define COAP_RESOURCE_DEFINE(name, service, ...) struct coap_resource name = __VA_ARGS__

int coap_resource_send(const struct coap_resource *resource, const struct coap_packet *response,
                       const struct sockaddr *addr, socklen_t addr_len,
                       const struct coap_transmission_parameters *params);

#endif
