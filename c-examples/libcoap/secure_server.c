/* /index over lscoap: only enrolled devices reach it, and only under seal. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "index_resource.h"
#include "keyfile.h"
#include "lscoap_libcoap.h"
#include "posix_platform.h"
#include "server.h"

enum { SLOTS_BY_DEFAULT = 64, SLOTS_MAX = 65536, IDLE_PEERS_MAX = 1024, QUIET = CLI_FIRST_FREE };

#define USAGE CLI_SERVER_USAGE " [-n slots] [--quiet] -k server.key -d devices.txt"

struct app {
    struct cli_server cli;
    const char *key_path;
    const char *devices_path;
    size_t n_slots;
    bool quiet;
    struct devices devices;
    char asked[DEVICES_ID_TEXT]; /* the id that the message at hand was looked up for, or "" */
    lscoap_libcoap_server *server;
    lscoap_libcoap_resource *index;
};

static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    struct app *app = context;
    const struct device *device = devices_find(&app->devices, id, id_len);

    devices_print_id(id, id_len, app->asked);
    if (device == NULL) {
        return -1;
    }
    memcpy(public_key, device->public_key, sizeof device->public_key);
    return 0;
}

/* ---- the story ---- */

static const char *device_of(const lscoap_session *session, char text[DEVICES_ID_TEXT]) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t len;

    if (session == NULL || lscoap_session_device_id(session, id, sizeof id, &len) != LSCOAP_OK) {
        return "?";
    }
    return devices_print_id(id, len, text);
}

static void tell_sent(const lscoap_libcoap_event *event) {
    static const char *const alerts[] = {
        "",     "Unknown device id", "Authentication failed", "Malformed message",
        "Busy", "Unknown session"};
    size_t alert = event->message_len > 1 ? event->message[1] : 0;

    if (event->status == LSCOAP_REFUSED && alert < sizeof alerts / sizeof alerts[0]) {
        printf("%s: refused\n", alerts[alert]);
    } else {
        printf("%s sent (%zu bytes)\n", lscoap_message_name(event->message, event->message_len),
               event->message_len);
    }
}

static void tell_confirmed(const lscoap_session *session, const char *device) {
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(session, fingerprint) == LSCOAP_OK) {
        printf("Client authenticated! Device %s, session fingerprint ", device);
        for (size_t i = 0; i < sizeof fingerprint; i++) {
            printf("%02x", fingerprint[i]);
        }
        printf("\n");
    }
}

static void on_event(void *context, const lscoap_libcoap_event *event) {
    static const char *const methods[] = {"GET",   "POST",  "PUT",   "DELETE",
                                          "FETCH", "PATCH", "iPATCH"};
    struct app *app = context;
    char text[DEVICES_ID_TEXT];
    const char *device = device_of(event->session, text);
    int path_len = (int)event->path.length;
    const char *path = (const char *)event->path.s;
    unsigned method = (unsigned)event->method - 1;

    switch (event->type) {
    case LSCOAP_LIBCOAP_MESSAGE_RECEIVED:
        printf("%s received (%zu bytes)%s%s\n",
               lscoap_message_name(event->message, event->message_len), event->message_len,
               app->asked[0] != '\0' ? " from device " : "", app->asked);
        app->asked[0] = '\0';
        break;
    case LSCOAP_LIBCOAP_MESSAGE_SENT:
        tell_sent(event);
        break;
    case LSCOAP_LIBCOAP_CONFIRMED:
        tell_confirmed(event->session, device);
        break;
    case LSCOAP_LIBCOAP_REQUEST:
        printf("%s /%.*s from %s: %d.%02d\n",
               method < sizeof methods / sizeof methods[0] ? methods[method] : "?", path_len, path,
               device, event->code >> 5, event->code & 0x1F);
        break;
    case LSCOAP_LIBCOAP_REPEATED:
        printf("/%.*s: a retransmitted request got its answer again\n", path_len, path);
        break;
    case LSCOAP_LIBCOAP_NOTIFIED:
        printf("/%.*s: %s notified\n", path_len, path, device);
        break;
    case LSCOAP_LIBCOAP_REFUSED:
        printf("/%.*s: refused: %s\n", path_len, path,
               event->status == 0 ? "not sealed" : lscoap_status_string(event->status));
        break;
    }
    fflush(stdout);
}

/* ---- serving ---- */

static void on_tick(void *arg) {
    const struct app *app = arg;

    if (app->cli.tick) {
        index_tick(lscoap_libcoap_resource_inner(app->index));
        lscoap_libcoap_notify(app->index);
    }
    lscoap_libcoap_server_poll(app->server);
}

static void tell_devices(const struct app *app) {
    printf("%zu device%s in %s\n", app->devices.count, app->devices.count == 1 ? "" : "s",
           app->devices_path);
    fflush(stdout);
}

