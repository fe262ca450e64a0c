#include "group.h"
#include "delegate.h"
#include "ends.h"
#include "probe.h"
#include "records.h"
#include <string.h>

enum { SLOTS = 8, PLACES = 1, TAG_LEN = 8, SIGNATURE_LEN = 64, NUMBER = 7 };

lscoap_group group;
static lscoap_group_place places[PLACES];
union group_device group_device;
static lscoap_group_exchange sent, received;
static int32_t mode;

static uint8_t buffer[128 + LSCOAP_GROUP_PROTECT_OVERHEAD];
lscoap_io group_io;
size_t group_kept_len;
uint8_t group_message[LSCOAP_GROUP_MESSAGE_MAX];
size_t group_message_len;

static const lscoap_platform platform = {.random = ends_random};

/* PUT with a payload, and with additional data as in records.c. */
static const uint8_t inner[] = {0x03, 0xff, '2', '1'};
static const uint8_t aad[] = "\xb6sensor\x05value";
/* A non-confirmable PUT of "value" with a token of two bytes; 2.04 to it. */
static const uint8_t put[] = {0x52, 0x03, 0x12, 0x34, 0xaa, 0xbb, 0xb5, 'v',
                              'a',  'l',  'u',  'e',  0xff, '2',  '1'};
static const uint8_t changed[] = {0x52, 0x44, 0x43, 0x21, 0xaa, 0xbb};

/* The status that is due, as 0. */
static int32_t is(lscoap_status status, lscoap_status due) {
    return status == due ? 0 : -1;
}

int group_keep(void *context, const uint8_t *data, size_t len) {
    (void)context;
    must("room for what is stored", len <= sizeof record ? 0 : -1);
    memcpy(record, data, len);
    group_kept_len = len;
    return 0;
}

static void begin_with(const uint8_t *bytes, size_t len) {
    memcpy(buffer, bytes, len);
    group_io = (lscoap_io){buffer, len, buffer, sizeof buffer, 0, NOW, NULL, 0};
}

void group_begin_put(void) {
    begin_with(put, sizeof put);
}

static void begin_object(const uint8_t *bytes, size_t len) {
    begin_with(bytes, len);
    group_io.aad = aad;
    group_io.aad_len = sizeof aad - 1;
}

void group_begin_object(void) {
    begin_object(inner, sizeof inner);
}

/* What came out goes in. */
static int32_t passed_on(lscoap_status status) {
    group_io.input_len = group_io.out_len;
    return status;
}

/* ---- membership */

int32_t group_make(uint8_t flags, bool again) {
    static const uint8_t address[4] = {239, 192, 0, 7};
    const lscoap_group_config config = {.number = NUMBER,
                                        .flags = flags,
                                        .slots = SLOTS,
                                        .port = 5683,
                                        .address = address,
                                        .address_len = sizeof address,
                                        .places = places,
                                        .places_len = PLACES};
    return again ? lscoap_group_restore(&group, &platform, &config, NOW, record, group_kept_len)
                 : lscoap_group_create(&group, &platform, &config, NOW);
}

