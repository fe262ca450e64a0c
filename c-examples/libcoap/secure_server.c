/* /index over lscoap: only enrolled devices reach it, and only under seal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conditions.h"
#include "devices.h"
#include "groups.h"
#include "index_resource.h"
#include "keyfile.h"
#include "libcoap_log.h"
#include "lscoap_libcoap.h"
#include "posix_platform.h"
#include "resume_store.h"
#include "server.h"
#include "server_log.h"
#include "server_options.h"
#include "server_stats.h"
#include "server_story.h"

enum {
    IDLE_PEERS_MAX = 128, /* libcoap walks through all of its peers at each datagram */
    SLOTS_MIN = 64,
    SUMMARY_MS = 60 * 1000,
    HEADROOM_MIN = 32,
    HEADROOM_PART = 4
};

struct app {
    struct server_options options;
    struct devices devices;
    struct resume_store *store; /* or NULL */
    struct groups *groups;      /* the same */
    struct server_story story;
    lscoap_libcoap_server *server;
    lscoap_libcoap_resource *index;
    double next_stats_ms;
    double next_summary_ms;
};

/* ---- devices ---- */

static int find_device(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    struct app *app = context;
    const struct device *device = devices_find(&app->devices, id, id_len);

    devices_print_id(id, id_len, app->story.asked);
    if (device == NULL) {
        return -1;
    }
    memcpy(public_key, device->public_key, sizeof device->public_key);
    return 0;
}

static bool is_known(void *devices, const uint8_t *id, size_t id_len) {
    return devices_find(devices, id, id_len) != NULL;
}

static void tell_devices(const struct app *app) {
    server_log(SERVER_LOG_INFO, NULL, "%zu device%s in %s", app->devices.count,
               app->devices.count == 1 ? "" : "s", app->options.devices_path);
    if (app->devices.count == 0) {
        server_log(SERVER_LOG_WARNING, NULL, "%s names no devices: nobody gets in",
                   app->options.devices_path);
    }
    if (app->options.n_slots <= app->devices.count) {
        server_log(SERVER_LOG_WARNING, NULL,
                   "with %zu slots not all devices can be connected at a time",
                   app->options.n_slots);
    }
}

/* Ends what the devices have that are gone from the list or have another key there. */
static void forget_the_gone(struct app *app, const struct devices *old) {
    bool good = app->store == NULL || resume_store_begin(app->store);

    for (size_t i = 0; i < old->count; i++) {
        const struct device *was = &old->list[i];
        const struct device *is = devices_find(&app->devices, was->id, was->id_len);

        if (is == NULL || memcmp(is->public_key, was->public_key, sizeof is->public_key) != 0) {
            good = lscoap_libcoap_forget(app->server, was->id, was->id_len) != LSCOAP_ERR_STORAGE &&
                   good;
            if (app->groups != NULL) {
                groups_forget(app->groups, was->id, was->id_len);
            }
        }
    }
    good = (app->store == NULL || resume_store_commit(app->store)) && good;
    if (!good) { /* the list is what counts: nobody resumes who is not in it with the same key */
        server_log(SERVER_LOG_ERROR, NULL,
                   "what was stored of devices that are gone may still be there");
    }
}

static void on_hangup(void *arg) {
    struct app *app = arg;
    struct devices old = app->devices;
    struct devices fresh = {0};

    if (!devices_read(app->options.devices_path, &fresh)) {
        server_log(SERVER_LOG_WARNING, NULL, "the devices stay as they were");
        return;
    }
    app->devices = fresh;
    forget_the_gone(app, &old);
    devices_free(&old);
    tell_devices(app);
}

/* ---- serving ---- */

static void on_tick(void *arg) {
    struct app *app = arg;
    double now_ms = cli_now_ms();

    if (app->options.cli.tick) {
        index_tick(lscoap_libcoap_resource_inner(app->index));
        lscoap_libcoap_notify(app->index);
    }
    if (now_ms >= app->next_summary_ms) {
        app->next_summary_ms = now_ms + SUMMARY_MS;
        server_story_summary(&app->story);
        libcoap_log_summary();
    }
    if (app->options.stats && now_ms >= app->next_stats_ms) {
        app->next_stats_ms = now_ms + app->options.stats_seconds * 1e3;
        server_stats_print(app->server);
    }
}

static bool on_turn(void *arg) {
    struct app *app = arg;

    if (app->groups != NULL) {
        groups_turn(app->groups);
    }
    return lscoap_libcoap_server_poll(app->server);
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
    fflush(stdout);
    return true;
}

static bool add_resources(struct app *app) {
    app->index = lscoap_libcoap_resource_add(app->server, INDEX_PATH);
    if (app->index == NULL) {
        return false;
    }
    index_init(register_handler, app->index);
    if (app->options.cli.fixed_index) {
        index_fix();
    }
    return lscoap_libcoap_resource_reads(app->index, conditions_options, CONDITIONS_OPTIONS) &&
           (!app->options.stats || server_stats_add_resource(app->server)) &&
           (app->groups == NULL || groups_add_resource(app->groups, app->server));
}

