/* A device: authenticates itself and the server, then makes sealed requests. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "client_listen.h"
#include "device_session.h"
#include "group_listener.h"
#include "keyfile.h"
#include "lscoap_libcoap.h"
#include "posix_platform.h"

enum {
    PROFILE = CLI_FIRST_FREE,
    CARRIER,
    RESUME,
    AT_LEAST_ONCE,
    LISTEN,
    LEISURE,
    MAX_AGE,

    SECONDS_MAX = 10 * 365 * 86400,
    MILLISECONDS_MAX = 60000
};

static const struct cli_program program = {
    "secure_client",
    "-k device.key -i DEVICE_ID -s LSS2:... [--profile signed|express]\n"
    "       [--carrier payload|oscore] [--resume FILE]\n       [--at-least-once] " CLI_CLIENT_USAGE
    "\n       secure_client ... --listen SECONDS [--leisure MS] [--max-age SECONDS]",
    "  -k, --key FILE          the device's key, of 'lscoap keygen'\n"
    "  -i, --id DEVICE_ID      its id, as the server's list has it\n"
    "  -s, --server STRING     the server's enrolment string, LSS2:... or LSS1:...\n"
    "      --profile PROFILE   of a full handshake: signed, if nothing is said, or express\n"
    "      --carrier CARRIER   what is sealed travels in a payload, if nothing is said, or with "
    "an\n"
    "                          oscore option\n"
    "      --resume FILE       keeps the session in FILE, and goes on with the one that is "
    "there\n"
    "      --at-least-once     a POST or PATCH may be executed twice, rather than not at "
    "all\n"
    "      --listen SECONDS    joins the server's group that this device is in, and is a lamp in "
    "it\n"
    "      --leisure MS        answers to the group come within this: 600 if nothing is said\n"
    "      --max-age SECONDS   takes nothing older, in a timed group\n" CLI_CLIENT_HELP};

struct app {
    struct cli_client cli;
    const char *key_path;
    const char *device_id;
    const char *server_string;
    const char *resume_path; /* or NULL: sessions end with the program */
    bool at_least_once;
    struct client_listen listen; /* of 0 seconds: a request instead */
    int32_t profile;
    int32_t carrier;
    uint8_t secret[LSCOAP_SECRET_KEY_LEN];
    uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    coap_context_t *context;
    lscoap_libcoap_client *client;
    struct session_file file;
    struct device_session session;
    bool failed; /* of an observation */
};

/* ---- the story ---- */

static void on_event(void *context, const lscoap_libcoap_event *event) {
    const char *name = lscoap_message_name(event->message, event->message_len);
    struct app *app = context;

    device_session_on_event(&app->session, event);
    if (event->type == LSCOAP_LIBCOAP_MESSAGE_SENT) {
        printf("%s sent (%zu bytes)\n", name, event->message_len);
    } else if (event->type == LSCOAP_LIBCOAP_MESSAGE_RECEIVED) {
        printf("%s received (%zu bytes)\n", name, event->message_len);
    }
}

static void tell_failure(int status, coap_pdu_code_t outer_code) {
    fflush(stdout);
    switch (status) {
    case LSCOAP_ALERT_UNKNOWN_DEVICE:
        fprintf(stderr, "Refused: the server does not know this device\n");
        break;
    case LSCOAP_ALERT_AUTHENTICATION:
        fprintf(stderr, "Refused: the server could not verify this device "
                        "(wrong device key, or not the server of this server string)\n");
        break;
    case LSCOAP_ERR_AUTHENTICATION:
        fprintf(stderr, "The server's answer does not verify: refused (not the server of this "
                        "server string, or it has another key for this device)\n");
        break;
    case LSCOAP_LIBCOAP_ERR_UNCERTAIN:
        fprintf(stderr, "Refused by somebody: the request may have been executed, or not (with "
                        "--at-least-once it would have been sent again)\n");
        break;
    case LSCOAP_LIBCOAP_ERR_REFUSED:
        fprintf(stderr, "Refused, in the clear, with %d.%02d\n", outer_code >> 5,
                outer_code & 0x1F);
        break;
    default:
        fprintf(stderr, "Failed: %s\n", lscoap_libcoap_status_string(status));
    }
}

static void print_answer(const coap_pdu_t *inner) {
    const uint8_t *payload = NULL;
    size_t len = 0;

    coap_get_data(inner, &len, &payload);
    cli_print_response(coap_pdu_get_code(inner), payload, len);
}

static bool good(const coap_pdu_t *inner) {
    return COAP_RESPONSE_CLASS(coap_pdu_get_code(inner)) == 2;
}

/* ---- requests ---- */

static void on_notification(void *context, const coap_pdu_t *inner, bool last) {
    struct app *app = context;

    print_answer(inner);
    app->failed = last || !good(inner);
}

