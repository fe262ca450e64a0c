#include "service.h"

#include "network.h"
#include "site.h"
#include "target.h"

#include <string.h>

#include <arpa/inet.h>

enum { SLOTS = 4 };

struct service service;
static lscoap_slot slots[SLOTS];

static void fill_body(const coap_pdu_t *request, const coap_string_t *query, coap_pdu_t *response) {
    static uint8_t body[SERVICE_BODY_MAX];
    const uint8_t *echo = NULL;
    size_t len = 0;

    if (query != NULL && query->length > 0) {
        echo = query->s;
        len = query->length;
    } else {
        (void)coap_get_data(request, &len, &echo);
    }
    MUST(service.body_len <= sizeof body);
    memset(body, SERVICE_FILL, service.body_len);
    if (len > 0) {
        memcpy(body, echo, len < SERVICE_ECHO ? len : SERVICE_ECHO);
    }
    (void)coap_add_data(response, service.body_len, body);
}

static void handle_read(coap_resource_t *resource, coap_session_t *peer, const coap_pdu_t *request,
                        const coap_string_t *query, coap_pdu_t *response) {
    (void)resource;
    (void)peer;
    MUST(lscoap_libcoap_current_session(service.server) != NULL);
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    fill_body(request, query, response);
}

static void handle_change(coap_resource_t *resource, coap_session_t *peer,
                          const coap_pdu_t *request, const coap_string_t *query,
                          coap_pdu_t *response) {
    (void)resource;
    (void)peer;
    MUST(lscoap_libcoap_current_session(service.server) != NULL);
    service.changes++;
    service.posts += coap_pdu_get_code(request) == COAP_REQUEST_CODE_POST;
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
    fill_body(request, query, response);
}

static int site_random(void *out, size_t len) {
    const lscoap_platform platform = site_platform();

    return platform.random(NULL, out, len) == 0;
}

void service_address(coap_address_t *address) {
    coap_address_init(address);
    address->size = sizeof address->addr.sin;
    address->addr.sin.sin_family = AF_INET;
    address->addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

void service_begin(void) {
    const lscoap_libcoap_server_config config = {.platform = site_platform(),
                                                 .server = site_server_config(),
                                                 .slots = slots,
                                                 .n_slots = SLOTS,
                                                 .now_ms = network_now_ms};
    coap_address_t address;

    network_begin();
    coap_startup();
    coap_set_log_level(LOG_EMERG);
    coap_set_prng(site_random);
    memset(&service, 0, sizeof service);
    service.body_len = SERVICE_ECHO;
    service.context = coap_new_context(NULL);
    MUST(service.context != NULL);
    coap_context_set_max_idle_sessions(service.context, 8);
    service.server = lscoap_libcoap_server_attach(service.context, &config, NULL);
    MUST(service.server != NULL);
    service.resource = lscoap_libcoap_resource_add(service.server, SERVICE_PATH);
    MUST(service.resource != NULL);
    for (int method = COAP_REQUEST_GET; method <= COAP_REQUEST_IPATCH; method++) {
        bool reads = method == COAP_REQUEST_GET || method == COAP_REQUEST_FETCH;

        lscoap_libcoap_resource_handler(service.resource, (coap_request_t)method,
                                        reads ? handle_read : handle_change);
    }
    service_address(&address);
    MUST(coap_new_endpoint(service.context, &address, COAP_PROTO_UDP) != NULL);
}

void service_run(void) {
    do { /* one datagram each, and what is due by time */
        MUST(coap_io_process(service.context, COAP_IO_NO_WAIT) >= 0);
    } while (network_server_has_mail());
}

void service_end(void) {
    lscoap_libcoap_server_detach(service.server);
    coap_free_context(service.context);
    coap_cleanup();
}
