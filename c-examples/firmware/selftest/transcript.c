#include "transcript.h"
#include "records.h"
#include <string.h>

static void (*give)(const char *name, const uint8_t *bytes, size_t len);

static void give_message(const struct message *message) {
    give(lscoap_message_name(message->bytes, message->len), message->bytes, message->len);
}

static void give_object(const char *name, const struct object *object) {
    give(name, object->bytes, object->len);
}

/* A request of the device's, its response, and a notification. Gives the server's end. */
static lscoap_session *exchange_from_device(enum carrier carrier) {
    struct object object;
    lscoap_exchange ours, theirs;
    lscoap_session *server;
    CHECK_STATUS(seal_request(carrier, &world.session, &object, &ours), LSCOAP_OK);
    give_object("request", &object);
    if (!CHECK_STATUS(server_open(carrier, &object, &server, &theirs), LSCOAP_OK)) {
        return NULL;
    }
    CHECK_STATUS(seal_response(carrier, server, &theirs, &object), LSCOAP_OK);
    give_object("response", &object);
    CHECK_STATUS(open_response(carrier, &world.session, &ours, &object), LSCOAP_OK);
    CHECK_STATUS(seal_notification(carrier, server, &theirs, &object), LSCOAP_OK);
    give_object("notification", &object);
    CHECK_STATUS(open_response(carrier, &world.session, &ours, &object), LSCOAP_OK);
    return server;
}

/* The same the other way round. */
static void exchange_from_server(enum carrier carrier, lscoap_session *server) {
    struct object object;
    lscoap_exchange ours, theirs;
    CHECK_STATUS(seal_request(carrier, server, &object, &theirs), LSCOAP_OK);
    give_object("server's request", &object);
    CHECK_STATUS(open_request(carrier, &world.session, &object, &ours), LSCOAP_OK);
    CHECK_STATUS(seal_response(carrier, &world.session, &ours, &object), LSCOAP_OK);
    give_object("device's response", &object);
    CHECK_STATUS(open_response(carrier, server, &theirs, &object), LSCOAP_OK);
    CHECK_STATUS(seal_notification(carrier, &world.session, &ours, &object), LSCOAP_OK);
    give_object("device's notification", &object);
    CHECK_STATUS(open_response(carrier, server, &theirs, &object), LSCOAP_OK);
}

/* What is equal at both ends. */
static void give_shared(const lscoap_session *server) {
    static const uint8_t label[] = {'d', 'e', 'm', 'o'};
    uint8_t ours[20], theirs[20];
    CHECK_STATUS(lscoap_session_export_key(&world.session, BYTES(label), NULL, 0, BYTES(ours)),
                 LSCOAP_OK);
    CHECK_STATUS(lscoap_session_export_key(server, BYTES(label), NULL, 0, BYTES(theirs)),
                 LSCOAP_OK);
    CHECK(memcmp(ours, theirs, sizeof ours) == 0);
    give("exported key", BYTES(ours));

    CHECK_STATUS(lscoap_session_fingerprint(&world.session, ours), LSCOAP_OK);
    CHECK_STATUS(lscoap_session_fingerprint(server, theirs), LSCOAP_OK);
    CHECK(memcmp(ours, theirs, LSCOAP_FINGERPRINT_LEN) == 0);
    give("fingerprint", ours, LSCOAP_FINGERPRINT_LEN);
}

void transcript(int32_t profile, void (*each)(const char *name, const uint8_t *bytes, size_t len)) {
    give = each;
    world_init(profile);
    if (!handshake(give_message)) {
        return;
    }
    lscoap_session *server = NULL;
    for (enum carrier carrier = PAYLOAD; carrier < CARRIERS; carrier++) {
        server = exchange_from_device(carrier);
        if (server == NULL) {
            return;
        }
        exchange_from_server(carrier, server);
    }
    give_shared(server);
    world_wipe();
}
