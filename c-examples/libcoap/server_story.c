#include "server_story.h"

#include <stdio.h>

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

/* Of somebody who has proved nothing: a message of a handshake, what did not open, a copy. */
static bool is_strangers(const lscoap_libcoap_event *event) {
    return event->session == NULL || event->type == LSCOAP_LIBCOAP_REPEATED;
}

void server_story_summary(struct server_story *story) {
    if (story->strangers > SERVER_STORY_STRANGERS) {
        printf("%lu more messages, refusals and copies\n",
               story->strangers - SERVER_STORY_STRANGERS);
        fflush(stdout);
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
        printf("%s received (%zu bytes)%s%s\n",
               lscoap_message_name(event->message, event->message_len), event->message_len,
               story->asked[0] != '\0' ? " from device " : "", story->asked);
        story->asked[0] = '\0';
        break;
    case LSCOAP_LIBCOAP_MESSAGE_SENT:
        tell_sent(event);
        break;
    case LSCOAP_LIBCOAP_CONFIRMED:
        tell_confirmed(event->session, device);
        break;
    case LSCOAP_LIBCOAP_REQUEST:
        printf("%s /%.*s %s%s: %d.%02d\n",
               method < sizeof methods / sizeof methods[0] ? methods[method] : "?", path_len, path,
               event->session != NULL ? "from " : "in the clear",
               event->session != NULL ? device : "", event->code >> 5, event->code & 0x1F);
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
