/* A back-end of lscoap-gateway with libcoap: /readings is what each device has put there, whole,
 * and can be observed.
 *
 *   cc -std=c99 libcoap_backend.c -o libcoap_backend $(pkg-config --cflags --libs libcoap-3)
 *   libcoap_backend option|path|query PORT */
#include <coap3/coap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDENTITY = 65010, /* backend.option of the gateway */
    ID_MAX = 32,      /* bytes of a device's id */
    DEVICES_MAX = 64,
    BODY_MAX = 65535
};

static const char *form = "option"; /* backend.identity */
static volatile sig_atomic_t stopped;

/* ---- who asks ---- */

struct device_id {
    uint8_t bytes[ID_MAX];
    size_t len;
};

static int digit(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool from_hex(const uint8_t *text, size_t len, struct device_id *id) {
    if (len == 0 || len % 2 != 0 || len / 2 > ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i += 2) {
        int high = digit(text[i]);
        int low = digit(text[i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        id->bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    id->len = len / 2;
    return true;
}

static bool is_text(const coap_opt_t *option, const char *text) {
    return option != NULL && coap_opt_length(option) == strlen(text) &&
           memcmp(coap_opt_value(option), text, strlen(text)) == 0;
}

/* Which device asks, as the gateway says it. Nobody but the gateway may reach this server: then the
 * option is there exactly once, and the path and the query begin with what the gateway has written.
 */
static bool device_of(const coap_pdu_t *request, struct device_id *id) {
    static const char name[] = "lscoap-id=";
    bool is_path = strcmp(form, "path") == 0;
    bool is_query = strcmp(form, "query") == 0;
    coap_opt_filter_t wanted;
    coap_opt_iterator_t all;
    const coap_opt_t *option;

    coap_option_filter_clear(&wanted);
    coap_option_filter_set(&wanted, is_path    ? COAP_OPTION_URI_PATH
                                    : is_query ? COAP_OPTION_URI_QUERY
                                               : IDENTITY);
    coap_option_iterator_init(request, &all, &wanted);
    option = coap_option_next(&all);
    if (is_path) { /* /d/ID/readings */
        if (!is_text(option, "d")) {
            return false;
        }
        option = coap_option_next(&all);
        return option != NULL && from_hex(coap_opt_value(option), coap_opt_length(option), id) &&
               is_text(coap_option_next(&all), "readings") && coap_option_next(&all) == NULL;
    }
    if (option == NULL) {
        return false;
    }
    if (is_query) { /* ?lscoap-id=ID&... */
        size_t skip = sizeof name - 1;

        return coap_opt_length(option) > skip && memcmp(coap_opt_value(option), name, skip) == 0 &&
               from_hex(coap_opt_value(option) + skip, coap_opt_length(option) - skip, id);
    }
    id->len = coap_opt_length(option);
    if (id->len == 0 || id->len > ID_MAX || coap_option_next(&all) != NULL) {
        return false;
    }
    memcpy(id->bytes, coap_opt_value(option), id->len);
    return true;
}

/* ---- what each has put there ---- */

static struct device {
    struct device_id id;
    coap_resource_t *resource; /* at its path, where that has the id in it */
    uint8_t *body;
    size_t len;
} devices[DEVICES_MAX];
static size_t device_count;

static struct device *find(const struct device_id *id) {
    for (size_t i = 0; i < device_count; i++) {
        if (devices[i].id.len == id->len && memcmp(devices[i].id.bytes, id->bytes, id->len) == 0) {
            return &devices[i];
        }
    }
    return NULL;
}

static struct device *find_or_add(const struct device_id *id) {
    struct device *device = find(id);

    if (device == NULL && device_count < DEVICES_MAX) {
        device = &devices[device_count++];
        device->id = *id;
    }
    return device;
}

static void release(coap_session_t *session, void *copy) {
    (void)session;
    free(copy);
}

static void get_readings(coap_resource_t *resource, coap_session_t *session,
                         const coap_pdu_t *request, const coap_string_t *query,
                         coap_pdu_t *response) {
    struct device_id id;
    const struct device *device;
    uint8_t *copy;

    if (!device_of(request, &id)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_FORBIDDEN);
        return;
    }
    device = find(&id);
    if (device == NULL || device->len == 0) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_NOT_FOUND);
        return;
    }
    copy = malloc(device->len); /* the next one may come before all blocks of this have gone */
    if (copy == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return;
    }
    memcpy(copy, device->body, device->len);
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
    coap_add_data_large_response(resource, session, request, response, query,
                                 COAP_MEDIATYPE_APPLICATION_OCTET_STREAM, -1, 0, device->len, copy,
                                 release, copy);
}

static void put_readings(coap_resource_t *resource, coap_session_t *session,
                         const coap_pdu_t *request, const coap_string_t *query,
                         coap_pdu_t *response);

static void add_resource(coap_context_t *context, coap_resource_t *resource) {
    coap_register_request_handler(resource, COAP_REQUEST_GET, get_readings);
    coap_register_request_handler(resource, COAP_REQUEST_PUT, put_readings);
    coap_resource_set_get_observable(resource, 1);
    coap_add_resource(context, resource);
}

/* libcoap tells no observers of what has no resource. */
static coap_resource_t *resource_of(struct device *device, const coap_session_t *session,
                                    const coap_pdu_t *request) {
    if (device->resource == NULL) {
        coap_string_t *path = coap_get_uri_path(request);

        device->resource =
            coap_resource_init((coap_str_const_t *)path, COAP_RESOURCE_FLAGS_RELEASE_URI);
        add_resource(coap_session_get_context(session), device->resource);
    }
    return device->resource;
}

static void put_readings(coap_resource_t *resource, coap_session_t *session,
                         const coap_pdu_t *request, const coap_string_t *query,
                         coap_pdu_t *response) {
    struct device_id id;
    struct device *device;
    const uint8_t *data;
    uint8_t *body;
    size_t len;
    size_t offset;
    size_t total;

    (void)query;
    if (!device_of(request, &id)) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_FORBIDDEN);
        return;
    }
    if (!coap_get_data_large(request, &len, &data, &offset, &total) || offset != 0 ||
        len != total || len == 0 || len > BODY_MAX) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
        return;
    }
    device = find_or_add(&id);
    body = device == NULL ? NULL : realloc(device->body, len);
    if (body == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return;
    }
    memcpy(body, data, len);
    device->body = body;
    device->len = len;
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
    if (strcmp(form, "path") == 0) {
        resource = resource_of(device, session, request);
    }
    coap_resource_notify_observers(resource, NULL); /* each gets what is its own */
}

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

