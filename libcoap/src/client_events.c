#include "client.h"

void lc_client_tell(const lscoap_libcoap_client *client, lscoap_libcoap_event *event) {
    event->peer = client->peer;
    if (client->config.on_event != NULL) {
        client->config.on_event(client->config.event_context, event);
    }
}

void lc_client_tell_message(const lscoap_libcoap_client *client, lscoap_libcoap_event_type type,
                            const uint8_t *message, size_t message_len) {
    lscoap_libcoap_event event = {.type = type, .message = message, .message_len = message_len};

    lc_client_tell(client, &event);
}
