// The adapter for libcoap from C++: that its header serves there, and what it refuses.
#include <cstdio>
#include <cstring>

#include <lscoap_libcoap.h>

static int failures;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            std::fprintf(stderr, "line %d: %s\n", __LINE__, #what);                                \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static int fill(void *, uint8_t *out, size_t len) {
    std::memset(out, 7, len);
    return 0;
}

static uint64_t now_ms(void *) {
    return 1;
}

static int find_device(void *, const uint8_t *, size_t, uint8_t *) {
    return -1;
}

static const char *path_of(const lscoap_libcoap_resource *resource) {
    return (const char *)coap_resource_get_uri_path(lscoap_libcoap_resource_inner(resource))->s;
}

static void check_server() {
    static lscoap_slot slots[4];
    static const uint8_t identity[LSCOAP_SECRET_KEY_LEN] = {1};
    coap_context_t *context = coap_new_context(nullptr);
    lscoap_libcoap_server_config config;
    lscoap_status status = LSCOAP_OK;

    std::memset(&config, 0, sizeof config);
    config.platform.random = fill;
    config.server.identity = identity;
    config.server.find_device = find_device;
    config.slots = slots;
    config.n_slots = 4;
    CHECK(lscoap_libcoap_server_attach(context, &config, &status) == nullptr);
    CHECK(status == LSCOAP_ERR_NULL);
    CHECK(lscoap_libcoap_server_attach(context, &config, nullptr) == nullptr);
    config.now_ms = now_ms;
    lscoap_libcoap_server *server = lscoap_libcoap_server_attach(context, &config, &status);
    CHECK(server != nullptr && status == LSCOAP_OK);

    // A second one would take the first one's resource from it.
    CHECK(lscoap_libcoap_server_attach(context, &config, &status) == nullptr);
    CHECK(status == LSCOAP_ERR_STATE);
    coap_str_const_t *handshake = coap_make_str_const(LSCOAP_LIBCOAP_PATH);
    CHECK(coap_get_resource_from_uri_path(context, handshake) != nullptr);

    // "/led" is "led"; the same path twice, in either form, is refused and changes nothing.
    const lscoap_libcoap_resource *led = lscoap_libcoap_resource_add(server, "/led");
    CHECK(led != nullptr && std::strcmp(path_of(led), "led") == 0);
    coap_resource_t *outer = coap_get_resource_from_uri_path(context, coap_make_str_const("led"));
    CHECK(outer != nullptr);
    CHECK(lscoap_libcoap_resource_add(server, "led") == nullptr);
    CHECK(lscoap_libcoap_resource_add(server, "/led") == nullptr);
    CHECK(lscoap_libcoap_resource_add(server, LSCOAP_LIBCOAP_PATH) == nullptr);
    CHECK(coap_get_resource_from_uri_path(context, coap_make_str_const("led")) == outer);
    const lscoap_libcoap_resource *lamp = lscoap_libcoap_resource_add(server, "lamp/1");
    CHECK(lamp != nullptr && std::strcmp(path_of(lamp), "lamp/1") == 0);

    lscoap_libcoap_server_detach(server);
    CHECK(coap_get_resource_from_uri_path(context, handshake) == nullptr);
    server = lscoap_libcoap_server_attach(context, &config, &status);
    CHECK(server != nullptr); // after the first has gone
    lscoap_libcoap_server_detach(server);
    coap_free_context(context);
}

static void check_request() {
    lscoap_libcoap_request request;

    std::memset(&request, 0xA5, sizeof request);
    lscoap_libcoap_request_init(&request, COAP_REQUEST_CODE_GET, "/led");
    CHECK(request.method == COAP_REQUEST_CODE_GET && std::strcmp(request.path, "/led") == 0);
    CHECK(request.content_format == -1 && request.accept == -1);
    CHECK(request.payload == nullptr && request.payload_len == 0);
}

int main() {
    coap_startup();
    check_server();
    check_request();
    coap_cleanup();
    return failures == 0 ? 0 : 1;
}
