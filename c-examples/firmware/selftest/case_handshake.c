/* Handshakes that meet with loss, disorder, strangers and want. */
#include "cases.h"
#include "records.h"
#include <string.h>

/* Every message is lost twice on the way there, and twice on the way back. */
void case_retransmission(int32_t profile) {
    struct message query, answer, again;
    world_init(profile);
    lscoap_status status = client_step(NULL, &query);
    while (status == LSCOAP_SEND) {
        for (int i = 0; i < 2; i++) {
            CHECK_STATUS(client_step(NULL, &again), LSCOAP_SEND);
            CHECK(equal(&again, &query));
        }
        CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND);
        for (int i = 0; i < 2; i++) {
            CHECK_STATUS(server_step(&query, &again), LSCOAP_SEND);
            CHECK(equal(&again, &answer));
        }
        status = client_step(&answer, &query);
        CHECK_STATUS(client_step(&answer, &again), LSCOAP_ERR_UNEXPECTED);
    }
    CHECK_STATUS(status, LSCOAP_READY);
    CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_OK);
    CHECK(confirm() != NULL);
}

/* A handshake that has only begun has no session: m2 is what the server has said. */
static void check_no_session(const struct message *m2) {
    const struct object object = {.bytes = {0x09, 0, m2->bytes[2]}, .len = sizeof object.bytes};
    lscoap_session *session;
    lscoap_exchange exchange;
    CHECK_STATUS(server_open(PAYLOAD, &object, &session, &exchange), LSCOAP_ERR_UNKNOWN_SESSION);
}

/* No message, right as it may be in itself, is taken where another is awaited. */
void case_order(int32_t profile) {
    struct message query, answer, out;
    lscoap_exchange exchange;
    struct object object;
    world_init(profile);
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &exchange),
                 LSCOAP_ERR_UNINITIALISED);
    lscoap_status status = client_step(NULL, &query);
    while (status == LSCOAP_SEND) {
        CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_ERR_STATE);
        CHECK_STATUS(client_step(&query, &out), LSCOAP_ERR_UNEXPECTED);
        CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND);
        const struct message own = answer;
        check_refused(&own, 3, LSCOAP_ALERT_MALFORMED);
        if (answer.bytes[0] == 0x12) {
            check_no_session(&answer);
        }
        status = client_step(&answer, &query);
    }
    CHECK_STATUS(status, LSCOAP_READY);
    CHECK_STATUS(client_step(NULL, &out), LSCOAP_ERR_STATE);
    CHECK_STATUS(client_step(&answer, &out), LSCOAP_ERR_UNEXPECTED);
    CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_OK);
    CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_ERR_STATE);
    CHECK_STATUS(client_step(&answer, &out), LSCOAP_ERR_UNEXPECTED);
    CHECK(confirm() != NULL);
}

/* It is told so, and takes neither room nor random bytes. */
void case_unknown_device(int32_t profile) {
    struct message query;
    world_init(profile);
    const uint64_t random = world.server_random;
    for (int i = 0; i <= SLOTS; i++) {
        world_device("intruder", profile, identity.server_key);
        CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
        check_refused(&query, 1, LSCOAP_ALERT_UNKNOWN_DEVICE);
    }
    CHECK(world.server_random == random);
    world_device(DEVICE_ID, profile, identity.server_key);
    CHECK(handshake(NULL) && confirm() != NULL);
}

/* The device trusts another key than the server has: they do not come together. */
void case_impostor(int32_t profile) {
    struct message query, answer;
    world_init(profile);
    world_device(DEVICE_ID, profile, identity.device_key);
    CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
    if (profile == LSCOAP_SIGNED) {
        CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND);
        CHECK_STATUS(client_step(&answer, &query), LSCOAP_SEND);
    }
    check_refused(&query, 2, LSCOAP_ALERT_AUTHENTICATION);
    CHECK_STATUS(lscoap_client_finish(&world.client, &world.session), LSCOAP_ERR_STATE);
}

