/* How a server comes about, and ends. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

static bool on_nack(void *owner, const coap_session_t *peer, const coap_pdu_t *sent,
                    coap_nack_reason_t reason, coap_mid_t mid) {
    (void)sent;
    (void)reason;
    if (coap_session_get_type(peer) == COAP_SESSION_TYPE_CLIENT) {
        return false;
    }
    lc_observers_nack(owner, peer, mid);
    return true;
}

static bool has_resource(coap_context_t *context, const char *path) {
    return coap_get_resource_from_uri_path(context, coap_make_str_const(path)) != NULL;
}

/* NULL where there is one of that path: libcoap would delete it. */
static coap_resource_t *add_resource(coap_context_t *context, const char *path, void *userdata) {
    coap_resource_t *resource =
        has_resource(context, path) ? NULL : coap_resource_init(coap_make_str_const(path), 0);

    if (resource != NULL) {
        coap_resource_set_userdata(resource, userdata);
        coap_add_resource(context, resource);
    }
    return resource;
}

/* Whether requests in OSCORE options reach no handler. */
static bool is_deaf(void) {
#if LIBCOAP_VERSION >= 4003002
    return coap_oscore_is_supported() != 0;
#else
    return false;
#endif
}

static void handle_all(coap_resource_t *resource, coap_method_handler_t handler) {
    for (int method = COAP_REQUEST_GET; method <= LC_METHODS; method++) {
        coap_register_handler(resource, (coap_request_t)method, handler);
    }
}

/* Has requests in OSCORE options delivered, which have no path outside. */
static bool hear_oscore(lscoap_libcoap_server *server) {
    server->root = add_resource(server->context, "", server);
    if (server->root == NULL) {
        return false;
    }
    handle_all(server->root, lc_handle_root);
    coap_register_option(server->context, COAP_OPTION_OSCORE); /* else they get 4.02 */
    return true;
}

lscoap_libcoap_server *lscoap_libcoap_server_attach(coap_context_t *context,
                                                    const lscoap_libcoap_server_config *config,
                                                    lscoap_status *status) {
    lscoap_libcoap_server *server;
    lscoap_status ignored;
    uint32_t etag;

    if (status == NULL) {
        status = &ignored;
    }
    if (config->now_ms == NULL) {
        *status = LSCOAP_ERR_NULL;
        return NULL;
    }
    if (!config->payload_only && is_deaf()) {
        *status = LSCOAP_LIBCOAP_ERR_DEAF;
        return NULL;
    }
    if (has_resource(context, LSCOAP_LIBCOAP_PATH) ||
        (!config->payload_only && has_resource(context, ""))) {
        *status = LSCOAP_ERR_STATE;
        return NULL;
    }
    server = calloc(1, sizeof *server);
    *status = LSCOAP_ERR_CAPACITY;
    if (server == NULL) {
        return NULL;
    }
    server->config = *config;
    server->context = context;
    server->groups.fd = -1;
    server->message = malloc(LC_MESSAGE_MAX);
    server->confirmed = calloc(config->n_slots, sizeof *server->confirmed);
    server->inner_context = coap_new_context(NULL);
    if (lc_answers_init(&server->answers, config->n_slots) && server->message != NULL &&
        server->confirmed != NULL && server->inner_context != NULL) {
        *status = lscoap_server_init(&server->server, &server->config.platform,
                                     &server->config.server, config->slots, config->n_slots);
    }
    if (*status == LSCOAP_OK) {
        server->handshake = add_resource(context, LSCOAP_LIBCOAP_PATH, server);
        *status = server->handshake != NULL && (config->payload_only || hear_oscore(server))
                      ? LSCOAP_OK
                      : LSCOAP_ERR_CAPACITY;
    }
    if (*status != LSCOAP_OK) {
        lscoap_libcoap_server_detach(server);
        return NULL;
    }
    /* ETags start anywhere, so that a client which saw this server's life before does not mix up
     * blocks of two bodies. */
    coap_prng(&etag, sizeof etag);
    server->etag = (uint64_t)etag + 1;
    server->observe_value = 1;
    coap_context_set_block_mode(context, 0); /* server_blocks.c says why */
    coap_register_handler(server->handshake, COAP_REQUEST_POST, lc_handle_handshake);
    server->listener = (struct lc_listener){
        .context = context, .owner = server, .on_nack = on_nack, .other_nack = config->other_nack};
    lc_listen(&server->listener);
    return server;
}

