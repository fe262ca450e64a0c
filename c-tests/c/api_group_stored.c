/* Groups in storage, and a delegate. */
#include <string.h>

#include "support.h"

enum { PLACES = 2, ROOM = 256 };

/* What is stored: one blob, and whose the places are. */
struct flash {
    uint8_t blob[LSCOAP_MEMBER_BLOB_MAX];
    size_t blob_len;
    uint8_t id[PLACES + 1][LSCOAP_DEVICE_ID_MAX];
    size_t id_len[PLACES + 1];
    int fails;
};

struct site {
    struct world w;
    lscoap_session device;
    lscoap_session *found;
    lscoap_group group;
    lscoap_group_place places[PLACES];
    struct flash flash;
};

static int write_blob(void *context, const uint8_t *blob, size_t blob_len) {
    struct flash *flash = context;

    if (flash->fails || blob_len > sizeof flash->blob) {
        return 1;
    }
    memcpy(flash->blob, blob, blob_len);
    flash->blob_len = blob_len;
    return 0;
}

static int save_place(void *context, uint8_t kid, const uint8_t *id, size_t id_len) {
    struct flash *flash = context;

    if (flash->fails || kid == 0 || kid > PLACES) {
        return 1;
    }
    flash->id_len[kid] = id_len;
    if (id != NULL) {
        memcpy(flash->id[kid], id, id_len);
    }
    return 0;
}

static lscoap_group_config config_of(struct site *s, uint8_t flags) {
    lscoap_group_config config = {0};

    config.number = 7;
    config.flags = flags;
    config.slots = flags & LSCOAP_GROUP_TAGGED ? PLACES : 0;
    config.places = s->places;
    config.places_len = PLACES;
    config.save_place = save_place;
    config.save_place_context = &s->flash;
    return config;
}

static void site_init(struct check *t, struct site *s, uint8_t flags) {
    lscoap_client_config device = device_config("sensor-7", LSCOAP_EXPRESS);
    lscoap_group_config config;

    memset(s, 0, sizeof *s);
    world_init(t, &s->w, LSCOAP_EXPRESS);
    world_device(t, &s->w, &device);
    s->found = establish(t, &s->w, &s->device);
    config = config_of(s, flags);
    CHECK_STATUS(lscoap_group_create(&s->group, &s->w.server_platform, &config, 0), LSCOAP_OK);
}

static void site_wipe(struct site *s) {
    lscoap_group_wipe(&s->group);
    lscoap_session_wipe(&s->device);
    world_wipe(&s->w);
}

/* Writes the answer over the ASK. */
static lscoap_status answer(struct site *s, uint64_t now_ms, uint8_t *message, size_t *len) {
    lscoap_io io = {message, *len, message, LSCOAP_GROUP_MESSAGE_MAX, 0, now_ms, NULL, 0};
    lscoap_status status = lscoap_group_answer_ask(&s->group, s->found, &io);

    *len = io.out_len;
    return status;
}

static lscoap_status seal(struct site *s, uint64_t now_ms, uint8_t *object, size_t *len) {
    static const uint8_t plain[] = {0x01};
    lscoap_io io = {plain, sizeof plain, object, ROOM, 0, now_ms, NULL, 0};
    lscoap_status status = lscoap_group_seal_request(&s->group, LSCOAP_GROUP_TAGGED, &io, NULL);

    *len = io.out_len;
    return status;
}

static lscoap_status store(struct site *s, uint32_t block) {
    return lscoap_group_store(&s->group, block, 0, write_blob, &s->flash);
}

