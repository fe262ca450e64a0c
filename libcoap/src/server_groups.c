/* Requests to groups go out by the server's own socket, from the address that members know their
 * server by; libcoap has no call for that. Answers come back to it as responses that libcoap has
 * sent no request for, and hands to the context's response handler. */
#include "server.h"

#include <string.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool on_response(void *owner, const coap_session_t *peer, const coap_pdu_t *received,
                        coap_response_t *verdict) {
    lscoap_libcoap_server *server = owner;
    const struct lc_groups *groups = &server->groups;
    coap_bin_const_t token = coap_pdu_get_token(received);
    struct lc_body payload = {NULL, 0, 0};
    size_t len;

    if (coap_pdu_get_type(received) != COAP_MESSAGE_NON ||
        token.length != LSCOAP_LIBCOAP_GROUP_TOKEN ||
        memcmp(token.s, groups->prefix, sizeof groups->prefix) != 0) {
        return false;
    }
    *verdict = COAP_RESPONSE_OK;
    (void)coap_get_data(received, &payload.len, &payload.bytes);
    len = lc_write_message(received, NULL, 0, &payload, server->message, LC_MESSAGE_MAX);
    if (len > 0) {
        groups->on_answer(groups->context, peer, server->message, len);
    }
    return true;
}

unsigned lscoap_libcoap_group_interface(const struct in6_addr *address) {
    struct ifaddrs *list = NULL;
    unsigned index = 0;

    if (getifaddrs(&list) != 0) {
        return 0;
    }
    for (const struct ifaddrs *at = list; at != NULL && index == 0; at = at->ifa_next) {
        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET6 &&
            memcmp(&((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr, address,
                   sizeof *address) == 0) {
            index = if_nametoindex(at->ifa_name);
        }
    }
    freeifaddrs(list);
    return index;
}

/* The interface that a bound address belongs to is where multicasts go. */
static bool choose_interface(int fd, uint8_t hops, bool *is_ipv6) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound;
    socklen_t len = sizeof bound;
    const int count = hops;
    struct in_addr interface = {0};

    if (getsockname(fd, &bound.any, &len) != 0) {
        return false;
    }
    *is_ipv6 = bound.any.sa_family == AF_INET6;
    if (!*is_ipv6) {
        interface = bound.v4.sin_addr;
    } else if (IN6_IS_ADDR_V4MAPPED(&bound.v6.sin6_addr)) {
        memcpy(&interface, bound.v6.sin6_addr.s6_addr + 12, 4);
    } else {
        unsigned scope = lscoap_libcoap_group_interface(&bound.v6.sin6_addr);

        return setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &count, sizeof count) == 0 &&
               setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &scope, sizeof scope) == 0;
    }
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops) == 0 &&
           setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface) == 0;
}

lscoap_status lscoap_libcoap_group_open(lscoap_libcoap_server *server, uint16_t port, uint8_t hops,
                                        lscoap_libcoap_group_fn on_answer, void *context) {
    struct lc_groups *groups = &server->groups;
    const lscoap_platform *platform = &server->config.platform;

    if (platform->random(platform->context, groups->prefix, sizeof groups->prefix) != 0) {
        return LSCOAP_ERR_RANDOM;
    }
    for (int fd = 0; fd < LC_FDS_MAX && groups->fd < 0; fd++) {
        if (lc_is_bound(fd, port) && choose_interface(fd, hops, &groups->is_ipv6)) {
            groups->fd = fd;
        }
    }
    if (groups->fd < 0) {
        return LSCOAP_ERR_STATE;
    }
    groups->on_answer = on_answer;
    groups->context = context;
    server->listener.on_response = on_response;
    lc_listen(&server->listener);
    return LSCOAP_OK;
}

lscoap_status lscoap_libcoap_group_token(lscoap_libcoap_server *server,
                                         uint8_t token[LSCOAP_LIBCOAP_GROUP_TOKEN]) {
    const lscoap_platform *platform = &server->config.platform;

    if (server->groups.fd < 0) {
        return LSCOAP_ERR_STATE;
    }
    memcpy(token, server->groups.prefix, LC_GROUP_PREFIX);
    return platform->random(platform->context, token + LC_GROUP_PREFIX,
                            LSCOAP_LIBCOAP_GROUP_TOKEN - LC_GROUP_PREFIX) == 0
               ? LSCOAP_OK
               : LSCOAP_ERR_RANDOM;
}

bool lscoap_libcoap_group_send(lscoap_libcoap_server *server, const coap_address_t *to,
                               const uint8_t *message, size_t len) {
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    const struct sockaddr *address = &to->addr.sa;
    socklen_t address_len = to->size;

    if (server->groups.is_ipv6 && address->sa_family == AF_INET) { /* a socket for both */
        mapped.sin6_port = to->addr.sin.sin_port;
        mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xFF;
        memcpy(mapped.sin6_addr.s6_addr + 12, &to->addr.sin.sin_addr, 4);
        address = (const struct sockaddr *)&mapped;
        address_len = sizeof mapped;
    }
    return sendto(server->groups.fd, message, len, 0, address, address_len) == (ssize_t)len;
}
