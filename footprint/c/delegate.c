#include "delegate.h"
#include "ends.h"
#include "group.h"
#include "probe.h"
#include "records.h"

static lscoap_delegate *const delegate = &group_device.delegate;

static int32_t set_delegate(void) {
    return lscoap_group_set_delegate(&group, DEVICE_ID, NOW);
}
static int32_t init(void) {
    return lscoap_delegate_init(delegate, NULL, 0);
}
static int32_t ask_due(void) {
    return lscoap_delegate_ask_due(delegate) == UINT64_MAX ? -1 : 0;
}
static int32_t ask(void) {
    return lscoap_delegate_ask(delegate, NOW, group_message, sizeof group_message,
                               &group_message_len) == LSCOAP_SEND
               ? 0
               : -1;
}
static int32_t answer(void) {
    return lscoap_delegate_answer(delegate, NOW, group_message, group_message_len);
}
static int32_t notice(void) {
    return lscoap_delegate_notice(delegate, group_message, group_message_len);
}
static int32_t membership(void) {
    static lscoap_membership what;

    return lscoap_delegate_group(delegate, &what);
}
static int32_t seal_request(void) {
    return lscoap_delegate_seal_request(delegate, LSCOAP_GROUP_SIGNED, &group_io);
}
static int32_t protect_request(void) {
    return lscoap_delegate_protect_request(delegate, LSCOAP_GROUP_SIGNED, LSCOAP_CARRIER_OSCORE,
                                           &group_io);
}
static int32_t store(void) {
    return lscoap_delegate_store(delegate, 100, NOW, group_keep, NULL);
}
static int32_t restore(void) {
    return lscoap_delegate_restore(delegate, NULL, 0, NOW, record, group_kept_len);
}
static int32_t wipe(void) {
    lscoap_delegate_wipe(delegate);
    return 0;
}

void measure_delegate(void) {
    must("a group",
         group_make(LSCOAP_GROUP_SIGNED | LSCOAP_GROUP_TAGGED | LSCOAP_GROUP_TIMED, false));
    probe("delegate/group-set_delegate", set_delegate);
    probe("delegate/init", init);
    probe("delegate/ask_due", ask_due);
    probe("delegate/ask", ask);
    probe("delegate/group-answer_ask", group_answers_ask);
    probe("delegate/answer", answer);
    probe("delegate/group", membership);
    group_begin_object();
    probe("delegate/seal_SIGNED", seal_request);
    group_begin_put();
    probe("delegate/protect_request", protect_request);
    must("a notice", group_writes_notice());
    probe("delegate/notice", notice);
    probe("delegate/store", store);
    probe("delegate/restore", restore);
    probe("delegate/wipe", wipe);
}
