#include "server.h"

#include <netinet/in.h>
#include <sys/socket.h>

uint64_t lc_now(lscoap_libcoap_server *server) {
    uint64_t reading = server->config.now_ms(server->config.platform.context);
    uint64_t elapsed = reading - server->reading_ms;

    server->reading_ms = reading;
    server->now_ms += elapsed <= INT64_MAX ? elapsed : 0;
    return server->now_ms;
}

void lc_tell(const lscoap_libcoap_server *server, const lscoap_libcoap_event *event) {
    if (server->config.on_event != NULL) {
        server->config.on_event(server->config.event_context, event);
    }
}

bool lc_is_bound(int fd, uint16_t port) {
    struct sockaddr_in6 address = {0}; /* of either family the port is in the same place */
    socklen_t len = sizeof address;
    int type = 0;
    socklen_t type_len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_DGRAM &&
           getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
           (address.sin6_family == AF_INET || address.sin6_family == AF_INET6) &&
           ntohs(address.sin6_port) == port;
}
