#include "network.h"

#include "target.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Longer than that nobody waits at once, so that what libcoap does by time is done in time. */
enum { QUEUE_MAX = 32, FDS_MAX = 8, WAIT_MAX_MS = 500, BEGIN_MS = 1000000 };

struct datagram {
    uint16_t port;
    size_t len;
    uint8_t bytes[NETWORK_DATAGRAM_MAX];
};

struct queue {
    struct datagram datagrams[QUEUE_MAX];
    size_t first;
    size_t count;
};

/* A socket in an epoll instance. */
struct watched {
    int epoll; /* 0: nothing is watched */
    int fd;
    bool client;
    struct epoll_event event;
};

static struct queue to_server, to_client;
static struct watched watched[FDS_MAX];
static uint64_t now_ms;

static void put(struct queue *queue, uint16_t port, const uint8_t *bytes, size_t len) {
    struct datagram *datagram = &queue->datagrams[(queue->first + queue->count) % QUEUE_MAX];

    if (queue->count == QUEUE_MAX || len > sizeof datagram->bytes) {
        return;
    }
    datagram->port = port;
    datagram->len = len;
    memcpy(datagram->bytes, bytes, len);
    queue->count++;
}

/* NULL: nothing has come. */
static const struct datagram *take(struct queue *queue) {
    const struct datagram *datagram = &queue->datagrams[queue->first];

    if (queue->count == 0) {
        errno = EAGAIN;
        return NULL;
    }
    queue->first = (queue->first + 1) % QUEUE_MAX;
    queue->count--;
    return datagram;
}

void network_begin(void) {
    now_ms = BEGIN_MS;
    to_server.count = 0;
    to_client.count = 0;
}

void network_to_server(uint16_t port, const uint8_t *bytes, size_t len) {
    put(&to_server, port, bytes, len);
}

void network_to_client(const uint8_t *bytes, size_t len) {
    put(&to_client, 0, bytes, len);
}

bool network_server_has_mail(void) {
    return to_server.count > 0;
}

uint64_t network_now_ms(void *context) {
    (void)context;
    return now_ms;
}

void network_advance(uint32_t ms) {
    now_ms += ms;
}

/* ---- in place of the system's, each as its manual page says ---- */

int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t capacity, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old);

/* The client's socket is connected, the server's is not. */
static bool is_client(int fd) {
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    return getpeername(fd, (struct sockaddr *)&address, &len) == 0;
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    struct watched *place = NULL;

    for (size_t i = 0; i < FDS_MAX; i++) {
        if (watched[i].fd == fd && watched[i].epoll == epoll) {
            place = &watched[i];
            break;
        }
        place = place == NULL && watched[i].epoll == 0 ? &watched[i] : place;
    }
    MUST(place != NULL);
    if (operation == EPOLL_CTL_DEL) {
        memset(place, 0, sizeof *place);
    } else if (event->data.ptr != NULL) { /* else it is libcoap's timer, which never goes off */
        *place = (struct watched){epoll, fd, is_client(fd), *event};
    }
    return __real_epoll_ctl(epoll, operation, fd, event);
}

static bool find_ready(int epoll, struct epoll_event *event) {
    for (size_t i = 0; i < FDS_MAX; i++) {
        if (watched[i].epoll == epoll && epoll != 0 &&
            (watched[i].client ? to_client.count : to_server.count) > 0) {
            *event = watched[i].event;
            event->events = EPOLLIN;
            return true;
        }
    }
    return false;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms) {
    (void)capacity;
    if (find_ready(epoll, events)) {
        return 1;
    }
    if (timeout_ms != 0 && network_idle() && find_ready(epoll, events)) {
        return 1;
    }
    now_ms += timeout_ms >= 0 && timeout_ms < WAIT_MAX_MS ? (uint64_t)timeout_ms : WAIT_MAX_MS;
    return 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags) {
    (void)fd;
    (void)flags;
    network_client_sends(bytes, len);
    return (ssize_t)len;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
    const struct sockaddr_in *to = message->msg_name;

    (void)fd;
    (void)flags;
    MUST(message->msg_iovlen == 1);
    network_server_sends(ntohs(to->sin_port), message->msg_iov->iov_base,
                         message->msg_iov->iov_len);
    return (ssize_t)message->msg_iov->iov_len;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t capacity, int flags) {
    const struct datagram *datagram = take(&to_client);
    size_t len;

    (void)fd;
    (void)flags;
    if (datagram == NULL) {
        return -1;
    }
    len = datagram->len < capacity ? datagram->len : capacity;
    memcpy(bytes, datagram->bytes, len);
    return (ssize_t)len;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags) {
    const struct datagram *datagram = take(&to_server);
    struct sockaddr_in *from = message->msg_name;
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    struct in_pktinfo info = {.ipi_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t capacity = message->msg_iov->iov_len;
    size_t len;

    (void)fd;
    (void)flags;
    if (datagram == NULL) {
        return -1;
    }
    len = datagram->len < capacity ? datagram->len : capacity;
    memcpy(message->msg_iov->iov_base, datagram->bytes, len);
    memset(from, 0, sizeof *from);
    from->sin_family = AF_INET;
    from->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from->sin_port = htons(datagram->port);
    message->msg_namelen = sizeof *from;
    message->msg_controllen = CMSG_SPACE(sizeof info);
    control->cmsg_level = SOL_IP;
    control->cmsg_type = IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(control), &info, sizeof info);
    return (ssize_t)len;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    (void)clock;
    time->tv_sec = (time_t)(now_ms / 1000);
    time->tv_nsec = (long)(now_ms % 1000) * 1000000;
    return 0;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old) {
    (void)fd;
    (void)flags;
    (void)value;
    (void)old;
    return 0;
}
