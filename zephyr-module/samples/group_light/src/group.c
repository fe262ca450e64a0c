/* A member of its server's group (docs/group.md): listens where the group is, has executed what the
 * server sends to all, and answers where that is wanted. The client's device asks. */
#include "group.h"

#include "light.h"

#include <errno.h>
#include <lscoap/platform.h>
#include <string.h>
#include <zephyr/sys/printk.h>

enum {
    ASK_MS = 10 * 1000, /* between two questions; the server answers no more often */
    DATAGRAM_MAX = 512,
    ANSWER_MAX = 160,
    PATH_OPTIONS = 4
};

static const char *const notice_path[] = {".well-known", "lscoap", "group", NULL};
static const struct lscoap_coap_address *server;
static lscoap_member member;
static lscoap_membership held; /* with number 0: in no group */
static int sock = -1;
static struct {
    uint8_t bytes[ANSWER_MAX];
    size_t len; /* 0: there is none */
    uint64_t due_ms;
} waiting;

static uint32_t random_below(uint32_t limit) {
    uint32_t number = 0;

    (void)lscoap_platform_zephyr()->random(NULL, (uint8_t *)&number, sizeof number);
    return limit == 0 ? 0 : number % limit;
}

lscoap_status group_begin(struct lscoap_coap_client *client,
                          const struct lscoap_coap_address *where) {
    const lscoap_member_config config = {.ask_ms = ASK_MS};
    const lscoap_status status = lscoap_member_init(&member, lscoap_platform_zephyr(), &config);

    server = where;
    return status != LSCOAP_OK
               ? status
               : lscoap_device_set_members(&client->device, &member, 1, CONFIG_GROUP_LIGHT_LEISURE);
}

/* ---- where the group is */

static void stop_listening(void) {
    if (sock >= 0) {
        (void)zsock_close(sock);
        sock = -1;
    }
}