enum { FLAGS = LSCOAP_GROUP_SIGNED | LSCOAP_GROUP_TAGGED | LSCOAP_GROUP_ANSWERS };
static int32_t create(void) {
    return group_make(FLAGS, false);
}
static int32_t member_init(void) {
    return lscoap_member_init(&group_device.member, &platform, NULL);
}
static int32_t ask_due(void) {
    return lscoap_member_ask_due(&group_device.member) == UINT64_MAX ? -1 : 0;
}
static int32_t ask(void) {
    return is(lscoap_member_ask(&group_device.member, NOW, group_message, sizeof group_message,
                                &group_message_len),
              LSCOAP_SEND);
}
static int32_t of_ask(void) {
    uint16_t of;

    return lscoap_group_of_ask(group_message, group_message_len, &of);
}
int32_t group_answers_ask(void) {
    lscoap_io ask_io = {
        group_message, group_message_len, group_message, sizeof group_message, 0, NOW, NULL, 0};
    const lscoap_status status = lscoap_group_answer_ask(&group, server_session, &ask_io);

    group_message_len = ask_io.out_len;
    return is(status, LSCOAP_SEND);
}
static int32_t answer(void) {
    return lscoap_member_answer(&group_device.member, NOW, group_message, group_message_len);
}
static int32_t membership(void) {
    static lscoap_membership what;

    return lscoap_member_group(&group_device.member, &what);
}
static int32_t number(void) {
    return lscoap_group_number(&group) == NUMBER ? 0 : -1;
}
static int32_t epoch(void) {
    return lscoap_group_epoch(&group) == 1 ? 0 : -1;
}
static int32_t member_id(void) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t len;

    return lscoap_group_member_id(&group, 1, id, sizeof id, &len);
}
int32_t group_writes_notice(void) {
    return is(lscoap_group_write_notice(&group, 1, group_message, sizeof group_message,
                                        &group_message_len),
              LSCOAP_SEND);
}
static int32_t notice(void) {
    return lscoap_member_notice(&group_device.member, group_message, group_message_len);
}
static int32_t rekey(void) {
    return is(lscoap_group_rekey(&group, NULL, 0, NOW, group_message, sizeof group_message,
                                 &group_message_len),
              LSCOAP_SEND);
}
static int32_t write_leave(void) {
    return is(
        lscoap_group_write_leave(NUMBER, group_message, sizeof group_message, &group_message_len),
        LSCOAP_SEND);
}
static int32_t take_leave(void) {
    lscoap_io leave = {
        group_message, group_message_len, group_message, sizeof group_message, 0, NOW, NULL, 0};

    return is(lscoap_group_take_leave(&group, server_session, &leave), LSCOAP_SEND);
}

static void measure_joining(void) {
    probe("group/create", create);
    probe("member/init", member_init);
    probe("member/ask_due", ask_due);
    probe("member/ask", ask);
    probe("group/of_ask", of_ask);
    probe("group/answer_ask", group_answers_ask);
    probe("member/answer", answer);
    probe("member/group", membership);
    probe("group/number", number);
    probe("group/epoch", epoch);
    probe("group/member_id", member_id);
}

/* ---- objects */

static int32_t seal_request(void) {
    return passed_on(lscoap_group_seal_request(&group, mode, &group_io, &sent));
}
static int32_t is_group_object(void) {
    return lscoap_is_group_object(buffer, group_io.input_len) - 1;
}
static int32_t open_request(void) {
    return passed_on(lscoap_member_open_request(&group_device.member, &group_io, &mode, &received));
}
static int32_t refuse_request(void) {
    return is(open_request(), LSCOAP_ERR_AUTHENTICATION);
}
static int32_t answer_wanted(void) {
    return lscoap_member_answer_wanted(&group_device.member, &received, 0x44) < 0 ? -1 : 0;
}
static int32_t seal_answer(void) {
    return passed_on(lscoap_member_seal_answer(&group_device.member, &group_io, &received));
}
static int32_t open_answer(void) {
    uint8_t kid;

    return passed_on(lscoap_group_open_answer(&group, &group_io, &sent, &kid));
}

/* Before the proof that only the sender can make is the tag that any member can: an outsider's
 * object ends there. */
static void garble(size_t proof_len) {
    buffer[group_io.input_len - proof_len - 1] ^= 1;
}

static void measure_mode(int32_t of, size_t proof_len, const char *seal, const char *refuse,
                         const char *open) {
    mode = of;
    begin_object(inner, sizeof inner);
    must("a request", seal_request());
    garble(proof_len);
    probe(refuse, refuse_request);
    mode = of;
    begin_object(inner, sizeof inner);
    probe(seal, seal_request);
    probe(open, open_request);
}

