#include "server.h"

#include <string.h>

#include <netinet/in.h>

enum { PEER_MAX = 22, BUSY_MAX_AGE_S = 5 };

void lc_reply(coap_pdu_t *response, coap_pdu_code_t code, const uint8_t *payload, size_t len) {
    coap_pdu_set_code(response, code);
    if (len > 0) {
        lc_add_uint_option(response, COAP_OPTION_CONTENT_FORMAT, LSCOAP_CONTENT_FORMAT_HANDSHAKE);
        if (code == COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE) {
            lc_add_uint_option(response, COAP_OPTION_MAXAGE, BUSY_MAX_AGE_S);
        }
        coap_add_data(response, len, payload);
    }
}

/* Address and port, equal for equal senders: a retry cookie is good for one of them. An IPv4
 * address has one form, whichever socket it came to; a link-local one is of a link. */
static size_t peer_address(const coap_session_t *peer, uint8_t out[PEER_MAX]) {
    const coap_address_t *remote = coap_session_get_addr_remote(peer);
    const uint8_t *ip = (const uint8_t *)&remote->addr.sin6.sin6_addr;

    if (remote->addr.sa.sa_family == AF_INET) {
        memcpy(out, &remote->addr.sin.sin_addr, 4);
        memcpy(out + 4, &remote->addr.sin.sin_port, 2);
        return 6;
    }
    if (remote->addr.sa.sa_family != AF_INET6) {
        return 0;
    }
    if (IN6_IS_ADDR_V4MAPPED(&remote->addr.sin6.sin6_addr)) {
        memcpy(out, ip + 12, 4);
        memcpy(out + 4, &remote->addr.sin6.sin6_port, 2);
        return 6;
    }
    memcpy(out, ip, 16);
    memcpy(out + 16, &remote->addr.sin6.sin6_port, 2);
    memcpy(out + 18, &remote->addr.sin6.sin6_scope_id, 4);
    return PEER_MAX;
}

/* A retransmitted message gets the stored answer from lscoap. */
void lc_handle_handshake(coap_resource_t *resource, coap_session_t *peer, const coap_pdu_t *request,
                         const coap_string_t *query, coap_pdu_t *response) {
    lscoap_libcoap_server *server = coap_resource_get_userdata(resource);
    lscoap_libcoap_event event = {.peer = peer};
    const uint8_t *message = NULL;
    size_t message_len = 0;
    struct lc_options options;
    uint8_t address[PEER_MAX];
    size_t address_len = peer_address(peer, address);
    uint8_t source[LC_SOURCE_MAX];
    size_t source_len;
    uint64_t now_ms = lc_now(server);
    uint8_t answer[LSCOAP_MESSAGE_MAX];
    lscoap_io io;

    (void)query;
    lc_filter_count(server, peer);
    lc_read_options(request, &options);
    if (options.content_format != LSCOAP_CONTENT_FORMAT_HANDSHAKE) {
        lc_reply(response, COAP_RESPONSE_CODE_UNSUPPORTED_CONTENT_FORMAT, NULL, 0);
        return;
    }
    if (!options.blocks_valid || options.block1.more || options.block1.number != 0) {
        lc_reply(response, COAP_RESPONSE_CODE_BAD_REQUEST, NULL, 0); /* they all fit one datagram */
        return;
    }
    coap_get_data(request, &message_len, &message);
    if (lc_like_alert(message, message_len)) { /* there is nothing to answer */
        return;
    }
    source_len =
        lc_source_of(&server->networks, coap_session_get_addr_remote(peer), now_ms, source);
    io = (lscoap_io){.input = message,
                     .input_len = message_len,
                     .out = answer,
                     .out_cap = sizeof answer,
                     .now_ms = now_ms};
    event.status = lscoap_server_step(
        &server->server, &(lscoap_sender){address, address_len, source, source_len}, &io, NULL);
    event.type = LSCOAP_LIBCOAP_MESSAGE_RECEIVED;
    event.message = message;
    event.message_len = message_len;
    lc_tell(server, &event);
    if (event.status < 0) {
        lc_reply(response,
                 event.status == LSCOAP_ERR_RANDOM ? COAP_RESPONSE_CODE_INTERNAL_ERROR
                                                   : COAP_RESPONSE_CODE_BAD_REQUEST,
                 NULL, 0);
        return;
    }
    event.type = LSCOAP_LIBCOAP_MESSAGE_SENT;
    event.message = answer;
    event.message_len = io.out_len;
    lc_tell(server, &event);
    lc_reply(response, lscoap_response_code(answer, io.out_len), answer, io.out_len);
}
