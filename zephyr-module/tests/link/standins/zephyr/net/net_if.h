#ifndef ZEPHYR_NET_IF_H
#define ZEPHYR_NET_IF_H

#include <stdbool.h>
#include <zephyr/net/net_ip.h>

struct net_if;

/* Only where CONFIG_NET_NATIVE_IPV6 is set. */
bool net_if_ipv6_addr_onlink(struct net_if **iface, struct in6_addr *addr);

#endif
