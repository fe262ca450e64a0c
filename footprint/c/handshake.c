#include "handshake.h"
#include "ends.h"
#include "probe.h"
#include "records.h"

uint8_t message[LSCOAP_MESSAGE_MAX];
size_t message_len;

/* The status that is due, as 0. */
static int32_t is(lscoap_status status, lscoap_status due) {
    return status == due ? 0 : -1;
}

static int32_t client_first(void) {
    return is(lscoap_client_step(&client, NULL, 0, message, sizeof message, &message_len),
              LSCOAP_SEND);
}

static int32_t client_answers(void) {
    return is(
        lscoap_client_step(&client, message, message_len, message, sizeof message, &message_len),
        LSCOAP_SEND);
}

static int32_t client_ready(void) {
    return is(
        lscoap_client_step(&client, message, message_len, message, sizeof message, &message_len),
        LSCOAP_READY);
}

static int32_t client_finish(void) {
    return lscoap_client_finish(&client, &device_session);
}

int32_t server_answers(void) {
    static const uint8_t peer[] = {192, 0, 2, 1};
    static const lscoap_sender from = {peer, sizeof peer, peer, sizeof peer};
    static lscoap_io io;
    io = (lscoap_io){message, message_len, message, sizeof message, 0, NOW, NULL, 0};
    const int32_t status = is(lscoap_server_step(&server, &from, &io, NULL), LSCOAP_SEND);
    message_len = io.out_len;
    return status;
}

void measure_signed(void) {
    profile = LSCOAP_SIGNED;
    probe("signed/client/init", ends_client_init);
    probe("signed/server/init", ends_server_init);
    probe("signed/client/M1", client_first);
    probe("signed/server/M1-M2", server_answers);
    probe("signed/client/M2-M3", client_answers);
    probe("signed/server/M3-M4", server_answers);
    probe("signed/client/M4", client_ready);
    probe("signed/client/finish", client_finish);
}

void measure_express(void) {
    profile = LSCOAP_EXPRESS;
    probe("express/client/init", ends_client_init);
    probe("express/server/init", ends_server_init);
    probe("express/client/X1", client_first);
    probe("express/server/X1-X2", server_answers);
    probe("express/client/X2", client_ready);
    probe("express/client/finish", client_finish);
}

static int32_t client_resumes(void) {
    return lscoap_client_resume(&client, &device_session);
}

void measure_resume(void) {
    probe("resume/client/begin", client_resumes);
    probe("resume/client/R1", client_first);
    probe("resume/server/R1-R2", server_answers);
    probe("resume/client/R2", client_ready);
    probe("resume/client/finish", client_finish);
}

void measure_storage(void) {
    profile = LSCOAP_EXPRESS;
    must("client", ends_client_init());
    probe("stored/server/init", ends_server_init_stored);
    probe("stored/client/X1", client_first);
    probe("stored/server/X1-X2", server_answers);
    probe("stored/client/X2", client_ready);
    probe("stored/client/finish", client_finish);
    measure_first_request();
    must("restart", ends_server_init_stored());
    probe("stored/client/begin", client_resumes);
    probe("stored/client/R1", client_first);
    probe("stored/server/R1-R2", server_answers);
    probe("stored/client/R2", client_ready);
    probe("stored/client/finish", client_finish);
    measure_first_request();
}