static void on_hangup(void *arg) {
    struct app *app = arg;
    struct devices old = app->devices;
    struct devices fresh = {0};

    if (!devices_read(app->devices_path, &fresh)) {
        fprintf(stderr, "the devices stay as they were\n");
        return;
    }
    app->devices = fresh;
    for (size_t i = 0; i < old.count; i++) {
        const struct device *was = &old.list[i];
        const struct device *is = devices_find(&fresh, was->id, was->id_len);

        if (is == NULL || memcmp(is->public_key, was->public_key, sizeof is->public_key) != 0) {
            lscoap_libcoap_forget(app->server, was->id, was->id_len);
        }
    }
    devices_free(&old);
    tell_devices(app);
}

static void register_handler(void *resource, coap_request_t method, coap_method_handler_t handler) {
    lscoap_libcoap_resource_handler(resource, method, handler);
}

/* Prints what devices need to know. */
static bool tell_server_string(const uint8_t secret[LSCOAP_SECRET_KEY_LEN]) {
    uint8_t public_key[LSCOAP_PUBLIC_KEY_LEN];
    char text[LSCOAP_SERVER_STRING_MAX];
    size_t len;
    lscoap_status status = lscoap_public_key(secret, public_key);

    if (status == LSCOAP_OK) {
        status = lscoap_format_server(public_key, text, sizeof text, &len);
    }
    if (status != LSCOAP_OK) {
        fprintf(stderr, "the server's key: %s\n", lscoap_status_string(status));
        return false;
    }
    printf("%s\n", text);
    return true;
}

static int serve(struct app *app, const uint8_t secret[LSCOAP_SECRET_KEY_LEN], lscoap_slot *slots) {
    const struct server_hooks hooks = {on_tick, on_hangup, app};
    lscoap_libcoap_server_config config = {
        .platform = posix_platform(),
        .server = {.identity = secret, .find_device = find_device, .find_device_context = app},
        .slots = slots,
        .n_slots = app->n_slots,
        .now_ms = posix_platform_now_ms,
        .on_event = app->quiet ? NULL : on_event,
        .event_context = app};
    coap_context_t *context = server_new_context();
    int status = CLI_FAILED;
    lscoap_status why;

    if (context == NULL) {
        return CLI_FAILED;
    }
    coap_context_set_max_idle_sessions(context, IDLE_PEERS_MAX);
    app->server = lscoap_libcoap_server_attach(context, &config, &why);
    if (app->server == NULL) {
        fprintf(stderr, "lscoap: %s\n", lscoap_status_string(why));
    } else {
        app->index = lscoap_libcoap_resource_add(app->server, INDEX_PATH);
        if (app->index != NULL) {
            index_init(register_handler, app->index);
            if (server_listen(context, &app->cli, COAP_PROTO_UDP)) {
                status = server_run(context, &hooks);
            }
        }
    }
    lscoap_libcoap_server_detach(app->server);
    coap_free_context(context);
    return status;
}

static bool parse_slots(const char *text, size_t *slots) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    *slots = (size_t)number;
    return isdigit((unsigned char)*text) && *end == '\0' && number >= 1 && number <= SLOTS_MAX;
}

static bool own_option(int option, struct app *app) {
    switch (option) {
    case 'k':
        app->key_path = optarg;
        return true;
    case 'd':
        app->devices_path = optarg;
        return true;
    case 'n':
        return parse_slots(optarg, &app->n_slots);
    case QUIET:
        app->quiet = true;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        CLI_SERVER_LONG, {"quiet", no_argument, NULL, QUIET}, {0}};
    static struct app app;
    static uint8_t secret[LSCOAP_SECRET_KEY_LEN];
    lscoap_slot *slots;
    int status = CLI_FAILED;
    int c;

    cli_server_init(&app.cli, "5683");
    app.n_slots = SLOTS_BY_DEFAULT;
    while ((c = getopt_long(argc, argv, CLI_SERVER_SHORT "k:d:n:", options, NULL)) != -1) {
        if (!cli_server_option(c, &app.cli) && !own_option(c, &app)) {
            fprintf(stderr, "usage: %s " USAGE "\n", argv[0]);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    if (!cli_server_finish(&app.cli, argc, argv)) {
        return CLI_USAGE;
    }
    if (app.key_path == NULL || app.devices_path == NULL) {
        fprintf(stderr, "usage: %s " USAGE "\n", argv[0]);
        return CLI_USAGE;
    }
    slots = calloc(app.n_slots, sizeof *slots);
    if (slots != NULL && keyfile_read(app.key_path, secret) && tell_server_string(secret) &&
        devices_read(app.devices_path, &app.devices)) {
        tell_devices(&app);
        cli_startup();
        status = serve(&app, secret, slots);
        coap_cleanup();
    }
    posix_platform_wipe(secret, sizeof secret);
    devices_free(&app.devices);
    free(slots); /* which lscoap has wiped */
    return status;
}
