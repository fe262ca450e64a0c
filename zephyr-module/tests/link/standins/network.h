/* The network between zsock_*() and the resources of the service: in memory, and at the test's
 * mercy. */
#ifndef STANDIN_NETWORK_H
#define STANDIN_NETWORK_H

#include <zephyr/net/coap.h>

#include <stdbool.h>

struct standin_option {
    const uint8_t *next; /* what follows it: at first standin_options() */
    uint32_t number;
    const uint8_t *value;
    size_t len;
};
const uint8_t *standin_options(const struct coap_packet *packet);
bool standin_next_option(const struct coap_packet *packet, struct standin_option *option);

extern struct standin_network {
    /* Null at the end. None: nobody answers. */
    struct coap_resource *const *resources;
    unsigned lose;     /* how many datagrams to the server are lost */
    unsigned forge;    /* how many answers to records become this alert */
    unsigned forge_m3; /* how many answers to M3 do */
    uint8_t alert;
    bool no_random;
    int family; /* of the client's socket */
    /* What the client has sent so far, by what it carries. */
    unsigned first_messages, resumptions, records;
    /* What the service has sent so far. */
    unsigned answers;
    uint8_t last_code;
} standin_network;

/* A datagram to the service, and what it answers to the client. */
void standin_deliver(const uint8_t *bytes, size_t len);

#endif