void lscoap_libcoap_server_detach(lscoap_libcoap_server *server) {
    if (server == NULL) {
        return;
    }
    lc_unlisten(&server->listener);
    lc_observers_clear(server);
    lc_answers_free(&server->answers);
    lc_transfers_clear(server);
    lc_bodies_clear(server);
    for (size_t i = 0; i < server->n_resources; i++) {
        coap_delete_resource(server->context, server->resources[i].outer);
    }
    if (server->handshake != NULL) {
        coap_delete_resource(server->context, server->handshake);
    }
    if (server->root != NULL) {
        coap_delete_resource(server->context, server->root);
    }
    coap_free_context(server->inner_context);
    lscoap_server_wipe(&server->server);
    if (server->message != NULL) {
        lc_wipe(server->message, LC_MESSAGE_MAX);
    }
    free(server->message);
    free(server->confirmed);
    lc_wipe(server, sizeof *server);
    free(server);
}

lscoap_libcoap_resource *lscoap_libcoap_resource_add(lscoap_libcoap_server *server,
                                                     const char *path) {
    lscoap_libcoap_resource *resource = &server->resources[server->n_resources];

    if (server->n_resources == LSCOAP_LIBCOAP_RESOURCES_MAX) {
        return NULL;
    }
    path += *path == '/';
    resource->server = server;
    resource->inner = add_resource(server->inner_context, path, NULL);
    if (resource->inner == NULL) {
        return NULL;
    }
    resource->outer = add_resource(server->context, path, resource);
    if (resource->outer == NULL) {
        coap_delete_resource(server->inner_context, resource->inner);
        return NULL;
    }
    handle_all(resource->outer, lc_handle_resource);
    resource->options[0] = COAP_OPTION_BLOCK1;
    resource->options[1] = COAP_OPTION_BLOCK2;
    resource->n_options = LC_OWN_OPTIONS;
    server->n_resources++;
    return resource;
}

void lscoap_libcoap_resource_handler(lscoap_libcoap_resource *resource, coap_request_t method,
                                     coap_method_handler_t handler) {
    if (method >= 1 && method <= LC_METHODS) {
        resource->handlers[method - 1] = handler;
    }
}

bool lscoap_libcoap_resource_reads(lscoap_libcoap_resource *resource, const uint16_t *options,
                                   size_t n_options) {
    if (n_options > LSCOAP_LIBCOAP_OPTIONS_MAX) {
        return false;
    }
    memcpy(resource->options + LC_OWN_OPTIONS, options, n_options * sizeof *options);
    resource->n_options = LC_OWN_OPTIONS + n_options;
    return true;
}

coap_resource_t *lscoap_libcoap_resource_inner(const lscoap_libcoap_resource *resource) {
    return resource->inner;
}

void lscoap_libcoap_resource_allow_clear(lscoap_libcoap_resource *resource,
                                         bool (*allowed)(const coap_session_t *peer)) {
    resource->clear_allowed = allowed;
}

lscoap_status lscoap_libcoap_forget(lscoap_libcoap_server *server, const uint8_t *id,
                                    size_t id_len) {
    return lscoap_server_forget(&server->server, id, id_len);
}

lscoap_status lscoap_libcoap_server_stats(const lscoap_libcoap_server *server, lscoap_stats *out) {
    return lscoap_server_stats(&server->server, out);
}

const lscoap_session *lscoap_libcoap_current_session(const lscoap_libcoap_server *server) {
    return server->current;
}

bool lscoap_libcoap_server_poll(lscoap_libcoap_server *server) {
    uint64_t now_ms = lc_now(server);

    lc_filter_look(server, now_ms);
    lc_answers_expire(&server->answers, now_ms);
    return lc_observers_poll(server, now_ms);
}
