#include "server_story.h"

#include <stdio.h>

#include "server_log.h"

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
    bool is_alert = event->message_len == 2 && event->message[0] == 0x1F;
    size_t alert = is_alert ? event->message[1] : 0;

    if (is_alert && alert < sizeof alerts / sizeof alerts[0]) {
        server_log(SERVER_LOG_NOTICE, event->peer, "%s: refused", alerts[alert]);
    } else {
        server_log(SERVER_LOG_INFO, event->peer, "%s sent (%zu bytes)",
                   lscoap_message_name(event->message, event->message_len), event->message_len);
    }
}

static void tell_confirmed(const lscoap_libcoap_event *event, const char *device) {
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];

    if (lscoap_session_fingerprint(event->session, fingerprint) == LSCOAP_OK) {
        char text[2 * LSCOAP_FINGERPRINT_LEN + 1];

        for (size_t i = 0; i < sizeof fingerprint; i++) {
            snprintf(text + 2 * i, 3, "%02x", fingerprint[i]);
        }
        server_log(SERVER_LOG_INFO, event->peer,
                   "Client authenticated! Device %s, session fingerprint %s", device, text);
    }
}

/* Of somebody who has proved nothing: a message of a handshake, what did not open, a copy. */
static bool is_strangers(const lscoap_libcoap_event *event) {
    return event->session == NULL || event->type == LSCOAP_LIBCOAP_REPEATED;
}

void server_story_summary(struct server_story *story) {
    if (story->strangers > SERVER_STORY_STRANGERS) {
        server_log(SERVER_LOG_INFO, NULL, "%lu more messages, refusals and copies",
                   story->strangers - SERVER_STORY_STRANGERS);
    }
    story->strangers = 0;
}

void server_story_tell(void *context, const lscoap_libcoap_event *event) {
    static const char *const methods[] = {"GET",   "POST",  "PUT",   "DELETE",
                                          "FETCH", "PATCH", "iPATCH"};
    struct server_story *story = context;
    char text[DEVICES_ID_TEXT];
    const char *device = device_of(event->session, text);
    int path_len = (int)event->path.length;
    const char *path = (const char *)event->path.s;
    unsigned method = (unsigned)event->method - 1;

    if (is_strangers(event) && ++story->strangers > SERVER_STORY_STRANGERS) {
        story->asked[0] = '\0';
        return;
    }
    switch (event->type) {
    case LSCOAP_LIBCOAP_MESSAGE_RECEIVED:
        server_log(SERVER_LOG_INFO, event->peer, "%s received (%zu bytes)%s%s",
                   lscoap_message_name(event->message, event->message_len), event->message_len,
                   story->asked[0] != '\0' ? " from device " : "", story->asked);
        story->asked[0] = '\0';
        break;
    case LSCOAP_LIBCOAP_MESSAGE_SENT:
        tell_sent(event);
        break;
    case LSCOAP_LIBCOAP_CONFIRMED:
        tell_confirmed(event, device);
        break;
    case LSCOAP_LIBCOAP_REQUEST:
        server_log(SERVER_LOG_INFO, event->peer, "%s /%.*s %s%s: %d.%02d",
                   method < sizeof methods / sizeof methods[0] ? methods[method] : "?", path_len,
                   path, event->session != NULL ? "from " : "in the clear",
                   event->session != NULL ? device : "", event->code >> 5, event->code & 0x1F);
        break;
    case LSCOAP_LIBCOAP_REPEATED:
        server_log(SERVER_LOG_INFO, event->peer,
                   "/%.*s: a retransmitted request got its answer again", path_len, path);
        break;
    case LSCOAP_LIBCOAP_NOTIFIED:
        server_log(SERVER_LOG_INFO, event->peer, "/%.*s: %s notified", path_len, path, device);
        break;
    case LSCOAP_LIBCOAP_REFUSED:
        server_log(SERVER_LOG_NOTICE, event->peer, "/%.*s: refused: %s", path_len, path,
                   event->status == 0 ? "not sealed" : lscoap_status_string(event->status));
        break;
    case LSCOAP_LIBCOAP_CONNECTED: /* these are a client's */
    case LSCOAP_LIBCOAP_RESUMED:
    case LSCOAP_LIBCOAP_RENEWING:
        break;
    }
}