static int serve(struct app *app, const uint8_t secret[LSCOAP_SECRET_KEY_LEN], lscoap_slot *slots) {
    const struct server_hooks hooks = {on_tick, on_hangup, on_turn, app};
    lscoap_libcoap_server_config config = {
        .platform = posix_platform(),
        .server = {.identity = secret,
                   .find_device = find_device,
                   .find_device_context = app,
                   .cid_prefix = app->options.cid_prefix,
                   .cid_prefix_len = app->options.cid_prefix_len,
                   .retry_rate = app->options.retry_rate,
                   .load_resume = app->store != NULL ? resume_store_load : NULL,
                   .save_resume = app->store != NULL ? resume_store_save : NULL,
                   .resume_context = app->store},
        .slots = slots,
        .n_slots = app->options.n_slots,
        .now_ms = posix_platform_now_ms,
        .on_event = app->options.quiet ? NULL : server_story_tell,
        .event_context = &app->story};
    coap_context_t *context = server_new_context();
    int status = CLI_FAILED;
    lscoap_status why;

    if (context == NULL) {
        return CLI_FAILED;
    }
    coap_context_set_max_idle_sessions(context, IDLE_PEERS_MAX);
    app->server = lscoap_libcoap_server_attach(context, &config, &why);
    if (app->server == NULL && why == LSCOAP_LIBCOAP_ERR_DEAF) {
        server_log(SERVER_LOG_WARNING, NULL, "%s", lscoap_libcoap_status_string(why));
        config.payload_only = true;
        app->server = lscoap_libcoap_server_attach(context, &config, &why);
    }
    app->next_summary_ms = cli_now_ms() + SUMMARY_MS;
    app->next_stats_ms = cli_now_ms() + app->options.stats_seconds * 1e3;
    posix_platform_hide_memory();
    if (app->server == NULL) {
        fprintf(stderr, "lscoap: %s\n", lscoap_libcoap_status_string(why));
    } else if (add_resources(app) && server_listen(context, &app->options.cli, COAP_PROTO_UDP) &&
               (app->groups == NULL || groups_start(app->groups, &app->devices, server_port()))) {
        (void)lscoap_libcoap_filter(app->server, server_port());
        libcoap_log_start(app->server);
        status = server_run(context, &hooks);
        libcoap_log_stop();
    }
    lscoap_libcoap_server_detach(app->server);
    coap_free_context(context);
    return status;
}

/* A slot for each device, and some for those that begin anew or are enrolled later. */
static size_t slots_for(size_t devices) {
    size_t headroom =
        devices / HEADROOM_PART > HEADROOM_MIN ? devices / HEADROOM_PART : HEADROOM_MIN;

    return devices + headroom > SLOTS_MIN ? devices + headroom : SLOTS_MIN;
}

/* From the key to the end. */
static int run(struct app *app, const uint8_t secret[LSCOAP_SECRET_KEY_LEN]) {
    lscoap_slot *slots;
    int status = CLI_FAILED;

    if (!tell_server_string(secret) || !devices_read(app->options.devices_path, &app->devices)) {
        return CLI_FAILED;
    }
    if (app->options.n_slots == 0) {
        app->options.n_slots = slots_for(app->devices.count);
    }
    tell_devices(app);
    if (app->options.resume_path != NULL) {
        app->store = resume_store_open(app->options.resume_path);
        if (app->store == NULL || !resume_store_prune(app->store, is_known, &app->devices)) {
            return CLI_FAILED;
        }
    }
    if (app->options.groups_path != NULL) {
        app->groups = groups_open(app->options.groups_path);
        if (app->groups == NULL) {
            return CLI_FAILED;
        }
    }
    slots = calloc(app->options.n_slots, sizeof *slots);
    if (slots == NULL) {
        fprintf(stderr, "no memory for %zu slots\n", app->options.n_slots);
        return CLI_FAILED;
    }
    cli_startup();
    status = serve(app, secret, slots);
    coap_cleanup();
    free(slots); /* which lscoap has wiped */
    return status;
}

int main(int argc, char **argv) {
    static struct app app;
    static uint8_t secret[LSCOAP_SECRET_KEY_LEN];
    int status;

    server_begin(true);
    posix_platform_no_core();
    if (!server_options_read(&app.options, argc, argv, &status)) {
        return status;
    }
    status = keyfile_read(app.options.key_path, secret) ? run(&app, secret) : CLI_FAILED;
    posix_platform_wipe(secret, sizeof secret);
    groups_close(app.groups);
    resume_store_close(app.store);
    devices_free(&app.devices);
    return status;
}