/* Listens for as long as the command line says, then takes leave. */
static bool listen_for_notifications(struct app *app, int observation,
                                     const lscoap_libcoap_request *request) {
    double end = cli_now_ms() + app->cli.observe_seconds * 1e3;
    lscoap_libcoap_answer answer;
    double left;
    int status;

    while (!app->failed && (left = end - cli_now_ms()) >= 1) {
        if (coap_io_process(app->context, (uint32_t)left) < 0) {
            app->failed = true;
        }
    }
    if (app->failed) {
        fprintf(stderr, "the observation ended early\n");
        return false;
    }
    status = lscoap_libcoap_observe_cancel(app->client, observation, request,
                                           app->cli.timeout_seconds * 1000, &answer);
    if (status != LSCOAP_OK) {
        tell_failure(status, answer.outer_code);
        return false;
    }
    return true;
}

/* The request and its answer, at one address of the server's. */
static int exchange_there(struct app *app, const lscoap_libcoap_request *request,
                          lscoap_libcoap_answer *answer, int *observation) {
    uint32_t timeout_ms = app->session.timeout_ms;
    int status = device_session_begin(&app->session);

    *observation = -1;
    *answer = (lscoap_libcoap_answer){NULL, COAP_EMPTY_CODE};
    if (status != LSCOAP_OK) {
        return status;
    }
    if (app->cli.observe_seconds > 0) {
        status = lscoap_libcoap_observe(app->client, request, on_notification, app, timeout_ms,
                                        answer, observation);
    } else {
        status = lscoap_libcoap_request_send(app->client, request, timeout_ms, answer);
    }
    if (status == LSCOAP_OK) {
        device_session_proved(&app->session);
    }
    return status;
}

/* The same, at the next address of its name where one cannot be reached. */
static int exchange(struct app *app, const lscoap_libcoap_request *request,
                    lscoap_libcoap_answer *answer, int *observation) {
    int status = exchange_there(app, request, answer, observation);

    while (status == LSCOAP_LIBCOAP_ERR_UNREACHABLE && cli_next_destination(&app->cli)) {
        device_session_close(&app->session);
        status = exchange_there(app, request, answer, observation);
    }
    return status;
}

/* One exchange, in a session of its own when there is none. True when it ended in a 2.xx. */
static bool run_one(struct app *app) {
    lscoap_libcoap_request request;
    lscoap_libcoap_answer answer;
    int observation;
    double began = cli_now_ms();
    double answered;
    int status;

    lscoap_libcoap_request_init(&request, app->cli.method, app->cli.path);
    if (app->cli.payload != NULL) {
        request.content_format = COAP_MEDIATYPE_APPLICATION_JSON;
        request.payload = (const uint8_t *)app->cli.payload;
        request.payload_len = strlen(app->cli.payload);
    }
    request.at_least_once = app->at_least_once;
    status = exchange(app, &request, &answer, &observation);
    answered = cli_now_ms();

    if (status != LSCOAP_OK) {
        tell_failure(status, answer.outer_code);
        return false;
    }
    print_answer(answer.inner);
    cli_print_elapsed(answered - began);
    if (!good(answer.inner)) {
        return false;
    }
    if (app->cli.observe_seconds == 0) {
        return true;
    }
    if (observation < 0) {
        fprintf(stderr, "the server lets nobody observe that\n");
        return false;
    }
    return listen_for_notifications(app, observation, &request);
}

static int run(struct app *app) {
    const lscoap_libcoap_client_config config = {
        .platform = posix_platform(),
        .client = {.device_id = (const uint8_t *)app->device_id,
                   .device_id_len = strlen(app->device_id),
                   .identity = app->secret,
                   .server_key = app->server_key,
                   .profile = app->profile},
        .carrier = app->carrier,
        .write_session = app->resume_path != NULL ? session_file_write : NULL,
        .write_context = &app->file,
        .on_event = on_event,
        .event_context = app};
    bool all_good = true;
    int status;

    app->context = coap_new_context(NULL);
    if (app->context == NULL) {
        fprintf(stderr, "libcoap gives no context\n");
        return CLI_FAILED;
    }
    app->client = lscoap_libcoap_client_new(&config, &status);
    posix_platform_hide_memory();
    if (app->client == NULL) {
        tell_failure(status, COAP_EMPTY_CODE);
        coap_free_context(app->context);
        return CLI_FAILED;
    }
    app->session = (struct device_session){.context = app->context,
                                           .destination = &app->cli.destination,
                                           .client = app->client,
                                           .file = app->resume_path != NULL ? &app->file : NULL,
                                           .timeout_ms = app->cli.timeout_seconds * 1000};
    if (app->cli.no_request) {
        all_good = client_listen_run(&app->listen, &app->session);
    }
    for (unsigned i = 0; !app->cli.no_request && i < app->cli.count && cli_may_begin(&app->cli);
         i++) {
        bool one_good = run_one(app);

        all_good = all_good && one_good;
        if (app->cli.cold || !one_good) {
            device_session_close(&app->session);
        }
    }
    device_session_close(&app->session);
    lscoap_libcoap_client_free(app->client);
    coap_free_context(app->context);
    return all_good ? CLI_OK : CLI_FAILED;
}

