#include "server_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "conditions.h"
#include "server_log.h"

#define FIELD(name)                                                                                \
    { #name, offsetof(lscoap_stats, name) }
#define ALERT(name, code)                                                                          \
    { "refused_" name, offsetof(lscoap_stats, refused) + (code) * sizeof(uint64_t) }

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    FIELD(begun_signed),
    FIELD(begun_express),
    FIELD(begun_resume),
    FIELD(confirmed),
    FIELD(confirmed_resume),
    ALERT("unknown_device", 1),
    ALERT("authentication", 2),
    ALERT("malformed", 3),
    ALERT("busy", 4),
    ALERT("unknown_session", 5),
    FIELD(retries),
    FIELD(duplicates),
    FIELD(expired),
    FIELD(evicted),
    FIELD(records),
    FIELD(replays),
    FIELD(bad_records),
    FIELD(store_failures),
    FIELD(half_open),
    FIELD(unconfirmed),
    FIELD(confirmed_now),
    FIELD(slots),
};

size_t server_stats_json(const lscoap_stats *stats, char text[SERVER_STATS_TEXT]) {
    size_t used = 0;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint64_t value;

        memcpy(&value, (const uint8_t *)stats + fields[i].offset, sizeof value);
        used += (size_t)snprintf(text + used, SERVER_STATS_TEXT - used, "%c\"%s\":%" PRIu64,
                                 i == 0 ? '{' : ',', fields[i].name, value);
    }
    used += (size_t)snprintf(text + used, SERVER_STATS_TEXT - used, "}");
    return used;
}

static void handle_get(coap_resource_t *resource, coap_session_t *session,
                       const coap_pdu_t *request, const coap_string_t *query,
                       coap_pdu_t *response) {
    const lscoap_libcoap_server *server = coap_resource_get_userdata(resource);
    char text[SERVER_STATS_TEXT];
    uint8_t format[2];
    size_t format_len =
        coap_encode_var_safe(format, sizeof format, COAP_MEDIATYPE_APPLICATION_JSON);
    lscoap_stats stats;
    size_t len;

    (void)session;
    (void)query;
    if (!conditions_met(request, COAP_MEDIATYPE_APPLICATION_JSON, response)) {
        return;
    }
    if (lscoap_libcoap_server_stats(server, &stats) != LSCOAP_OK) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return;
    }
    len = server_stats_json(&stats, text);
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    coap_add_option(response, COAP_OPTION_CONTENT_FORMAT, format_len, format);
    coap_add_data(response, len, (const uint8_t *)text);
}

/* The kernel drops what claims to be from a loopback address and comes from elsewhere. */
static bool is_loopback(const coap_session_t *peer) {
    const coap_address_t *remote = coap_session_get_addr_remote(peer);
    const struct in6_addr *ip = &remote->addr.sin6.sin6_addr;

    if (remote->addr.sa.sa_family == AF_INET) {
        return ntohl(remote->addr.sin.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return remote->addr.sa.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(ip) ||
            (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == IN_LOOPBACKNET));
}

bool server_stats_add_resource(lscoap_libcoap_server *server) {
    lscoap_libcoap_resource *resource = lscoap_libcoap_resource_add(server, SERVER_STATS_PATH);

    if (resource == NULL) {
        return false;
    }
    coap_resource_set_userdata(lscoap_libcoap_resource_inner(resource), server);
    lscoap_libcoap_resource_handler(resource, COAP_REQUEST_GET, handle_get);
    lscoap_libcoap_resource_allow_clear(resource, is_loopback);
    return lscoap_libcoap_resource_reads(resource, conditions_options, CONDITIONS_OPTIONS);
}

void server_stats_print(const lscoap_libcoap_server *server) {
    lscoap_stats stats;

    if (lscoap_libcoap_server_stats(server, &stats) == LSCOAP_OK) {
        char text[SERVER_STATS_TEXT];
        char line[SERVER_STATS_TEXT + 16];

        server_stats_json(&stats, text);
        snprintf(line, sizeof line, "stats: %s\n", text);
        server_log_bare(line);
    }
}
