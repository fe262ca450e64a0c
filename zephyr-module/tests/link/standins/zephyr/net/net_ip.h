#ifndef ZEPHYR_NET_IP_H
#define ZEPHYR_NET_IP_H

#include <stdbool.h>
#include <string.h>
#include <zephyr/net/socket.h>

static inline bool net_ipv6_addr_is_v4_mapped(const struct in6_addr *addr) {
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(addr->s6_addr, prefix, sizeof prefix) == 0;
}

static inline bool net_ipv6_is_ll_addr(const struct in6_addr *addr) {
    return addr->s6_addr[0] == 0xfe && (addr->s6_addr[1] & 0xc0) == 0x80;
}

static inline bool net_ipv6_is_ula_addr(const struct in6_addr *addr) {
    return (addr->s6_addr[0] & 0xfe) == 0xfc;
}

#endif
