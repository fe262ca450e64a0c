/* A socket filter (classic BPF, of Linux) in front of libcoap: what is no CoAP request, or none
 * that a server of this protocol version answers, costs no system call. And shares: while the
 * socket's buffer is filling, ports that send most of what comes are let through in part, so that
 * those of others are not lost with them. A flood from everywhere is let through in part as a
 * whole. */
#include "server.h"

#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>

#ifdef __linux__

#include <asm/socket.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>

enum {
    UDP_HEADER = 8,   /* what the filter sees before the datagram */
    LOOK_MS = 20,     /* how often the buffer is looked at; ... */
    FILLING_MAX = 3,  /* ... so many times in a row it may be filling ... */
    EASE_MS = 1000,   /* ... and how often shares are eased */
    MOST_PART = 8,    /* a class sends most when it sends this part, and no fewer than ... */
    MOST_MIN = 64,    /* ... these between two looks */
    ALL_MIN = 512,    /* when no class does: what makes it a flood from everywhere */
    IDLE_COUNT = 100, /* in EASE_MS: nobody there sends much any more */
    SHARE_PART = 64   /* the smallest share */
};

static const uint32_t WHOLE = UINT32_MAX;

/* Where a jump of the program goes to; else the next instruction. */
enum target { NEXT, ACCEPT, DROP, EMPTY, GROUP, SHARE };

struct step {
    uint16_t code;
    uint8_t yes; /* enum target */
    uint8_t no;
    uint32_t k;
};

enum { EMPTY_AT = 29, GROUP_AT = 35, SHARE_AT = 43, ACCEPT_AT = 51, STEPS };

