#ifndef ZEPHYR_NET_SOCKET_H
#define ZEPHYR_NET_SOCKET_H

#include <zephyr/kernel.h>

#include <sys/types.h>

enum { AF_INET = 1, AF_INET6 = 2, SOCK_DGRAM = 2, IPPROTO_UDP = 17 };
enum { ZSOCK_MSG_DONTWAIT = 0x40, ZSOCK_POLLIN = 1 };

typedef uint16_t sa_family_t;
typedef size_t socklen_t;
struct in_addr {
    uint8_t bytes[4];
};
struct in6_addr {
    uint8_t s6_addr[16];
};
struct sockaddr {
    sa_family_t sa_family;
    uint8_t data[22];
};
struct sockaddr_in {
    sa_family_t sin_family;
    uint16_t sin_port;
    struct in_addr sin_addr;
};
struct sockaddr_in6 {
    sa_family_t sin6_family;
    uint16_t sin6_port;
    struct in6_addr sin6_addr;
};
struct zsock_pollfd {
    int fd;
    short events, revents;
};

#define htons(value) ((uint16_t)((value) << 8 | (value) >> 8))
#define net_sin(addr) ((struct sockaddr_in *)(addr))
#define net_sin6(addr) ((struct sockaddr_in6 *)(addr))

int zsock_socket(int family, int type, int protocol);
int zsock_close(int sock);
int zsock_connect(int sock, const struct sockaddr *addr, socklen_t len);
ssize_t zsock_send(int sock, const void *bytes, size_t len, int flags);
ssize_t zsock_recv(int sock, void *bytes, size_t room, int flags);
int zsock_poll(struct zsock_pollfd *fds, int count, int timeout_ms);
int zsock_inet_pton(sa_family_t family, const char *text, void *out);

#endif