void case_group_stored(struct check *t) {
    struct site s;
    struct flash lamp = {0};
    lscoap_member member = {{0}}, again = {{0}};
    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX], object[ROOM], out[ROOM];
    lscoap_group_exchange exchange;
    lscoap_group_config config;
    int32_t mode = 0;
    size_t len = 0;
    lscoap_io io;

    site_init(t, &s, LSCOAP_GROUP_TAGGED);
    CHECK_STATUS(store(&s, 2), LSCOAP_OK);
    CHECK(s.flash.blob_len == LSCOAP_GROUP_BLOB_MAX);
    CHECK_STATUS(lscoap_member_init(&member, NULL, NULL), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_store(&member, write_blob, &lamp), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(lscoap_member_ask(&member, 0, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(answer(&s, 0, message, &len), LSCOAP_SEND);
    CHECK_STATUS(lscoap_member_answer(&member, 0, message, len), LSCOAP_OK);
    CHECK(s.flash.id_len[1] == 8);
    lamp.fails = 1;
    CHECK_STATUS(lscoap_member_store(&member, write_blob, &lamp), LSCOAP_ERR_STORAGE);
    lamp.fails = 0;
    CHECK_STATUS(lscoap_member_store(&member, write_blob, &lamp), LSCOAP_OK);
    CHECK(lamp.blob_len != 0 && lamp.blob_len <= LSCOAP_MEMBER_BLOB_MAX);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_OK);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_OK);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_ERR_UNSTORED);

    /* Both lose their power. */
    config = config_of(&s, LSCOAP_GROUP_TAGGED);
    lscoap_group_wipe(&s.group);
    CHECK_STATUS(lscoap_group_restore(&s.group, &s.w.server_platform, &config, 0, s.flash.blob,
                                      s.flash.blob_len),
                 LSCOAP_OK);
    CHECK_STATUS(lscoap_group_restore_place(&s.group, 1, s.flash.id[1], s.flash.id_len[1]),
                 LSCOAP_OK);
    CHECK_STATUS(lscoap_group_restore_place(&s.group, 2, s.flash.id[1], s.flash.id_len[1]),
                 LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_group_restore_place(&s.group, 3, s.flash.id[1], 1), LSCOAP_ERR_ARGUMENT);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_ERR_UNSTORED);
    CHECK_STATUS(store(&s, 10), LSCOAP_OK);
    CHECK(lscoap_group_epoch(&s.group) == 1);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_restore(&again, NULL, NULL, lamp.blob, lamp.blob_len), LSCOAP_OK);
    io = (lscoap_io){object, len, BYTES(out), 0, 0, NULL, 0};
    CHECK_STATUS(lscoap_member_open_request(&again, &io, &mode, &exchange), LSCOAP_ERR_ASK);
    CHECK_STATUS(lscoap_member_ask(&again, 0, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(answer(&s, 0, message, &len), LSCOAP_SEND);
    CHECK_STATUS(lscoap_member_answer(&again, 0, message, len), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_open_request(&again, &io, &mode, &exchange), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_OK);
    io = (lscoap_io){object, len, BYTES(out), 0, 0, NULL, 0};
    CHECK_STATUS(lscoap_member_open_request(&again, &io, &mode, &exchange), LSCOAP_OK);

    /* A new epoch is stored before it is used; the place of who has left is deleted then. */
    CHECK_STATUS(lscoap_group_rekey(&s.group, s.flash.id[1], 8, 0, BYTES(message), &len),
                 LSCOAP_SEND);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_ERR_UNSTORED);
    CHECK(s.flash.id_len[1] == 8);
    s.flash.fails = 1;
    CHECK_STATUS(store(&s, 10), LSCOAP_ERR_STORAGE);
    s.flash.fails = 0;
    CHECK_STATUS(store(&s, 10), LSCOAP_OK);
    CHECK(s.flash.id_len[1] == 0);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_OK);

    /* What is no blob changes nothing. */
    config.slots = 1;
    CHECK_STATUS(lscoap_group_restore(&s.group, &s.w.server_platform, &config, 0, s.flash.blob,
                                      s.flash.blob_len),
                 LSCOAP_ERR_STATE);
    s.flash.blob[20] ^= 1;
    CHECK_STATUS(lscoap_group_restore(&s.group, &s.w.server_platform, &config, 0, s.flash.blob,
                                      s.flash.blob_len),
                 LSCOAP_ERR_MALFORMED);
    lamp.blob[20] ^= 1;
    CHECK_STATUS(lscoap_member_restore(&again, NULL, NULL, lamp.blob, lamp.blob_len),
                 LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(seal(&s, 0, object, &len), LSCOAP_OK);

#define NULLS(call) CHECK_STATUS(call, LSCOAP_ERR_NULL)
    NULLS(lscoap_group_store(NULL, 1, 0, write_blob, &s.flash));
    NULLS(lscoap_group_store(&s.group, 1, 0, NULL, &s.flash));
    NULLS(lscoap_group_restore(NULL, &s.w.server_platform, &config, 0, lamp.blob, 1));
    NULLS(lscoap_group_restore(&s.group, NULL, &config, 0, lamp.blob, 1));
    NULLS(lscoap_group_restore(&s.group, &s.w.server_platform, NULL, 0, lamp.blob, 1));
    NULLS(lscoap_group_restore(&s.group, &s.w.server_platform, &config, 0, NULL, 1));
    NULLS(lscoap_group_restore_place(NULL, 1, lamp.blob, 1));
    NULLS(lscoap_group_restore_place(&s.group, 1, NULL, 1));
    NULLS(lscoap_member_store(NULL, write_blob, &lamp));
    NULLS(lscoap_member_store(&again, NULL, &lamp));
    NULLS(lscoap_member_restore(NULL, NULL, NULL, lamp.blob, 1));
    NULLS(lscoap_member_restore(&again, NULL, NULL, NULL, 1));
    lscoap_member_wipe(&member);
    lscoap_member_wipe(&again);
    site_wipe(&s);
}

