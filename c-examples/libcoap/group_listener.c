#define _DEFAULT_SOURCE /* struct ip_mreq, struct ipv6_mreq */

#include "group_listener.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "lscoap_libcoap.h"
#include "posix_platform.h"

enum { DATAGRAM_MAX = 1500, PATH_ROOM = 256, LOOK_MS = 1000, RETRY_MS = 10 * 1000 };

static uint64_t now_ms(void) {
    return posix_platform_now_ms(NULL);
}

/* From 0 to `limit`. */
static uint64_t random_below(const struct group_listener *listener, uint64_t limit) {
    uint64_t random = 0;

    (void)listener->platform.random(NULL, (uint8_t *)&random, sizeof random);
    return random % (limit + 1);
}

/* ---- sockets ---- */

static bool is_multicast(const coap_address_t *address) {
    return address->addr.sa.sa_family == AF_INET
               ? IN_MULTICAST(ntohl(address->addr.sin.sin_addr.s_addr))
               : IN6_IS_ADDR_MULTICAST(&address->addr.sin6.sin6_addr) != 0;
}

/* On the interface that the session uses. */
static bool join(int fd, const coap_address_t *group, const coap_address_t *local) {
    struct ip_mreq v4 = {.imr_multiaddr = group->addr.sin.sin_addr};
    struct ipv6_mreq v6 = {.ipv6mr_multiaddr = group->addr.sin6.sin6_addr};

    if (group->addr.sa.sa_family == AF_INET) {
        if (local->addr.sa.sa_family == AF_INET) {
            v4.imr_interface = local->addr.sin.sin_addr;
        }
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &v4, sizeof v4) == 0;
    }
    if (local->addr.sa.sa_family == AF_INET6) {
        v6.ipv6mr_interface = lscoap_libcoap_group_interface(&local->addr.sin6.sin6_addr);
    }
    return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &v6, sizeof v6) == 0;
}

static void close_sockets(struct group_listener *listener) {
    if (listener->group_fd >= 0) {
        close(listener->group_fd);
    }
    if (listener->answer_fd >= 0) {
        close(listener->answer_fd);
    }
    listener->group_fd = listener->answer_fd = -1;
}

