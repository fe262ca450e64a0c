/* Whom a peer shares room with (protocol section 10). */
#define _DEFAULT_SOURCE /* getifaddrs() */
#include "server.h"

#include <ifaddrs.h>
#include <string.h>

/* How long what is known of this machine's interfaces is good for: it takes system calls. */
enum { NETWORKS_MS = 60000 };

static void read_networks(struct lc_networks *networks) {
    struct ifaddrs *all = NULL;

    networks->n = 0;
    if (getifaddrs(&all) != 0) {
        return;
    }
    for (const struct ifaddrs *one = all; one != NULL && networks->n < LC_NETWORKS_MAX;
         one = one->ifa_next) {
        if (one->ifa_addr != NULL && one->ifa_netmask != NULL &&
            one->ifa_addr->sa_family == AF_INET6) {
            struct lc_network *network = &networks->list[networks->n++];
            struct sockaddr_in6 address, mask;

            memcpy(&address, one->ifa_addr, sizeof address);
            memcpy(&mask, one->ifa_netmask, sizeof mask);
            network->address = address.sin6_addr;
            network->mask = mask.sin6_addr;
        }
    }
    freeifaddrs(all);
}

static bool is_within(const struct in6_addr *ip, const struct lc_network *network) {
    uint8_t differences = 0;

    for (size_t i = 0; i < sizeof ip->s6_addr; i++) {
        differences |= (ip->s6_addr[i] ^ network->address.s6_addr[i]) & network->mask.s6_addr[i];
    }
    return differences == 0;
}

static bool is_on_link(struct lc_networks *networks, const struct in6_addr *ip, uint64_t now_ms) {
    bool found = false;

    if (!networks->known || now_ms - networks->read_ms >= NETWORKS_MS) {
        read_networks(networks);
        networks->known = true;
        networks->read_ms = now_ms;
    }
    for (size_t i = 0; i < networks->n && !found; i++) {
        found = is_within(ip, &networks->list[i]);
    }
    return found;
}

size_t lc_source_of(struct lc_networks *networks, const coap_address_t *remote, uint64_t now_ms,
                    uint8_t out[LC_SOURCE_MAX]) {
    const struct in6_addr *ip = &remote->addr.sin6.sin6_addr;

    if (remote->addr.sa.sa_family == AF_INET) {
        memcpy(out, &remote->addr.sin.sin_addr, 4);
        return 4;
    }
    if (remote->addr.sa.sa_family != AF_INET6) {
        return 0;
    }
    if (IN6_IS_ADDR_V4MAPPED(ip)) {
        memcpy(out, ip->s6_addr + 12, 4);
        return 4;
    }
    memcpy(out, ip->s6_addr, 16);
    if (IN6_IS_ADDR_LINKLOCAL(ip)) { /* it is of a link */
        memcpy(out + 16, &remote->addr.sin6.sin6_scope_id, 4);
        return LC_SOURCE_MAX;
    }
    if ((ip->s6_addr[0] & 0xfe) == 0xfc || is_on_link(networks, ip, now_ms)) {
        return 16;
    }
    return 8; /* whoever has one address of it has them all */
}