static void measure_objects(void) {
    measure_mode(LSCOAP_GROUP_TAGGED, 4 * SLOTS, "group/seal_TAGGED", "member/refuse_TAGGED",
                 "member/open_TAGGED");
    measure_mode(LSCOAP_GROUP_SIGNED, SIGNATURE_LEN, "group/seal_SIGNED", "member/refuse_SIGNED",
                 "member/open_SIGNED");
    probe("member/answer_wanted", answer_wanted);
    begin_object(changed + 1, 1);
    probe("member/seal_answer", seal_answer);
    probe("group/open_answer", open_answer);
}

/* ---- whole messages */

static int32_t protect_request(void) {
    return passed_on(
        lscoap_group_protect_request(&group, mode, LSCOAP_CARRIER_OSCORE, &group_io, &sent));
}
static int32_t unprotect_request(void) {
    return passed_on(
        lscoap_member_unprotect_request(&group_device.member, &group_io, &mode, &received));
}
static int32_t protect_answer(void) {
    return passed_on(lscoap_member_protect_answer(&group_device.member, &group_io, &received));
}
static int32_t unprotect_answer(void) {
    uint8_t kid;

    return passed_on(lscoap_group_unprotect_answer(&group, &group_io, &sent, &kid));
}

static void measure_whole_messages(void) {
    mode = LSCOAP_GROUP_SIGNED;
    begin_with(put, sizeof put);
    probe("group/protect_request", protect_request);
    probe("member/unprotect_request", unprotect_request);
    begin_with(changed, sizeof changed);
    probe("member/protect_answer", protect_answer);
    probe("group/unprotect_answer", unprotect_answer);
}

/* ---- storage */

static int32_t member_store(void) {
    return lscoap_member_store(&group_device.member, group_keep, NULL);
}
static int32_t member_restore(void) {
    return lscoap_member_restore(&group_device.member, NULL, NULL, record, group_kept_len);
}
static int32_t group_store(void) {
    return lscoap_group_store(&group, 100, NOW, group_keep, NULL);
}
static int32_t group_restore(void) {
    return group_make(FLAGS, true);
}
static int32_t restore_place(void) {
    return lscoap_group_restore_place(&group, 1, DEVICE_ID);
}

static void measure_group_storage(void) {
    probe("member/store", member_store);
    probe("member/restore", member_restore);
    probe("group/store", group_store);
    probe("group/restore", group_restore);
    probe("group/restore_place", restore_place);
}

/* ---- ends */

static int32_t get_stats(void) {
    static lscoap_member_stats stats;

    return lscoap_member_get_stats(&group_device.member, &stats);
}
static int32_t member_wake(void) {
    lscoap_member_wake(&group_device.member);
    return 0;
}
static int32_t member_wipe(void) {
    lscoap_member_wipe(&group_device.member);
    return 0;
}
static int32_t group_wipe(void) {
    lscoap_group_wipe(&group);
    return 0;
}

void measure_group(void) {
    measure_joining();
    begin_object(inner, sizeof inner);
    mode = LSCOAP_GROUP_TAGGED;
    must("a request", seal_request());
    probe("is_group_object", is_group_object);
    measure_objects();
    measure_whole_messages();
    probe("group/write_notice", group_writes_notice);
    probe("member/notice", notice);
    probe("member/get_stats", get_stats);
    probe("group/rekey", rekey);
    probe("group/write_leave", write_leave);
    probe("group/take_leave", take_leave);
    probe("member/wake", member_wake);
    measure_group_storage();
    probe("member/wipe", member_wipe);
    probe("group/wipe", group_wipe);
    measure_delegate();
    must("wiped", group_wipe());
}

void print_group_sizes(void) {
    probe_size("lscoap_member", sizeof(lscoap_member));
    probe_size("lscoap_group", sizeof(lscoap_group));
    probe_size("lscoap_group_place", sizeof(lscoap_group_place));
    probe_size("lscoap_group_exchange", sizeof(lscoap_group_exchange));
    probe_size("lscoap_delegate", sizeof(lscoap_delegate));
}