static int join(void) {
    if (held.address_len == sizeof(struct in_addr)) {
        struct ip_mreqn group = {0};

        memcpy(&group.imr_multiaddr, held.address, sizeof group.imr_multiaddr);
        return zsock_setsockopt(sock, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
    }
    struct ipv6_mreq group = {0};

    memcpy(&group.ipv6mr_multiaddr, held.address, sizeof group.ipv6mr_multiaddr);
    return zsock_setsockopt(sock, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof group);
}

/* At the group's port of every address of the node's, so that copies to one of them arrive as well.
 */
static void listen_to_group(void) {
    struct lscoap_coap_address any = {0};
    const bool v6 = held.address_len == sizeof(struct in6_addr);

    stop_listening();
    (void)lscoap_coap_parse_address(v6 ? "::" : "0.0.0.0", held.port, &any);
    sock = zsock_socket(any.any.sa_family, SOCK_DGRAM, IPPROTO_UDP);
    if (sock < 0 || zsock_bind(sock, &any.any, any.len) < 0) {
        printk("cannot listen at port %u: %d\n", held.port, errno);
        stop_listening();
    } else if (join() < 0) {
        printk("no multicast here (%d): copies only\n", errno);
    }
}

/* What the device has heard of the group by asking. */
static void follow(void) {
    const lscoap_membership before = held;

    if (lscoap_member_group(&member, &held) != LSCOAP_OK) {
        held = (lscoap_membership){0};
        if (before.number != 0) {
            printk("not a member any more\n");
            stop_listening();
        }
        if (lscoap_member_ask_due(&member) == UINT64_MAX) {
            lscoap_member_wake(&member); /* it may be let in later */
        }
        return;
    }
    if (held.number == before.number && held.epoch == before.epoch) {
        return;
    }
    printk("member of group %u, epoch %u\n", held.number, held.epoch);
    if (sock < 0 || held.port != before.port || held.address_len != before.address_len ||
        memcmp(held.address, before.address, held.address_len) != 0) {
        listen_to_group();
    }
}

/* ---- requests */

static void print_request(const struct coap_packet *request, int code, int32_t mode) {
    char text[LSCOAP_COAP_PRINTABLE_MAX];
    uint16_t len;
    const uint8_t *payload = coap_packet_get_payload(request, &len);

    printk("request 0.%02u \"", coap_header_get_code(request));
    for (uint16_t i = 0; i < len; i++) {
        lscoap_coap_printable(payload[i], text);
        printk("%s", text);
    }
    printk("\" (%s): %d.%02d\n", mode == LSCOAP_GROUP_SIGNED ? "signed" : "tagged", code >> 5,
           code & 0x1F);
}

/* Seals the answer, which goes out in a random part of the leisure. */
static void answer(const struct coap_packet *request, uint8_t code, const char *payload,
                   lscoap_group_exchange *exchange, uint64_t now_ms) {
    uint8_t token[COAP_TOKEN_MAX_LEN], plain[ANSWER_MAX - LSCOAP_PROTECT_OVERHEAD];
    const uint8_t token_len = coap_header_get_token(request, token);
    lscoap_io io = {.input = plain, .out = waiting.bytes, .out_cap = sizeof waiting.bytes};
    struct coap_packet packet;
    int result = coap_packet_init(&packet, plain, sizeof plain, COAP_VERSION_1, COAP_TYPE_NON_CON,
                                  token_len, token, code, (uint16_t)random_below(UINT16_MAX));

    waiting.len = 0; /* a later request's answer is of more use */
    if (result == 0 && payload[0] != '\0') {
        result = coap_packet_append_payload_marker(&packet);
        if (result == 0) {
            result = coap_packet_append_payload(&packet, (const uint8_t *)payload,
                                                (uint16_t)strlen(payload));
        }
    }
    io.input_len = packet.offset;
    if (result == 0 && lscoap_member_protect_answer(&member, &io, exchange) == LSCOAP_OK) {
        waiting.len = io.out_len;
        waiting.due_ms = now_ms + random_below(CONFIG_GROUP_LIGHT_LEISURE);
    }
}

/* Whatever is wrong with it, nothing goes back. */
static void take(const uint8_t *datagram, size_t len, uint64_t now_ms) {
    static uint8_t plain[DATAGRAM_MAX];
    lscoap_group_exchange exchange;
    lscoap_io io = {.input = datagram,
                    .input_len = len,
                    .out = plain,
                    .out_cap = sizeof plain,
                    .now_ms = now_ms};
    struct coap_packet request;
    struct coap_option path[PATH_OPTIONS];
    const char *payload;
    uint16_t payload_len;
    int32_t mode = 0;
    int code;

    if (lscoap_member_unprotect_request(&member, &io, &mode, &exchange) != LSCOAP_OK ||
        coap_packet_parse(&request, plain, (uint16_t)io.out_len, NULL, 0) != 0) {
        return;
    }
    const int path_len = coap_find_options(&request, COAP_OPTION_URI_PATH, path, ARRAY_SIZE(path));

    if (path_len < 0) {
        return;
    }
    if (coap_header_get_code(&request) == COAP_METHOD_POST &&
        coap_uri_path_match(notice_path, path, (uint8_t)path_len)) {
        const uint8_t *notice = coap_packet_get_payload(&request, &payload_len);

        if (lscoap_member_notice(&member, notice, payload_len) == LSCOAP_ERR_ASK) {
            printk("there is a new epoch\n");
        }
        return;
    }
    code = light_serve(&request, path, (uint8_t)path_len, &payload);
    print_request(&request, code, mode);
    if (lscoap_member_answer_wanted(&member, &exchange, (uint8_t)code) == 1) {
        answer(&request, (uint8_t)code, payload, &exchange, now_ms);
    }
}

/* ---- the interface */

int group_socket(void) {
    return sock;
}

uint64_t group_deadline(void) {
    return waiting.len == 0 ? UINT64_MAX : waiting.due_ms;
}

void group_run(uint64_t now_ms) {
    static uint8_t datagram[DATAGRAM_MAX];
    ssize_t len;

    follow();
    len = sock < 0 ? -1 : zsock_recv(sock, datagram, sizeof datagram, ZSOCK_MSG_DONTWAIT);
    if (len > 0) {
        take(datagram, (size_t)len, now_ms);
    }
    if (sock >= 0 && waiting.len > 0 && now_ms >= waiting.due_ms) {
        /* To its server, wherever the request says that it comes from. */
        (void)zsock_sendto(sock, waiting.bytes, waiting.len, 0, &server->any, server->len);
        waiting.len = 0;
    }
}