/* Listens where the JOIN says. */
static bool open_sockets(struct group_listener *listener) {
    const coap_address_t *group = &listener->group;
    coap_address_t from = listener->local;
    const int on = 1;
    bool good;

    close_sockets(listener);
    listener->group_fd = socket(group->addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    listener->answer_fd = socket(from.addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (from.addr.sa.sa_family == AF_INET) {
        from.addr.sin.sin_port = 0;
    } else {
        from.addr.sin6.sin6_port = 0;
    }
    good = listener->group_fd >= 0 && listener->answer_fd >= 0 &&
           setsockopt(listener->group_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(listener->group_fd, &group->addr.sa, group->size) == 0 &&
           bind(listener->answer_fd, &from.addr.sa, from.size) == 0 &&
           (!is_multicast(group) || join(listener->group_fd, group, &listener->local));
    if (!good) {
        fprintf(stderr, "cannot listen at the group's address: %s\n", strerror(errno));
    }
    return good;
}

/* ---- membership ---- */

/* Where the group is. False: it has no address, or of a family that the session does not have. */
static bool read_address(struct group_listener *listener, uint16_t *number, uint32_t *epoch) {
    coap_address_t *group = &listener->group;
    lscoap_membership of;

    if (lscoap_member_group(&listener->member, &of) != LSCOAP_OK || of.address_len == 0) {
        fprintf(stderr, "the server names no address of the group\n");
        return false;
    }
    *number = of.number;
    *epoch = of.epoch;
    coap_address_init(group);
    if (of.address_len == sizeof group->addr.sin.sin_addr) {
        group->addr.sin.sin_family = AF_INET;
        group->addr.sin.sin_port = htons(of.port);
        memcpy(&group->addr.sin.sin_addr, of.address, of.address_len);
        group->size = sizeof group->addr.sin;
    } else {
        group->addr.sin6.sin6_family = AF_INET6;
        group->addr.sin6.sin6_port = htons(of.port);
        memcpy(&group->addr.sin6.sin6_addr, of.address, of.address_len);
        group->size = sizeof group->addr.sin6;
    }
    return true;
}

/* Asks, and takes what comes back. False, and a line on stderr: not a member, or it cannot listen.
 */
static bool ask(struct group_listener *listener) {
    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX];
    uint8_t answer[LSCOAP_GROUP_MESSAGE_MAX];
    coap_address_t before = listener->group;
    size_t len = 0;
    size_t answer_len = 0;
    uint16_t number = 0;
    uint32_t epoch = 0;
    bool busy = false;
    lscoap_status status =
        lscoap_member_ask(&listener->member, now_ms(), message, sizeof message, &len);

    if (status < 0) {
        listener->retry_ms = now_ms() + RETRY_MS;
        return true;
    }
    if (!listener->ask(listener->context, message, len, answer, &answer_len, &busy)) {
        listener->retry_ms = now_ms() + RETRY_MS;
        return busy || listener->group_fd >= 0; /* a member goes on with what it has */
    }
    listener->retry_ms = UINT64_MAX;
    status = lscoap_member_answer(&listener->member, now_ms(), answer, answer_len);
    posix_platform_wipe(answer, sizeof answer);
    if (status != LSCOAP_OK) {
        fprintf(stderr, "%s\n",
                status == LSCOAP_ERR_UNKNOWN_SESSION ? "Refused: not a member of the group"
                                                     : lscoap_status_string(status));
        close_sockets(listener);
        return false;
    }
    if (!read_address(listener, &number, &epoch)) {
        return false;
    }
    if (listener->group_fd < 0 || !coap_address_equals(&before, &listener->group)) {
        if (!open_sockets(listener)) {
            return false;
        }
    }
    printf("member of group %d, epoch %lu\n", number, (unsigned long)epoch);
    fflush(stdout);
    return true;
}

/* ---- requests ---- */

/* Keeps an answer until its turn in the leisure has come; where there is no room it is not given.
 */
static void keep(struct group_listener *listener, const uint8_t *bytes, size_t len,
                 const coap_address_t *to) {
    for (size_t i = 0; i < GROUP_LISTENER_ANSWERS; i++) {
        struct group_listener_answer *answer = &listener->answers[i];

        if (!answer->pending) {
            answer->pending = true;
            answer->due_ms = now_ms() + random_below(listener, listener->leisure_ms);
            answer->to = *to;
            answer->len = len;
            memcpy(answer->bytes, bytes, len);
            return;
        }
    }
}

static void send_due(struct group_listener *listener) {
    for (size_t i = 0; i < GROUP_LISTENER_ANSWERS; i++) {
        struct group_listener_answer *answer = &listener->answers[i];

        if (answer->pending && now_ms() >= answer->due_ms) {
            answer->pending = false;
            (void)sendto(listener->answer_fd, answer->bytes, answer->len, 0, &answer->to.addr.sa,
                         answer->to.size);
        }
    }
}

static void answer_to(struct group_listener *listener, const struct group_message *request,
                      struct group_message *answer, lscoap_group_exchange *exchange,
                      const coap_address_t *from) {
    uint8_t plain[GROUP_MESSAGE_ROOM - LSCOAP_GROUP_PROTECT_OVERHEAD];
    uint8_t out[GROUP_MESSAGE_ROOM];
    lscoap_io io = {.input = plain, .out = out, .out_cap = sizeof out};
    uint32_t random = (uint32_t)random_below(listener, UINT16_MAX);

    /* To its server, and nobody who only says so: who forges an address gets nothing sent there. */
    if (!coap_address_equals(from, &listener->server) ||
        lscoap_member_answer_wanted(&listener->member, exchange, answer->code) != 1) {
        return;
    }
    answer->mid = (uint16_t)random;
    answer->token = request->token;
    answer->token_len = request->token_len;
    io.input_len = group_message_write(answer, plain, sizeof plain);
    if (io.input_len > 0 &&
        lscoap_member_protect_answer(&listener->member, &io, exchange) == LSCOAP_OK) {
        keep(listener, out, io.out_len, from);
    }
}

static void on_datagram(struct group_listener *listener, const uint8_t *bytes, size_t len,
                        const coap_address_t *from) {
    uint8_t plain[DATAGRAM_MAX];
    lscoap_group_exchange exchange;
    lscoap_io io = {.input = bytes,
                    .input_len = len,
                    .out = plain,
                    .out_cap = sizeof plain,
                    .now_ms = now_ms()};
    struct group_message request;
    struct group_message answer = {.content_format = -1, .no_response = -1};
    char path[PATH_ROOM];
    int32_t mode = 0;
    lscoap_status status =
        lscoap_member_unprotect_request(&listener->member, &io, &mode, &exchange);

    if (status != LSCOAP_OK) { /* never answered, whatever it is; a hint makes an ASK due */
        return;
    }
    if (!group_message_read(plain, io.out_len, &request) ||
        !group_message_path(plain, io.out_len, path, sizeof path)) {
        return;
    }
    if (request.code == COAP_REQUEST_CODE_POST && strcmp(path, "/.well-known/lscoap/group") == 0) {
        status = lscoap_member_notice(&listener->member, request.payload, request.payload_len);
        if (status == LSCOAP_ERR_ASK) {
            printf("there is a new epoch\n");
        }
        return;
    }
    listener->serve(listener->context, &request, path, mode, &answer);
    answer_to(listener, &request, &answer, &exchange, from);
}

static void receive(struct group_listener *listener) {
    uint8_t bytes[DATAGRAM_MAX];
    coap_address_t from;
    ssize_t len;

    coap_address_init(&from);
    len =
        recvfrom(listener->group_fd, bytes, sizeof bytes, MSG_DONTWAIT, &from.addr.sa, &from.size);
    if (len > 0) {
        on_datagram(listener, bytes, (size_t)len, &from);
    }
}

/* When something is due next. */
static uint64_t deadline(const struct group_listener *listener, uint64_t end) {
    uint64_t due = lscoap_member_ask_due(&listener->member);
    uint64_t at = due < listener->retry_ms ? due : listener->retry_ms;

    at = at < end ? at : end;
    for (size_t i = 0; i < GROUP_LISTENER_ANSWERS; i++) {
        const struct group_listener_answer *answer = &listener->answers[i];

        if (answer->pending && answer->due_ms < at) {
            at = answer->due_ms;
        }
    }
    return at;
}

bool group_listener_run(struct group_listener *listener, const coap_address_t *local,
                        const coap_address_t *server, uint32_t seconds) {
    const lscoap_member_config config = {.max_age_s = listener->max_age_s, .ask_ms = RETRY_MS};
    uint64_t end = now_ms() + (uint64_t)seconds * 1000;
    uint64_t delay = 0;
    bool good;

    listener->group_fd = listener->answer_fd = -1;
    listener->platform = posix_platform();
    listener->local = *local;
    listener->server = *server;
    listener->retry_ms = UINT64_MAX;
    good = lscoap_member_init(&listener->member, &listener->platform, &config) == LSCOAP_OK &&
           ask(listener);
    while (good && now_ms() < end) {
        uint64_t at = deadline(listener, end);
        uint64_t now = now_ms();
        struct pollfd wait = {.fd = listener->group_fd, .events = POLLIN};
        int timeout = at <= now ? 0 : at - now > LOOK_MS ? LOOK_MS : (int)(at - now);

        if (poll(&wait, 1, timeout) > 0) {
            receive(listener);
        }
        send_due(listener);
        now = now_ms();
        if (lscoap_member_ask_due(&listener->member) <= now && delay == 0) {
            delay = now + random_below(listener, listener->leisure_ms) + 1; /* not all at once */
        }
        if ((delay != 0 && now >= delay) || now >= listener->retry_ms) {
            delay = 0;
            good = ask(listener);
        }
    }
    close_sockets(listener);
    lscoap_member_wipe(&listener->member);
    return good;
}
