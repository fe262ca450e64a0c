#include "server.h"

uint64_t lc_now(lscoap_libcoap_server *server) {
    uint64_t reading = server->config.now_ms(server->config.platform.context);
    uint64_t elapsed = reading - server->reading_ms;

    server->reading_ms = reading;
    server->now_ms += elapsed <= INT64_MAX ? elapsed : 0;
    return server->now_ms;
}

void lc_tell(const lscoap_libcoap_server *server, const lscoap_libcoap_event *event) {
    if (server->config.on_event != NULL) {
        server->config.on_event(server->config.event_context, event);
    }
}
