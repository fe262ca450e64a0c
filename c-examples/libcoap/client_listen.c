#include "client_listen.h"

#include <stdio.h>
#include <string.h>

#include "group_listener.h"

enum { LIGHT_ROOM = 64, PRINTED = 512 };

struct lamp {
    struct device_session *session;
    char light[LIGHT_ROOM];
};

/* ---- its session ---- */

static bool ask(void *context, const uint8_t *message, size_t len,
                uint8_t answer[LSCOAP_GROUP_MESSAGE_MAX], size_t *answer_len, bool *busy) {
    const struct lamp *lamp = context;
    lscoap_libcoap_request request;
    lscoap_libcoap_answer got = {NULL, COAP_EMPTY_CODE};
    const uint8_t *payload = NULL;
    size_t payload_len = 0;
    int status = device_session_begin(lamp->session);

    lscoap_libcoap_request_init(&request, COAP_REQUEST_CODE_POST, "/" LSCOAP_LIBCOAP_GROUP_PATH);
    request.content_format = LSCOAP_CONTENT_FORMAT_GROUP;
    request.payload = message;
    request.payload_len = len;
    request.at_least_once = true; /* an ASK that was asked before does no harm */
    if (status == LSCOAP_OK) {
        status = lscoap_libcoap_request_send(lamp->session->client, &request,
                                             lamp->session->timeout_ms, &got);
    }
    if (status != LSCOAP_OK) {
        fprintf(stderr, "asking for the group: %s\n", lscoap_libcoap_status_string(status));
        return false;
    }
    device_session_proved(lamp->session);
    *busy = coap_pdu_get_code(got.inner) == COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE;
    coap_get_data(got.inner, &payload_len, &payload);
    if (coap_pdu_get_code(got.inner) != COAP_RESPONSE_CODE_CHANGED || payload_len == 0 ||
        payload_len > LSCOAP_GROUP_MESSAGE_MAX) {
        if (!*busy) {
            fprintf(stderr, "asking for the group: %d.%02d\n", coap_pdu_get_code(got.inner) >> 5,
                    coap_pdu_get_code(got.inner) & 0x1F);
        }
        return false;
    }
    memcpy(answer, payload, payload_len);
    *answer_len = payload_len;
    return true;
}

/* ---- its light ---- */

static void serve(void *context, const struct group_message *request, const char *path,
                  int32_t mode, struct group_message *answer) {
    struct lamp *lamp = context;
    char where[PRINTED];
    char what[PRINTED];

    group_message_print((const uint8_t *)path, strlen(path), where, sizeof where);
    group_message_print(request->payload, request->payload_len, what, sizeof what);
    printf("%s %s %s (%s)\n", group_message_method_name(request->code), where, what,
           mode == LSCOAP_GROUP_SIGNED ? "signed" : "tagged");
    fflush(stdout);
    if (strcmp(path, "/light") != 0) {
        answer->code = COAP_RESPONSE_CODE_NOT_FOUND;
    } else if (request->code == COAP_REQUEST_CODE_GET) {
        answer->code = COAP_RESPONSE_CODE_CONTENT;
        answer->payload = (const uint8_t *)lamp->light;
        answer->payload_len = strlen(lamp->light);
    } else if (request->code != COAP_REQUEST_CODE_PUT) {
        answer->code = COAP_RESPONSE_CODE_NOT_ALLOWED;
    } else if (request->payload_len >= sizeof lamp->light ||
               memchr(request->payload, '\0', request->payload_len) != NULL) {
        answer->code = COAP_RESPONSE_CODE_BAD_REQUEST;
    } else {
        memcpy(lamp->light, request->payload, request->payload_len);
        lamp->light[request->payload_len] = '\0';
        answer->code = COAP_RESPONSE_CODE_CHANGED;
    }
}

bool client_listen_run(const struct client_listen *listen, struct device_session *session) {
    static struct lamp lamp = {.light = "off"};
    static struct group_listener listener;
    int status;

    lamp.session = session;
    listener = (struct group_listener){.ask = ask,
                                       .serve = serve,
                                       .context = &lamp,
                                       .leisure_ms = listen->leisure_ms,
                                       .max_age_s = listen->max_age_s};
    status = device_session_begin(session);
    if (status != LSCOAP_OK) {
        fprintf(stderr, "Failed: %s\n", lscoap_libcoap_status_string(status));
        return false;
    }
    return group_listener_run(&listener, coap_session_get_addr_local(session->peer),
                              session->destination, listen->seconds);
}