static uint32_t word(const uint8_t bytes[4]) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void make_program(const lscoap_libcoap_server *server, struct sock_filter out[STEPS + 1]) {
    const struct lc_filter *filter = &server->filter;
    const uint8_t response = server->groups.fd >= 0 ? GROUP : DROP;
    const struct step steps[STEPS] = {
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HEADER},
        {BPF_ALU | BPF_RSH | BPF_K, 0, 0, 6},
        {BPF_JMP | BPF_JEQ | BPF_K, NEXT, DROP, 1}, /* version */
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HEADER},
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x0F},
        {BPF_JMP | BPF_JGT | BPF_K, DROP, NEXT, LC_TOKEN_MAX},
        {BPF_MISC | BPF_TAX, 0, 0, 0}, /* X: length of the token */
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HEADER + 1},
        {BPF_JMP | BPF_JEQ | BPF_K, EMPTY, NEXT, 0},
        {BPF_JMP | BPF_JGT | BPF_K, response, NEXT, 31},
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HEADER},
        {BPF_JMP | BPF_JSET | BPF_K, DROP, NEXT, 0x20}, /* neither CON nor NON */
        {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
        {BPF_JMP | BPF_JGE | BPF_K, NEXT, DROP, UDP_HEADER + LC_HEADER_LEN},
        {BPF_ALU | BPF_SUB | BPF_K, 0, 0, UDP_HEADER + LC_HEADER_LEN},
        {BPF_JMP | BPF_JGE | BPF_X, NEXT, DROP, 0},
        /* Options of a handshake as every client sends them, and a payload: of 1 byte at least. */
        {BPF_JMP | BPF_JGE | BPF_K, NEXT, SHARE, 24},
        {BPF_ALU | BPF_SUB | BPF_K, 0, 0, 24},
        {BPF_JMP | BPF_JGE | BPF_X, NEXT, SHARE, 0},
        {BPF_LD | BPF_W | BPF_IND, 0, 0, UDP_HEADER + LC_HEADER_LEN},
        {BPF_JMP | BPF_JEQ | BPF_K, NEXT, SHARE, 0xBB2E7765}, /* ".we" */
        {BPF_LD | BPF_W | BPF_IND, 0, 0, UDP_HEADER + LC_HEADER_LEN + 19},
        {BPF_JMP | BPF_JEQ | BPF_K, NEXT, SHARE, 0x12FDE9FF}, /* Content-Format 65001, FF */
        {BPF_LD | BPF_B | BPF_IND, 0, 0, UDP_HEADER + LC_HEADER_LEN + 23},
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, NEXT, 0x11}, /* M1 */
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, NEXT, 0x13}, /* M3 */
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, NEXT, 0x15}, /* X1 */
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, NEXT, 0x17}, /* R1 */
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, DROP, 0x1A}, /* RETRIED */
        /* EMPTY_AT: acknowledgement, Reset or ping */
        {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
        {BPF_JMP | BPF_JEQ | BPF_K, NEXT, DROP, UDP_HEADER + LC_HEADER_LEN},
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HEADER},
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, NEXT, 0x40},
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, NEXT, 0x60},
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, DROP, 0x70},
        /* GROUP_AT: an answer to a group request, which none of our own sends otherwise */
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xE0},
        {BPF_JMP | BPF_JEQ | BPF_K, NEXT, DROP, 0x40},
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, UDP_HEADER},
        {BPF_JMP | BPF_JEQ | BPF_K, NEXT, DROP, 0x50 | LSCOAP_LIBCOAP_GROUP_TOKEN},
        {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
        {BPF_JMP | BPF_JGT | BPF_K, NEXT, DROP,
         UDP_HEADER + LC_HEADER_LEN + LSCOAP_LIBCOAP_GROUP_TOKEN},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, UDP_HEADER + LC_HEADER_LEN},
        {BPF_JMP | BPF_JEQ | BPF_K, SHARE, DROP, word(server->groups.prefix)},
        /* SHARE_AT: by the source port's class */
        {BPF_LD | BPF_H | BPF_ABS, 0, 0, 0},
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, LC_PORT_CLASSES - 1},
        {BPF_MISC | BPF_TAX, 0, 0, 0},
        {BPF_LD | BPF_IMM, 0, 0, 1},
        {BPF_ALU | BPF_LSH | BPF_X, 0, 0, 0},
        {BPF_JMP | BPF_JSET | BPF_K, NEXT, ACCEPT, filter->shared},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)},
        {BPF_JMP | BPF_JGT | BPF_K, DROP, ACCEPT, filter->share},
        /* ACCEPT_AT */
        {BPF_RET | BPF_K, 0, 0, UINT32_MAX},
    };
    static const uint8_t places[] = {0, ACCEPT_AT, ACCEPT_AT + 1, EMPTY_AT, GROUP_AT, SHARE_AT};

    for (uint8_t i = 0; i < STEPS; i++) {
        const struct step *step = &steps[i];

        out[i] = (struct sock_filter){.code = step->code, .k = step->k};
        if ((step->code & 0x07) == BPF_JMP) {
            out[i].jt = (uint8_t)(step->yes == NEXT ? 0 : places[step->yes] - i - 1);
            out[i].jf = (uint8_t)(step->no == NEXT ? 0 : places[step->no] - i - 1);
        }
    }
    out[STEPS] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = 0};
}

