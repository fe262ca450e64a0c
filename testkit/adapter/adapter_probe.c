/* Uses the adapter's client as no program should, and prints what comes of it:
 *
 *     adapter_probe nested|orphan|unsent KEY DEVICE_ID LSS1:... PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "keyfile.h"
#include "lscoap_libcoap.h"
#include "posix_platform.h"

enum {
    TIMEOUT_MS = 20000,
    SHORT_MS = 1500,
    LISTEN_MS = 200,
    MTU = 1152,
    MTU_TOO_SMALL = 16,
    PATH_TOO_LONG = 300
};

static struct {
    lscoap_libcoap_client *client;
    coap_session_t *peer;
    int observation;
    unsigned notifications;
} probe;

static const lscoap_libcoap_request get = {.method = COAP_REQUEST_CODE_GET,
                                           .path = "/index?readings=1",
                                           .content_format = -1,
                                           .accept = -1};
static const lscoap_libcoap_request post = {.method = COAP_REQUEST_CODE_POST,
                                            .path = "/index",
                                            .content_format = -1,
                                            .accept = -1,
                                            .payload = (const uint8_t *)"61",
                                            .payload_len = 2};

static void say(const char *what, int status, const lscoap_libcoap_answer *answer) {
    unsigned code = answer != NULL && answer->inner != NULL ? coap_pdu_get_code(answer->inner) : 0;

    printf("%s: %d %u.%02u\n", what, status, code >> 5, code & 0x1FU);
    fflush(stdout);
}

/* Every call, from inside another one. */
static void call_everything(void) {
    static const uint8_t no_blob[1] = {0};
    lscoap_libcoap_answer answer;
    int observation;

    say("nested request", lscoap_libcoap_request_send(probe.client, &get, TIMEOUT_MS, &answer),
        &answer);
    say("nested observe",
        lscoap_libcoap_observe(probe.client, &get, NULL, NULL, TIMEOUT_MS, &answer, &observation),
        &answer);
    say("nested cancel",
        lscoap_libcoap_observe_cancel(probe.client, probe.observation, &get, TIMEOUT_MS, &answer),
        &answer);
    say("nested connect", lscoap_libcoap_connect(probe.client, probe.peer, TIMEOUT_MS), NULL);
    say("nested resume", lscoap_libcoap_resume(probe.client, probe.peer, TIMEOUT_MS), NULL);
    say("nested renew", lscoap_libcoap_renew(probe.client, probe.peer, TIMEOUT_MS), NULL);
    say("nested restore", lscoap_libcoap_restore(probe.client, probe.peer, no_blob, sizeof no_blob),
        NULL);
}

static void on_notification(void *context, const coap_pdu_t *inner, bool last) {
    const char *mode = context;

    (void)inner;
    (void)last;
    if (probe.notifications++ == 0 && strcmp(mode, "nested") == 0) {
        call_everything();
    }
}

static void request(const char *what, const lscoap_libcoap_request *which) {
    lscoap_libcoap_answer answer;
    int status = lscoap_libcoap_request_send(probe.client, which, TIMEOUT_MS, &answer);

    say(what, status, &answer);
}

static void observe(char *mode, uint32_t timeout_ms) {
    lscoap_libcoap_answer answer;
    int status = lscoap_libcoap_observe(probe.client, &get, on_notification, mode, timeout_ms,
                                        &answer, &probe.observation);

    say("observe", status, &answer);
}

static void run(coap_context_t *context, char *mode) {
    if (strcmp(mode, "unsent") == 0) {
        coap_session_set_mtu(probe.peer, MTU_TOO_SMALL);
        say("connect", lscoap_libcoap_connect(probe.client, probe.peer, TIMEOUT_MS), NULL);
        coap_session_set_mtu(probe.peer, MTU);
    }
    say("connect", lscoap_libcoap_connect(probe.client, probe.peer, TIMEOUT_MS), NULL);
    if (strcmp(mode, "nested") == 0) {
        observe(mode, TIMEOUT_MS);
        request("post", &post); /* the notification comes before the answer */
        request("get", &get);
    } else if (strcmp(mode, "orphan") == 0) {
        observe(mode, SHORT_MS);
        while (getchar() != EOF) { /* a line for each time */
            for (int i = 0; i < 10; i++) {
                (void)coap_io_process(context, LISTEN_MS);
            }
            printf("notifications: %u\n", probe.notifications);
            fflush(stdout);
        }
    } else {
        lscoap_libcoap_request too_long = get;
        char path[PATH_TOO_LONG + 1];

        memset(path, 'x', PATH_TOO_LONG);
        path[PATH_TOO_LONG] = '\0';
        too_long.path = path;
        request("get", &too_long);
        request("get", &get);
    }
}

int main(int argc, char **argv) {
    static uint8_t secret[LSCOAP_SECRET_KEY_LEN];
    uint8_t server_key[LSCOAP_PUBLIC_KEY_LEN];
    lscoap_libcoap_client_config config = {.platform = posix_platform()};
    coap_context_t *context;
    coap_address_t address;
    size_t error_at;
    int status;

    if (argc != 6 || !keyfile_read(argv[2], secret) ||
        lscoap_parse_server(argv[4], strlen(argv[4]), server_key, &error_at) != LSCOAP_OK ||
        cli_resolve("127.0.0.1", argv[5], &address, 1) == 0) {
        return CLI_USAGE;
    }
    cli_startup();
    config.client = (lscoap_client_config){.device_id = (const uint8_t *)argv[3],
                                           .device_id_len = strlen(argv[3]),
                                           .identity = secret,
                                           .server_key = server_key,
                                           .profile = LSCOAP_SIGNED};
    context = coap_new_context(NULL);
    probe.client = lscoap_libcoap_client_new(&config, &status);
    probe.peer =
        context == NULL ? NULL : coap_new_client_session(context, NULL, &address, COAP_PROTO_UDP);
    if (probe.client == NULL || probe.peer == NULL) {
        return CLI_FAILED;
    }
    run(context, argv[1]);
    lscoap_libcoap_client_free(probe.client);
    coap_session_release(probe.peer);
    coap_free_context(context);
    coap_cleanup();
    return CLI_OK;
}
