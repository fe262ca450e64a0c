/* A handshake of lakers between two ends, measured as lscoap's is. */
#include "probe.h"
#include <stddef.h>
#include <string.h>

/* ../lakers/src/lib.rs */
size_t lakers_initiator_size(void);
int32_t lakers_initiator_init(void *end);
int32_t lakers_initiator_message_1(void *end, void *message);
int32_t lakers_initiator_message_3(void *end, void *message);
int32_t lakers_initiator_finish(void *end, void *message);
size_t lakers_responder_size(void);
int32_t lakers_responder_init(void *end);
int32_t lakers_responder_message_2(void *end, void *message);
int32_t lakers_responder_message_4(void *end, void *message);
int32_t lakers_responder_finish(void *end, void *message);
size_t lakers_message_size(void);
size_t lakers_message_len(const void *message);

static uint64_t initiator[256], responder[256], message[64], result[64];

static int32_t initiator_init(void) {
    return lakers_initiator_init(initiator);
}
static int32_t responder_init(void) {
    return lakers_responder_init(responder);
}
static int32_t message_1(void) {
    return lakers_initiator_message_1(initiator, message);
}
static int32_t message_2(void) {
    return lakers_responder_message_2(responder, message);
}
static int32_t message_3(void) {
    return lakers_initiator_message_3(initiator, message);
}
static int32_t message_4(void) {
    return lakers_responder_message_4(responder, message);
}
static int32_t initiator_finish(void) {
    return lakers_initiator_finish(initiator, message);
}
static int32_t responder_finish(void) {
    return lakers_responder_finish(responder, result);
}

static void sized(const char *name, size_t size, size_t room) {
    must(name, size <= room ? 0 : -1);
    probe_size(name, (uint32_t)size);
}

static void sent(const char *name) {
    probe_size(name, (uint32_t)lakers_message_len(message));
}

int main(void) {
    sized("initiator", lakers_initiator_size(), sizeof initiator);
    sized("responder", lakers_responder_size(), sizeof responder);
    must("message", lakers_message_size() <= sizeof message ? 0 : -1);

    probe("initiator/init", initiator_init);
    probe("responder/init", responder_init);
    probe("initiator/message_1", message_1);
    sent("message_1");
    probe("responder/message_2", message_2);
    sent("message_2");
    probe("initiator/message_3", message_3);
    sent("message_3");
    probe("responder/message_4", message_4);
    sent("message_4");
    probe("initiator/finish", initiator_finish);
    probe("responder/finish", responder_finish);
    must("the same keys", memcmp(message, result, lakers_message_size()));
    return 0;
}