static bool attach(const lscoap_libcoap_server *server, int fd) {
    struct sock_filter steps[STEPS + 1];
    struct sock_fprog program = {.len = STEPS + 1, .filter = steps};

    make_program(server, steps);
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

size_t lscoap_libcoap_filter(lscoap_libcoap_server *server, uint16_t port) {
    struct lc_filter *filter = &server->filter;

    filter->share = WHOLE;
    for (int fd = 0; fd < LC_FDS_MAX && filter->n_fds < LC_FILTERED_MAX; fd++) {
        if (lc_is_bound(fd, port) && attach(server, fd)) {
            filter->fds[filter->n_fds++] = fd;
        }
    }
    return filter->n_fds;
}

/* More than half of a buffer is taken. */
static bool is_filling(const struct lc_filter *filter) {
    for (size_t i = 0; i < filter->n_fds; i++) {
        uint32_t facts[SK_MEMINFO_VARS] = {0};
        socklen_t len = sizeof facts;

        if (getsockopt(filter->fds[i], SOL_SOCKET, SO_MEMINFO, facts, &len) == 0 &&
            facts[SK_MEMINFO_RMEM_ALLOC] > facts[SK_MEMINFO_RCVBUF] / 2) {
            return true;
        }
    }
    return false;
}

static void change(lscoap_libcoap_server *server, uint32_t shared, uint32_t share) {
    struct lc_filter *filter = &server->filter;

    if (filter->shared != shared || filter->share != share) {
        filter->shared = shared;
        filter->share = share;
        for (size_t i = 0; i < filter->n_fds; i++) {
            (void)attach(server, filter->fds[i]);
        }
    }
}

/* The classes that send most of what has come since the last look. */
static uint32_t heavy(const struct lc_filter *filter) {
    uint32_t total = 0;
    uint32_t found = 0;

    for (size_t i = 0; i < LC_PORT_CLASSES; i++) {
        total += filter->counts[i];
    }
    for (size_t i = 0; i < LC_PORT_CLASSES; i++) {
        if (filter->counts[i] >= MOST_MIN && filter->counts[i] > total / MOST_PART) {
            found |= (uint32_t)1 << i;
        }
    }
    return found == 0 && total >= ALL_MIN ? UINT32_MAX : found;
}

/* Releases the classes that do not send much any more, and lets the others have a bit more. */
static void ease(lscoap_libcoap_server *server) {
    const struct lc_filter *filter = &server->filter;
    uint32_t shared = filter->shared;
    bool over = filter->share > WHOLE / 2;

    for (size_t i = 0; i < LC_PORT_CLASSES; i++) {
        if (over || filter->passed[i] < IDLE_COUNT) {
            shared &= ~((uint32_t)1 << i);
        }
    }
    change(server, shared, shared == 0 ? WHOLE : filter->share + filter->share / 4);
}

void lc_filter_look(lscoap_libcoap_server *server, uint64_t now_ms) {
    struct lc_filter *filter = &server->filter;
    bool eased = false;

    if (filter->n_fds == 0 || now_ms - filter->looked_ms < LOOK_MS) {
        return;
    }
    filter->looked_ms = now_ms;
    for (size_t i = 0; i < LC_PORT_CLASSES; i++) {
        filter->passed[i] += filter->counts[i];
    }
    filter->filling = is_filling(filter) ? filter->filling + 1 : 0;
    if (filter->filling >= FILLING_MAX) {
        uint32_t shared = filter->shared | heavy(filter);
        uint32_t less =
            filter->share / 4 > WHOLE / SHARE_PART ? filter->share / 4 : WHOLE / SHARE_PART;

        change(server, shared, shared == 0 ? WHOLE : less);
        eased = true;
    } else if (now_ms - filter->eased_ms > EASE_MS) {
        ease(server);
        eased = true;
    }
    if (eased) {
        filter->eased_ms = now_ms;
        memset(filter->passed, 0, sizeof filter->passed);
    }
    memset(filter->counts, 0, sizeof filter->counts);
}

#else

size_t lscoap_libcoap_filter(lscoap_libcoap_server *server, uint16_t port) {
    (void)server;
    (void)port;
    return 0;
}

void lc_filter_look(lscoap_libcoap_server *server, uint64_t now_ms) {
    (void)server;
    (void)now_ms;
}

#endif

void lc_filter_count(lscoap_libcoap_server *server, const coap_session_t *peer) {
    const coap_address_t *remote = coap_session_get_addr_remote(peer);
    uint16_t port = remote->addr.sa.sa_family == AF_INET ? remote->addr.sin.sin_port
                                                         : remote->addr.sin6.sin6_port;

    server->filter.counts[ntohs(port) % LC_PORT_CLASSES]++;
}