/* Confirmed sessions do not give way; forgetting a device makes room. */
void case_busy(int32_t profile) {
    static const char *const ids[SLOTS] = {"sensor-1", "sensor-2"};
    struct message query;
    world_init(profile);
    for (size_t i = 0; i < SLOTS; i++) {
        world_device(ids[i], profile, identity.server_key);
        CHECK(handshake(NULL) && confirm() != NULL);
    }
    world_device(DEVICE_ID, profile, identity.server_key);
    CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
    check_refused(&query, 4, LSCOAP_ALERT_BUSY);
    CHECK_STATUS(lscoap_server_forget(&world.server, (const uint8_t *)ids[0], strlen(ids[0])),
                 LSCOAP_OK);
    CHECK_STATUS(lscoap_client_restart(&world.client), LSCOAP_OK);
    CHECK(handshake(NULL) && confirm() != NULL);
}

void case_random_failure(int32_t profile) {
    struct message query, answer, out;
    world_init(profile);
    world.random_fails = true;
    CHECK_STATUS(client_step(NULL, &query), LSCOAP_ERR_RANDOM);
    world.random_fails = false;
    CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
    world.random_fails = true;
    CHECK_STATUS(server_step(&query, &answer), LSCOAP_ERR_RANDOM);
    world.random_fails = false;
    CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND);
    const lscoap_status status = client_step(&answer, &out);
    CHECK(status == (profile == LSCOAP_SIGNED ? LSCOAP_SEND : LSCOAP_READY));
}

void case_message_capacity(int32_t profile) {
    struct message query, answer, out;
    world_init(profile);
    world_save();
    CHECK_STATUS(
        lscoap_client_step(&world.client, NULL, 0, out.bytes, LSCOAP_MESSAGE_MAX - 1, &out.len),
        LSCOAP_ERR_CAPACITY);
    CHECK(world_is_as_saved());
    CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
    world_save();
    const lscoap_sender from = {0};
    lscoap_io io = {.input = query.bytes,
                    .input_len = query.len,
                    .out = out.bytes,
                    .out_cap = LSCOAP_MESSAGE_MAX - 1,
                    .now_ms = world.now_ms};
    CHECK_STATUS(lscoap_server_step(&world.server, &from, &io, NULL), LSCOAP_ERR_CAPACITY);
    CHECK(world_is_as_saved());
    CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND);
    world_save();
    CHECK_STATUS(lscoap_client_step(&world.client, answer.bytes, answer.len, out.bytes,
                                    LSCOAP_MESSAGE_MAX - 1, &out.len),
                 LSCOAP_ERR_CAPACITY);
    CHECK(world_is_as_saved());
}

/* What the server holds for a device it holds for a while: 30 s for M3, 60 s for the first request.
 */
void case_expiry(int32_t profile) {
    struct message query, answer;
    struct object object;
    lscoap_exchange ours, theirs;
    lscoap_session *server;
    world_init(profile);
    if (profile == LSCOAP_SIGNED) {
        CHECK_STATUS(client_step(NULL, &query), LSCOAP_SEND);
        CHECK_STATUS(server_step(&query, &answer), LSCOAP_SEND);
        CHECK_STATUS(client_step(&answer, &query), LSCOAP_SEND);
        world.now_ms += 30000;
        check_refused(&query, 5, LSCOAP_ALERT_UNKNOWN_SESSION);
        CHECK_STATUS(lscoap_client_restart(&world.client), LSCOAP_OK);
    }
    CHECK(handshake(NULL));
    CHECK_STATUS(seal_request(PAYLOAD, &world.session, &object, &ours), LSCOAP_OK);
    world.now_ms += 60000;
    CHECK_STATUS(server_open(PAYLOAD, &object, &server, &theirs), LSCOAP_ERR_UNKNOWN_SESSION);
}