int main(int argc, char **argv) {
    struct sigaction action = {0};
    coap_context_t *context;
    coap_address_t address;

    if (argc != 3) {
        fprintf(stderr, "usage: libcoap_backend option|path|query PORT\n");
        return 2;
    }
    form = argv[1];
    action.sa_handler = stop;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    coap_startup();
    coap_address_init(&address);
    address.size = sizeof address.addr.sin;
    address.addr.sin.sin_family = AF_INET;
    address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.addr.sin.sin_port = htons((uint16_t)atoi(argv[2]));
    context = coap_new_context(NULL);
    if (context == NULL || coap_new_endpoint(context, &address, COAP_PROTO_UDP) == NULL) {
        fprintf(stderr, "libcoap_backend: no port\n");
        return 1;
    }
    /* Bodies are whole then, if what sends them says how long they are (Size1): our devices do. */
    coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
    if (strcmp(form, "path") ==
        0) { /* /d/ID/readings becomes a resource when a device first puts it */
        coap_add_resource(context, coap_resource_unknown_init(put_readings));
    } else {
        add_resource(context, coap_resource_init(coap_make_str_const("readings"), 0));
    }
    printf("listening on 127.0.0.1:%s\n", argv[2]);
    fflush(stdout);
    while (!stopped) {
        coap_io_process(context, 1000);
    }
    coap_free_context(context);
    coap_cleanup();
    return 0;
}
