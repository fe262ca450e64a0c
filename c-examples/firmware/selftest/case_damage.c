/*
 * Every message and object cut short anywhere, made longer, and with any one bit turned: it is
 * refused, whoever awaits it is as before, and then takes the genuine one.
 *
 * M1 and M2 carry no tag. With a bit turned in the key or the connection id they may pass for
 * messages of another handshake, but that one does not come to an end.
 */
#include "cases.h"
#include "records.h"
#include <string.h>

/* What is damaged. */
static struct message genuine;
/* Gives it to who awaits it: whether they refuse, and else the answer. */
static bool (*is_refused)(const struct message *damaged, struct message *answer);
/* What happens to that answer; null where there must be none. */
static void (*leads_nowhere)(const struct message *answer);
/* From which byte on each turned bit costs curve arithmetic: there only every SELFTEST_STRIDE-th is
 * tried. */
static size_t sampled_from;

static void try_damaged(const struct message *damaged) {
    struct message answer;
    if (is_refused(damaged, &answer)) {
        CHECK(world_is_as_saved());
    } else if (CHECK(leads_nowhere != NULL)) {
        leads_nowhere(&answer);
    }
    world_restore();
}

static void case_damage(int32_t profile) {
    struct message damaged;
    uint32_t bits = 0;
    (void)profile;
    if (!CHECK(genuine.len != 0 && genuine.len < sizeof genuine.bytes)) {
        return;
    }
    world_save();
    for (size_t len = 0; len < genuine.len; len++) {
        damaged = genuine;
        damaged.len = len;
        try_damaged(&damaged);
    }
    damaged = genuine;
    damaged.bytes[damaged.len++] = 0;
    try_damaged(&damaged);
    for (size_t bit = 0; bit < 8 * genuine.len;
         bit += bit / 8 < sampled_from ? 1 : SELFTEST_STRIDE) {
        damaged = genuine;
        damaged.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        try_damaged(&damaged);
        bits++;
    }
    check_report((uint32_t)genuine.len, "lengths");
    check_report(bits, "bits");
}

static bool client_refuses(const struct message *damaged, struct message *answer) {
    return client_step(damaged, answer) < 0;
}

static bool server_refuses(const struct message *damaged, struct message *answer) {
    const lscoap_status status = server_step(damaged, answer);
    return status == LSCOAP_REFUSED || status == LSCOAP_ERR_UNEXPECTED;
}

static void server_refuses_m3(const struct message *m3) {
    struct message answer;
    CHECK_STATUS(server_step(m3, &answer), LSCOAP_REFUSED);
}

static void server_refuses_m3_to(const struct message *m2) {
    struct message m3;
    if (CHECK_STATUS(client_step(m2, &m3), LSCOAP_SEND)) {
        server_refuses_m3(&m3);
    }
}

/* The server derives the keys for the first M3, be it damaged, and keeps them. */
static void derive_keys(const struct message *m3) {
    struct message damaged = *m3;
    damaged.bytes[damaged.len - 1] ^= 1;
    server_refuses_m3(&damaged);
}

static void damage_signed(void) {
    struct message m2, m3;
    CHECK_STATUS(client_step(NULL, &genuine), LSCOAP_SEND);
    is_refused = server_refuses;
    leads_nowhere = server_refuses_m3_to;
    sampled_from = 2 + sizeof DEVICE_ID - 1;
    check_case("M1 damaged", case_damage, LSCOAP_SIGNED);

    CHECK_STATUS(server_step(&genuine, &m2), LSCOAP_SEND);
    genuine = m2;
    is_refused = client_refuses;
    leads_nowhere = server_refuses_m3;
    sampled_from = 2 + 1;
    check_case("M2 damaged", case_damage, LSCOAP_SIGNED);

    CHECK_STATUS(client_step(&m2, &m3), LSCOAP_SEND);
    derive_keys(&m3);
    genuine = m3;
    is_refused = server_refuses;
    leads_nowhere = NULL;
    sampled_from = m3.len;
    check_case("M3 damaged", case_damage, LSCOAP_SIGNED);

    CHECK_STATUS(server_step(&m3, &genuine), LSCOAP_SEND);
    is_refused = client_refuses;
    sampled_from = genuine.len;
    check_case("M4 damaged", case_damage, LSCOAP_SIGNED);
}

static void damage_express(void) {
    struct message x2;
    CHECK_STATUS(client_step(NULL, &genuine), LSCOAP_SEND);
    is_refused = server_refuses;
    leads_nowhere = NULL;
    sampled_from = 1;
    check_case("X1 damaged", case_damage, LSCOAP_EXPRESS);

    CHECK_STATUS(server_step(&genuine, &x2), LSCOAP_SEND);
    genuine = x2;
    is_refused = client_refuses;
    check_case("X2 damaged", case_damage, LSCOAP_EXPRESS);
}

static struct object object_of(const struct message *message) {
    struct object object;
    memcpy(object.bytes, message->bytes, sizeof object.bytes);
    object.len = message->len;
    return object;
}

static bool server_refuses_request(const struct message *damaged, struct message *answer) {
    const struct object object = object_of(damaged);
    lscoap_session *session;
    lscoap_exchange exchange;
    (void)answer;
    return server_open(PAYLOAD, &object, &session, &exchange) < 0;
}

static bool device_refuses_response(const struct message *damaged, struct message *answer) {
    const struct object object = object_of(damaged);
    (void)answer;
    return open_response(PAYLOAD, &world.session, &world.exchange, &object) < 0;
}

static void damage_object(const char *name, const struct object *object,
                          bool (*refuses)(const struct message *damaged, struct message *answer),
                          int32_t profile) {
    memcpy(genuine.bytes, object->bytes, sizeof object->bytes);
    genuine.len = object->len;
    is_refused = refuses;
    leads_nowhere = NULL;
    sampled_from = object->len;
    check_case(name, case_damage, profile);
}

static void damage_objects(const char *const names[4], int32_t profile) {
    struct object object;
    lscoap_session *server;
    lscoap_exchange exchange;
    for (int i = 0; i < 2; i++) { /* the first request may be what confirms the session */
        CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &world.exchange), LSCOAP_OK);
        damage_object(names[i], &object, server_refuses_request, profile);
        if (!CHECK_STATUS(server_open(PAYLOAD, &object, &server, &exchange), LSCOAP_OK)) {
            return;
        }
    }
    CHECK_STATUS(seal_response(PAYLOAD, server, &exchange, &object), LSCOAP_OK);
    damage_object(names[2], &object, device_refuses_response, profile);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &world.exchange, &object), LSCOAP_OK);
    CHECK_STATUS(seal_notification(PAYLOAD, server, &exchange, &object), LSCOAP_OK);
    damage_object(names[3], &object, device_refuses_response, profile);
    CHECK_STATUS(open_response(PAYLOAD, &world.session, &world.exchange, &object), LSCOAP_OK);
}

void run_damage_cases(int32_t profile) {
    static const char *const payload[4] = {"first request damaged", "request damaged",
                                           "response damaged", "notification damaged"};
    struct message last;
    world_init(profile);
    if (profile == LSCOAP_SIGNED) {
        damage_signed();
    } else {
        damage_express();
    }
    CHECK_STATUS(client_step(&genuine, &last), LSCOAP_READY);
    CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_OK);
    damage_objects(payload, profile);
    world_wipe();
}
