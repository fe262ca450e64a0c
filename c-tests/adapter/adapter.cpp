// The adapter for libcoap from C++: that its header serves there, and what it refuses.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
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

static bool has_oscore() {
#if LIBCOAP_VERSION >= 4003002
    return coap_oscore_is_supported() != 0;
#else
    return false;
#endif
}

static coap_resource_t *root_of(coap_context_t *context) {
    return coap_get_resource_from_uri_path(context, coap_make_str_const(""));
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
    if (has_oscore()) { // which would be deaf without a word
        CHECK(server == nullptr && status == LSCOAP_LIBCOAP_ERR_DEAF);
        CHECK(std::strstr(lscoap_libcoap_status_string(status), "OSCORE") != nullptr);
        config.payload_only = true;
        server = lscoap_libcoap_server_attach(context, &config, &status);
    }
    CHECK(server != nullptr && status == LSCOAP_OK);
    CHECK((root_of(context) == nullptr) == config.payload_only);

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

    // The program's own resource of the empty path stays, and is in nobody's way where OSCORE is
    // not wanted.
    CHECK(root_of(context) == nullptr);
    coap_add_resource(context, coap_resource_init(coap_make_str_const(""), 0));
    config.payload_only = false;
    CHECK(lscoap_libcoap_server_attach(context, &config, &status) == nullptr);
    CHECK(status == (has_oscore() ? LSCOAP_LIBCOAP_ERR_DEAF : LSCOAP_ERR_STATE));
    config.payload_only = true;
    server = lscoap_libcoap_server_attach(context, &config, &status);
    CHECK(server != nullptr);
    lscoap_libcoap_server_detach(server);
    CHECK(root_of(context) != nullptr);
    coap_free_context(context);
}

// ---- sessions of the program's own, in a context of the adapter's ----

static unsigned strange_nacks, strange_responses;

static void on_strange_nack(coap_session_t *, const coap_pdu_t *, const coap_nack_reason_t,
                            const coap_mid_t) {
    strange_nacks++;
}

static coap_response_t on_strange_response(coap_session_t *, const coap_pdu_t *, const coap_pdu_t *,
                                           const coap_mid_t) {
    strange_responses++;
    return COAP_RESPONSE_OK;
}

static void loopback(coap_address_t *address, uint16_t port) {
    coap_address_init(address);
    address->size = sizeof address->addr.sin;
    address->addr.sin.sin_family = AF_INET;
    address->addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->addr.sin.sin_port = htons(port);
}

// A confirmable GET over a session whose app data is no client of the adapter's.
static coap_session_t *ask(coap_context_t *context, const coap_address_t *to) {
    static char not_a_client;
    coap_session_t *own = coap_new_client_session(context, nullptr, to, COAP_PROTO_UDP);

    CHECK(own != nullptr);
    coap_session_set_app_data(own, &not_a_client);
    CHECK(coap_send(own, coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET, own)) !=
          COAP_INVALID_MID);
    for (int i = 0; i < 50 && strange_nacks == 0 && strange_responses == 0; i++) {
        CHECK(coap_io_process(context, 100) >= 0);
    }
    CHECK(coap_session_get_app_data(own) == &not_a_client);
    return own;
}

// Nobody listens at the second port. `first` is a server's, which answers 4.04.
static void check_strange_sessions(coap_context_t *context, const coap_address_t *first) {
    coap_address_t nobody;
    coap_session_t *own;

    strange_nacks = strange_responses = 0;
    loopback(&nobody, 1);
    own = ask(context, &nobody);
    CHECK(strange_nacks > 0 && strange_responses == 0);
    coap_session_release(own);
    strange_nacks = strange_responses = 0;
    if (first != nullptr) {
        own = ask(context, first);
        CHECK(strange_nacks == 0 && strange_responses == 1);
        coap_session_release(own);
    }
}

static void check_strangers() {
    static lscoap_slot slots[1];
    static const uint8_t identity[LSCOAP_SECRET_KEY_LEN] = {1};
    uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    coap_context_t *context = coap_new_context(nullptr);
    lscoap_libcoap_server_config config;
    lscoap_libcoap_client_config client_config;
    lscoap_libcoap_answer answer;
    lscoap_libcoap_request request;
    coap_address_t address;

    std::memset(&config, 0, sizeof config);
    config.platform.random = fill;
    config.server.identity = identity;
    config.server.find_device = find_device;
    config.slots = slots;
    config.n_slots = 1;
    config.now_ms = now_ms;
    config.other_nack = on_strange_nack;
    config.payload_only = has_oscore();
    lscoap_libcoap_server *server = lscoap_libcoap_server_attach(context, &config, nullptr);
    CHECK(server != nullptr);
    check_strange_sessions(context, nullptr);

    // A client in the same context, whose session is made first and stays its own.
    std::memset(&client_config, 0, sizeof client_config);
    CHECK(lscoap_public_key(identity, server_key) == LSCOAP_OK);
    client_config.platform.random = fill;
    client_config.client.device_id = identity;
    client_config.client.device_id_len = 1;
    client_config.client.identity = identity;
    client_config.client.server_key = server_key;
    client_config.client.profile = LSCOAP_EXPRESS;
    client_config.other_nack = on_strange_nack;
    client_config.other_response = on_strange_response;
    lscoap_libcoap_client *client = lscoap_libcoap_client_new(&client_config, nullptr);
    CHECK(client != nullptr);
    loopback(&address, 0);
    coap_endpoint_t *endpoint = coap_new_endpoint(context, &address, COAP_PROTO_UDP);
    CHECK(endpoint != nullptr);
    const char *bound = coap_endpoint_str(endpoint);
    loopback(&address, (uint16_t)std::atoi(std::strrchr(bound, ':') + 1));
    coap_session_t *peer = coap_new_client_session(context, nullptr, &address, COAP_PROTO_UDP);
    CHECK(lscoap_libcoap_connect(client, peer, 20000) == LSCOAP_ALERT_UNKNOWN_SESSION ||
          lscoap_libcoap_client_session(client) == nullptr); // find_device refuses
    lscoap_libcoap_request_init(&request, COAP_REQUEST_CODE_GET, "/led");
    CHECK(lscoap_libcoap_request_send(client, &request, 1000, &answer) == LSCOAP_ERR_STATE);
    check_strange_sessions(context, &address);
    lscoap_libcoap_client_free(client);
    coap_session_release(peer);
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
    check_strangers();
    check_request();
    coap_cleanup();
    return failures == 0 ? 0 : 1;
}