static lscoap_status delegate_seal(lscoap_delegate *delegate, uint64_t now_ms, uint8_t *object,
                                   size_t *len) {
    static const uint8_t plain[] = {0x01};
    lscoap_io io = {plain, sizeof plain, object, ROOM, 0, now_ms, NULL, 0};
    lscoap_status status = lscoap_delegate_seal_request(delegate, LSCOAP_GROUP_SIGNED, &io);

    *len = io.out_len;
    return status;
}

void case_group_delegate(struct check *t) {
    static const uint8_t get[] = "\x54\x01\x12\x34\x51\x52\x53\x54\xb5light";
    struct site s;
    struct flash flash = {0};
    lscoap_delegate delegate = {{0}};
    lscoap_member lamp = {{0}};
    lscoap_membership of;
    lscoap_group_exchange exchange;
    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX], object[ROOM], out[ROOM];
    size_t len = 0;
    int32_t mode = 0;
    lscoap_io io;

    site_init(t, &s, LSCOAP_GROUP_SIGNED | LSCOAP_GROUP_TIMED);
    CHECK_STATUS(lscoap_group_set_delegate(&s.group, (const uint8_t *)"sensor-7", 8, 0), LSCOAP_OK);
    CHECK(lscoap_group_epoch(&s.group) == 1);
    CHECK_STATUS(lscoap_delegate_ask(&delegate, 0, BYTES(message), &len), LSCOAP_ERR_UNINITIALISED);
    CHECK(lscoap_delegate_ask_due(&delegate) == UINT64_MAX);
    CHECK_STATUS(lscoap_delegate_init(&delegate, NULL, 1), LSCOAP_OK);
    CHECK(lscoap_delegate_ask_due(&delegate) == 0);
    CHECK_STATUS(lscoap_delegate_group(&delegate, &of), LSCOAP_ERR_UNINITIALISED);
    CHECK_STATUS(delegate_seal(&delegate, 0, object, &len), LSCOAP_ERR_ASK);
    CHECK_STATUS(lscoap_delegate_ask(&delegate, 0, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(answer(&s, 0, message, &len), LSCOAP_SEND);

    /* It is no member's. */
    CHECK_STATUS(lscoap_member_init(&lamp, NULL, NULL), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_ask(&lamp, 0, BYTES(out), &len), LSCOAP_SEND);
    len = 79 + 32;
    CHECK_STATUS(lscoap_member_answer(&lamp, 0, message, len), LSCOAP_ERR_UNEXPECTED);
    CHECK_STATUS(lscoap_delegate_answer(&delegate, 0, message, len), LSCOAP_OK);
    CHECK_STATUS(lscoap_delegate_group(&delegate, &of), LSCOAP_OK);
    CHECK(of.number == 7 && of.epoch == 1 && of.kid == 0);

    CHECK_STATUS(lscoap_delegate_store(&delegate, 2, 0, write_blob, &flash), LSCOAP_OK);
    CHECK(flash.blob_len == LSCOAP_DELEGATE_BLOB_MAX);
    CHECK_STATUS(delegate_seal(&delegate, 0, object, &len), LSCOAP_OK);
    io = (lscoap_io){BYTES(get), BYTES(object), 0, 0, NULL, 0};
    io.input_len--;
    CHECK_STATUS(
        lscoap_delegate_protect_request(&delegate, LSCOAP_GROUP_SIGNED, LSCOAP_CARRIER_OSCORE, &io),
        LSCOAP_OK);
    CHECK_STATUS(delegate_seal(&delegate, 0, object, &len), LSCOAP_ERR_UNSTORED);
    CHECK_STATUS(lscoap_delegate_restore(&delegate, NULL, 1, 0, flash.blob, flash.blob_len),
                 LSCOAP_OK);
    CHECK_STATUS(delegate_seal(&delegate, 0, object, &len), LSCOAP_ERR_ASK);
    CHECK_STATUS(lscoap_delegate_ask(&delegate, 0, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(answer(&s, 0, message, &len), LSCOAP_SEND);
    CHECK(lscoap_group_epoch(&s.group) == 1);
    CHECK_STATUS(lscoap_delegate_answer(&delegate, 0, message, len), LSCOAP_OK);
    CHECK_STATUS(lscoap_delegate_store(&delegate, 200, 0, write_blob, &flash), LSCOAP_OK);
    while (delegate_seal(&delegate, 0, object, &len) == LSCOAP_OK) {
    }
    CHECK_STATUS(delegate_seal(&delegate, 0, object, &len), LSCOAP_ERR_BUDGET);
    CHECK_STATUS(delegate_seal(&delegate, 64, object, &len), LSCOAP_OK);

    /* The owner seals again, with a lamp that hears both. */
    CHECK_STATUS(lscoap_group_set_delegate(&s.group, NULL, 0, 0), LSCOAP_OK);
    CHECK(lscoap_group_epoch(&s.group) == 2);
    CHECK_STATUS(lscoap_group_write_notice(&s.group, 2, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(lscoap_delegate_notice(&delegate, message, len), LSCOAP_ERR_ASK);
    CHECK_STATUS(lscoap_member_ask(&lamp, 60000, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(answer(&s, 0, message, &len), LSCOAP_SEND);
    CHECK_STATUS(lscoap_member_answer(&lamp, 60000, message, len), LSCOAP_OK);
    CHECK_STATUS(delegate_seal(&delegate, 128, object, &len), LSCOAP_OK);
    io = (lscoap_io){object, len, BYTES(out), 0, 60000, NULL, 0};
    CHECK_STATUS(lscoap_member_open_request(&lamp, &io, &mode, &exchange),
                 LSCOAP_ERR_UNKNOWN_SESSION);

    NULLS(lscoap_group_set_delegate(NULL, message, 1, 0));
    NULLS(lscoap_group_set_delegate(&s.group, NULL, 1, 0));
    NULLS(lscoap_delegate_init(NULL, NULL, 0));
    NULLS(lscoap_delegate_ask(NULL, 0, BYTES(message), &len));
    NULLS(lscoap_delegate_ask(&delegate, 0, NULL, ROOM, &len));
    NULLS(lscoap_delegate_ask(&delegate, 0, BYTES(message), NULL));
    NULLS(lscoap_delegate_answer(NULL, 0, message, 1));
    NULLS(lscoap_delegate_answer(&delegate, 0, NULL, 1));
    NULLS(lscoap_delegate_notice(NULL, message, 1));
    NULLS(lscoap_delegate_notice(&delegate, NULL, 1));
    NULLS(lscoap_delegate_group(NULL, &of));
    NULLS(lscoap_delegate_group(&delegate, NULL));
    NULLS(lscoap_delegate_seal_request(NULL, 1, &io));
    NULLS(lscoap_delegate_seal_request(&delegate, 1, NULL));
    NULLS(lscoap_delegate_protect_request(NULL, 1, 1, &io));
    NULLS(lscoap_delegate_protect_request(&delegate, 1, 1, NULL));
    NULLS(lscoap_delegate_store(NULL, 1, 0, write_blob, &flash));
    NULLS(lscoap_delegate_store(&delegate, 1, 0, NULL, &flash));
    NULLS(lscoap_delegate_restore(NULL, NULL, 0, 0, message, 1));
    NULLS(lscoap_delegate_restore(&delegate, NULL, 0, 0, NULL, 1));
    CHECK(lscoap_delegate_ask_due(NULL) == UINT64_MAX);
    lscoap_delegate_wipe(NULL);
    lscoap_delegate_wipe(&delegate);
    CHECK_STATUS(delegate_seal(&delegate, 64, object, &len), LSCOAP_ERR_UNINITIALISED);
    lscoap_member_wipe(&lamp);
    site_wipe(&s);
}

/* A session in which nothing has opened proves nobody: it joins nothing. */
void case_group_unconfirmed(struct check *t) {
    struct site s;
    lscoap_session device = {{0}};
    lscoap_exchange ours;
    uint8_t object[64], message[LSCOAP_GROUP_MESSAGE_MAX] = {0x20};
    lscoap_io io = {message, 8, BYTES(message), 0, 0, NULL, 0};
    size_t len = 0;

    site_init(t, &s, LSCOAP_GROUP_TAGGED);
    CHECK(connect(t, &s.w, &device));
    CHECK_STATUS(seal_request_bytes(&device, AAD, (const uint8_t *)PLAIN, PLAIN_LEN, BYTES(object),
                                    &len, &ours),
                 LSCOAP_OK);
    s.found = lscoap_server_find(&s.w.server, s.w.now_ms, object, len);
    if (CHECK(s.found != NULL)) {
        CHECK_STATUS(lscoap_group_answer_ask(&s.group, s.found, &io), LSCOAP_ERR_STATE);
        message[0] = 0x24;
        message[2] = 7;
        io.input_len = 3;
        CHECK_STATUS(lscoap_group_take_leave(&s.group, s.found, &io), LSCOAP_ERR_STATE);
        CHECK(s.flash.id_len[1] == 0 && lscoap_group_epoch(&s.group) == 1);
        message[0] = 0x20;
        message[2] = 0; /* cppcheck-suppress unreadVariable; it is io.input */
        io.input_len = 8;
        CHECK(confirm(t, &s.w, &device) == s.found);
        CHECK_STATUS(lscoap_group_answer_ask(&s.group, s.found, &io), LSCOAP_SEND);
    }
    lscoap_session_wipe(&device);
    site_wipe(&s);
}
