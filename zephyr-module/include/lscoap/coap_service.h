/*
 * Secured resources on Zephyr's CoAP server: a sealed request is opened, the ordinary handler sees
 * the request that was inside, and what it answers is sealed.
 *
 *     static const char *const light_path[] = {"light", NULL};
 *
 *     COAP_SERVICE_DEFINE(node, NULL, &port, COAP_SERVICE_AUTOSTART);
 *     LSCOAP_COAP_HANDSHAKE_DEFINE(node);
 *     LSCOAP_COAP_RESOURCE_DEFINE(light, node, light_path, .get = light_get, .put = light_put);
 *
 * The handlers are those of struct coap_resource, with one difference: they answer with
 * lscoap_coap_resource_send(), before they return, or by returning a response code.
 * (coap_resource_send() does not know the inner resource and sends nothing.) Observe is not
 * offered.
 */
#ifndef LSCOAP_COAP_SERVICE_H
#define LSCOAP_COAP_SERVICE_H

#include <lscoap.h>
#include <zephyr/net/coap_service.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Loads the server's identity; its sessions are in LSCOAP_SLOTS slots of the module's. Until then
 * secured resources answer 5.03. To be called once, before or after the service starts. */
lscoap_status lscoap_coap_service_init(const lscoap_server_config *config);

/* In a handler: seals and sends the answer. Once for each request: -EALREADY after that, -EINVAL
 * outside of a handler, -EMSGSIZE where it is longer than LSCOAP_COAP_SERVICE_MESSAGE_MAX. The
 * arguments are those of coap_resource_send(). */
int lscoap_coap_resource_send(const struct coap_resource *resource,
                              const struct coap_packet *response, const struct sockaddr *addr,
                              socklen_t addr_len,
                              const struct coap_transmission_parameters *params);

/* In a handler: the session that the request came in, for lscoap_session_device_id(). Else null. */
const lscoap_session *lscoap_coap_current_session(void);

/* Ends every session of a device, which is no longer to be trusted. */
lscoap_status lscoap_coap_forget(const uint8_t *device_id, size_t len);

#if defined(CONFIG_COAP_OSCORE)
struct coap_oscore_context;

/* From now on every session that a handshake makes goes on in Zephyr's own OSCORE: the devices'
 * requests come in OSCORE options, to ordinary resources of a COAP_SERVICE_DEFINE_OSCORE service,
 * and no longer to LSCOAP_COAP_RESOURCE_DEFINE's. Where there is no room for a session, the
 * handshake ends with 5.03. LSCOAP_ERR_CAPACITY: COAP_OSCORE_MAX_CONTEXTS is less than
 * LSCOAP_SLOTS; nothing has changed. */
lscoap_status lscoap_coap_service_oscore(void);

/* The word that a request has opened in this context: confirms its session (a session that has not
 * been confirmed ends after 60 s), and gives it, for lscoap_session_device_id(), until the handler
 * returns. Null: the context is of no session, or of one that has ended, which Zephyr keeps for as
 * long as exchanges or observers have it; answer 4.01 then. The context is in Zephyr's struct
 * coap_oscore_exchange of the request's address and token. */
const lscoap_session *lscoap_coap_oscore_session(const struct coap_oscore_context *context);
#endif

/* The resource for handshakes, /.well-known/lscoap, of a service. */
#define LSCOAP_COAP_HANDSHAKE_DEFINE(_service)                                                     \
    COAP_RESOURCE_DEFINE(_CONCAT(lscoap_handshake_, _service), _service,                           \
                         {.path = lscoap_coap_handshake_path, .post = lscoap_coap_handshake})

/* A secured resource: its name, its service, its path, and the handlers (.get = ..., .put = ...).
 * A request with a critical option (an odd number) is answered 4.02 before a handler sees it, but
 * for those that say where it goes (Uri-Host, -Port, -Path and -Query) and Block2: a client that
 * asks for a block of the answer gets it, from a handler that gives the whole answer each time. */
#define LSCOAP_COAP_RESOURCE_DEFINE(_name, _service, _path, ...)                                   \
    LSCOAP_COAP_RESOURCE_DEFINE_OF(_name, _service, _path, NULL, 0, __VA_ARGS__)

/* The same, whose handlers read these critical options too: an array of their numbers, such as
 * static const uint16_t options[] = {1, 5, 17}; for If-Match, If-None-Match and Accept. With Block2
 * among them, blocks are the handler's. */
#define LSCOAP_COAP_RESOURCE_DEFINE_OPTIONS(_name, _service, _path, _options, ...)                 \
    BUILD_ASSERT(ARRAY_SIZE(_options) <= LSCOAP_COAP_OPTIONS_MAX, "too many options");             \
    LSCOAP_COAP_RESOURCE_DEFINE_OF(_name, _service, _path, _options, ARRAY_SIZE(_options),         \
                                   __VA_ARGS__)

/* What the macros refer to. */
#define LSCOAP_COAP_RESOURCE_DEFINE_OF(_name, _service, _path, _options, _options_len, ...)        \
    static struct lscoap_coap_resource _CONCAT(lscoap_inner_, _name) = {                           \
        .inner = {.path = _path, __VA_ARGS__}, .options = _options, .options_len = _options_len};  \
    COAP_RESOURCE_DEFINE(_CONCAT(lscoap_outer_, _name), _service,                                  \
                         {.path = _path,                                                           \
                          .post = lscoap_coap_sealed,                                              \
                          .fetch = lscoap_coap_sealed,                                             \
                          .user_data = &_CONCAT(lscoap_inner_, _name)})

enum { LSCOAP_COAP_OPTIONS_MAX = 8 };
struct lscoap_coap_resource {
    struct coap_resource inner; /* what handlers get */
    const uint16_t *options;
    size_t options_len;
};
extern const char *const lscoap_coap_handshake_path[];
int lscoap_coap_handshake(struct coap_resource *resource, struct coap_packet *request,
                          struct sockaddr *addr, socklen_t addr_len);
int lscoap_coap_sealed(struct coap_resource *resource, struct coap_packet *request,
                       struct sockaddr *addr, socklen_t addr_len);

#ifdef __cplusplus
}
#endif

#endif