/* ---- command line ---- */

static bool own_option(int option, struct app *app) {
    unsigned long number;

    switch (option) {
    case 'k':
        app->key_path = optarg;
        return true;
    case 'i':
        app->device_id = optarg;
        return true;
    case 's':
        app->server_string = optarg;
        return true;
    case RESUME:
        app->resume_path = optarg;
        return true;
    case AT_LEAST_ONCE:
        app->at_least_once = true;
        return true;
    case LISTEN:
        if (!cli_number("--listen", SECONDS_MAX, &number)) {
            return false;
        }
        app->listen.seconds = (uint32_t)number;
        app->cli.no_request = true;
        return true;
    case LEISURE:
        if (!cli_number("--leisure", MILLISECONDS_MAX, &number)) {
            return false;
        }
        app->listen.leisure_ms = (uint32_t)number;
        return true;
    case MAX_AGE:
        if (!cli_number("--max-age", SECONDS_MAX, &number)) {
            return false;
        }
        app->listen.max_age_s = (uint32_t)number;
        return true;
    case PROFILE:
        app->profile = strcmp(optarg, "signed") == 0    ? LSCOAP_SIGNED
                       : strcmp(optarg, "express") == 0 ? LSCOAP_EXPRESS
                                                        : 0;
        return app->profile != 0 || cli_bad_value("--profile", "signed or express");
    case CARRIER:
        app->carrier = strcmp(optarg, "payload") == 0  ? LSCOAP_CARRIER_PAYLOAD
                       : strcmp(optarg, "oscore") == 0 ? LSCOAP_CARRIER_OSCORE
                                                       : 0;
        return app->carrier != 0 || cli_bad_value("--carrier", "payload or oscore");
    default:
        return false;
    }
}

/* What can be wrong with the values of -i and -s. */
static bool check_identities(struct app *app) {
    size_t id_len = strlen(app->device_id);
    size_t error_at = 0;

    if (id_len < 1 || id_len > LSCOAP_DEVICE_ID_MAX) {
        fprintf(stderr, "--id: a device id has 1 to %d bytes\n", LSCOAP_DEVICE_ID_MAX);
        return false;
    }
    if (lscoap_parse_server(app->server_string, strlen(app->server_string), app->server_key,
                            &error_at) != LSCOAP_OK) {
        fprintf(stderr,
                "--server: not a server's enrolment string (LSS2:... or LSS1:...): fault at column "
                "%zu\n",
                error_at + 1);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    static const struct option options[] = {CLI_CLIENT_LONG,
                                            {"key", required_argument, NULL, 'k'},
                                            {"id", required_argument, NULL, 'i'},
                                            {"server", required_argument, NULL, 's'},
                                            {"profile", required_argument, NULL, PROFILE},
                                            {"carrier", required_argument, NULL, CARRIER},
                                            {"resume", required_argument, NULL, RESUME},
                                            {"at-least-once", no_argument, NULL, AT_LEAST_ONCE},
                                            {"listen", required_argument, NULL, LISTEN},
                                            {"leisure", required_argument, NULL, LEISURE},
                                            {"max-age", required_argument, NULL, MAX_AGE},
                                            {0}};
    static struct app app;
    int status;
    int c;

    cli_begin();
    posix_platform_no_core();
    cli_startup();
    cli_client_init(&app.cli, "coap://127.0.0.1:5683");
    app.profile = LSCOAP_SIGNED;
    app.listen.leisure_ms = GROUP_LISTENER_LEISURE_MS;
    while ((c = getopt_long(argc, argv, CLI_CLIENT_SHORT "k:i:s:", options, NULL)) != -1) {
        if (!cli_client_option(c, &app.cli) && !own_option(c, &app)) {
            return cli_other_option(c, &program);
        }
    }
    if (app.key_path == NULL || app.device_id == NULL || app.server_string == NULL) {
        fprintf(stderr, "%s is missing\n",
                app.key_path == NULL    ? "--key"
                : app.device_id == NULL ? "--id"
                                        : "--server");
        return cli_other_option('?', &program);
    }
    if (!cli_client_finish(&app.cli, argc, argv) || !check_identities(&app)) {
        return CLI_USAGE;
    }
    if (app.cli.scheme != COAP_URI_SCHEME_COAP) {
        fprintf(stderr, "the scheme is coap\n");
        return CLI_USAGE;
    }
    if (app.cli.cold && app.resume_path != NULL) {
        fprintf(stderr, "--cold and --resume contradict each other\n");
        return CLI_USAGE;
    }
    status = CLI_FAILED;
    if (keyfile_read(app.key_path, app.secret) &&
        (app.resume_path == NULL ||
         session_file_open(&app.file, app.resume_path, app.server_key))) {
        status = run(&app);
        if (app.resume_path != NULL) {
            session_file_close(&app.file);
        }
    }
    posix_platform_wipe(app.secret, sizeof app.secret);
    coap_cleanup();
    return status;
}
