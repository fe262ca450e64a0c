/* Groups: an owner and two members, objects and whole messages between them. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* PUT and GET /light, as plaintexts and as messages. */
static const uint8_t get_plain[] = {0x01};
static const uint8_t content_plain[] = {0x45, 0xff, '2', '1'};
static const uint8_t get[] = "\x54\x01\x12\x34\x51\x52\x53\x54\xb5light";
static const uint8_t put[] = "\x54\x03\x12\x34\x51\x52\x53\x54\xb5light\xffon";
static const uint8_t content[] = "\x54\x45\x12\x34\x51\x52\x53\x54\xff"
                                 "21";

enum { MEMBERS = 2, PLACES = 4, ROOM = 256, ALL_FLAGS = 1 | 2 | 8 };

struct lamps {
    struct world w;
    lscoap_session device[MEMBERS];
    lscoap_session *found[MEMBERS];
    lscoap_group group;
    lscoap_group_place places[PLACES];
    lscoap_member member[MEMBERS];
    uint64_t now_ms;
    unsigned saves;
};

static lscoap_io io_of(const void *input, size_t input_len, uint8_t *out, size_t out_cap) {
    lscoap_io io = {input, input_len, out, out_cap, SIZE_MAX, 0, NULL, 0};

    return io;
}

static int save_place(void *context, uint8_t kid, const uint8_t *id, size_t id_len) {
    unsigned *saves = context;

    (void)id;
    *saves += kid == 0 || id_len > LSCOAP_DEVICE_ID_MAX ? 1000 : 1;
    return 0;
}

static lscoap_group_config config_of(struct lamps *l) {
    static const uint8_t address[] = {239, 192, 0, 7};
    lscoap_group_config config = {0};

    config.number = 7;
    config.flags = ALL_FLAGS;
    config.slots = PLACES;
    config.port = 5683;
    config.address = address;
    config.address_len = sizeof address;
    config.places = l->places;
    config.places_len = PLACES;
    config.save_place = save_place;
    config.save_place_context = &l->saves;
    return config;
}

/* An ASK and its answer, as if the session had carried them. */
static lscoap_status ask(struct lamps *l, int i) {
    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX];
    size_t len = 0;
    lscoap_status status = lscoap_member_ask(&l->member[i], l->now_ms, BYTES(message), &len);
    lscoap_io io = io_of(message, len, BYTES(message));

    if (status != LSCOAP_SEND) {
        return status;
    }
    io.now_ms = l->now_ms;
    status = lscoap_group_answer_ask(&l->group, l->found[i], &io);
    if (status != LSCOAP_SEND) {
        return status;
    }
    return lscoap_member_answer(&l->member[i], l->now_ms, message, io.out_len);
}

static void lamps_init(struct check *t, struct lamps *l) {
    static const char *const ids[MEMBERS] = {"sensor-7", "sensor-8"};
    lscoap_group_config config;

    memset(l, 0, sizeof *l);
    l->now_ms = 1000;
    world_init(t, &l->w, LSCOAP_EXPRESS);
    config = config_of(l);
    CHECK_STATUS(lscoap_group_create(&l->group, &l->w.server_platform, &config, l->now_ms),
                 LSCOAP_OK);
    for (int i = 0; i < MEMBERS; i++) {
        lscoap_client_config device = device_config(ids[i], LSCOAP_EXPRESS);
        const lscoap_member_config lamp = {.ask_ms = 1};

        world_device(t, &l->w, &device);
        l->found[i] = establish(t, &l->w, &l->device[i]);
        CHECK_STATUS(lscoap_member_init(&l->member[i], NULL, &lamp), LSCOAP_OK);
        CHECK(lscoap_member_ask_due(&l->member[i]) <= l->now_ms);
        CHECK_STATUS(ask(l, i), LSCOAP_OK);
    }
    CHECK(l->saves == MEMBERS);
}

static void lamps_wipe(struct lamps *l) {
    for (int i = 0; i < MEMBERS; i++) {
        lscoap_member_wipe(&l->member[i]);
        lscoap_session_wipe(&l->device[i]);
    }
    lscoap_group_wipe(&l->group);
    world_wipe(&l->w);
}

void case_group_objects(struct check *t) {
    struct lamps l;

    lamps_init(t, &l);
    for (int32_t mode = LSCOAP_GROUP_SIGNED; mode <= LSCOAP_GROUP_TAGGED; mode++) {
        uint8_t object[ROOM], out[ROOM], id[LSCOAP_DEVICE_ID_MAX];
        lscoap_group_exchange asked;
        lscoap_io io = io_of(BYTES(get_plain), BYTES(object));
        size_t len, id_len = 0;

        io.aad = (const uint8_t *)"\xb5light";
        io.aad_len = 6;
        CHECK_STATUS(lscoap_group_seal_request(&l.group, mode, &io, &asked), LSCOAP_OK);
        len = io.out_len;
        CHECK(len <= sizeof get_plain + LSCOAP_GROUP_REQUEST_OVERHEAD);
        CHECK(lscoap_is_group_object(object, len) == 1);
        for (int i = 0; i < MEMBERS; i++) {
            lscoap_group_exchange answered;
            uint8_t answer[ROOM], kid = 0;
            int32_t how = 0;

            io = io_of(object, len, BYTES(out));
            CHECK_STATUS(lscoap_member_open_request(&l.member[i], &io, &how, &answered),
                         LSCOAP_ERR_AUTHENTICATION); /* without the path */
            io.aad = (const uint8_t *)"\xb5light";
            io.aad_len = 6;
            CHECK_STATUS(lscoap_member_open_request(&l.member[i], &io, &how, &answered), LSCOAP_OK);
            CHECK(how == mode && io.out_len == sizeof get_plain && out[0] == get_plain[0]);
            CHECK_STATUS(lscoap_member_open_request(&l.member[i], &io, &how, &answered),
                         LSCOAP_ERR_REPLAY);
            CHECK(lscoap_member_answer_wanted(&l.member[i], &answered, 0x45) == 1);
            CHECK(lscoap_member_answer_wanted(&l.member[i], &answered, 0x84) == 0);

            io = io_of(BYTES(content_plain), BYTES(answer));
            CHECK_STATUS(lscoap_member_seal_answer(&l.member[i], &io, &answered), LSCOAP_OK);
            CHECK(io.out_len == sizeof content_plain + LSCOAP_GROUP_ANSWER_OVERHEAD);
            io = io_of(answer, io.out_len, BYTES(out));
            CHECK_STATUS(lscoap_group_open_answer(&l.group, &io, &asked, &kid), LSCOAP_OK);
            CHECK(io.out_len == sizeof content_plain);
            CHECK_BYTES(out, content_plain, sizeof content_plain);
            CHECK_STATUS(lscoap_group_open_answer(&l.group, &io, &asked, &kid), LSCOAP_ERR_REPLAY);
            CHECK_STATUS(lscoap_group_member_id(&l.group, kid, BYTES(id), &id_len), LSCOAP_OK);
            CHECK(id_len == 8 && id[7] == (uint8_t)('7' + i));
            io = io_of(BYTES(content_plain), BYTES(answer));
            CHECK_STATUS(lscoap_member_seal_answer(&l.member[i], &io, &answered),
                         LSCOAP_ERR_ANSWERED);
        }
        CHECK_STATUS(lscoap_group_member_id(&l.group, 3, BYTES(id), &id_len),
                     LSCOAP_ERR_UNKNOWN_SESSION);
        CHECK_STATUS(lscoap_group_member_id(&l.group, 0, BYTES(id), &id_len),
                     LSCOAP_ERR_UNKNOWN_SESSION);
    }
    lamps_wipe(&l);
}

void case_group_messages(struct check *t) {
    struct lamps l;

    lamps_init(t, &l);
    for (int32_t carrier = LSCOAP_CARRIER_OSCORE; carrier <= LSCOAP_CARRIER_PAYLOAD; carrier++) {
        for (int32_t mode = LSCOAP_GROUP_SIGNED; mode <= LSCOAP_GROUP_TAGGED; mode++) {
            uint8_t sent[ROOM], received[ROOM], kid = 0;
            lscoap_group_exchange asked, answered;
            lscoap_io io = io_of(put, sizeof put - 1, BYTES(sent));
            int32_t how = 0;
            size_t len;

            /* Nobody answers a PUT: no exchange is needed. */
            CHECK_STATUS(lscoap_group_protect_request(&l.group, mode, carrier, &io, NULL),
                         LSCOAP_OK);
            CHECK(io.out_len <= sizeof put - 1 + LSCOAP_GROUP_PROTECT_OVERHEAD);
            CHECK(!contains(sent, io.out_len, "\xffon", 3));
            len = io.out_len;
            for (int i = 0; i < MEMBERS; i++) {
                io = io_of(sent, len, BYTES(received));
                CHECK_STATUS(lscoap_member_unprotect_request(&l.member[i], &io, &how, &answered),
                             LSCOAP_OK);
                CHECK(how == mode && io.out_len == sizeof put - 1);
                CHECK_BYTES(received, put, sizeof put - 1);
                CHECK(lscoap_member_answer_wanted(&l.member[i], &answered, 0x44) == 0);
            }
            io = io_of(get, sizeof get - 1, BYTES(sent));
            CHECK_STATUS(lscoap_group_protect_request(&l.group, mode, carrier, &io, &asked),
                         LSCOAP_OK);
            io = io_of(sent, io.out_len, BYTES(received));
            CHECK_STATUS(lscoap_member_unprotect_request(&l.member[0], &io, &how, &answered),
                         LSCOAP_OK);
            io = io_of(content, sizeof content - 1, BYTES(sent));
            CHECK_STATUS(lscoap_member_protect_answer(&l.member[0], &io, &answered), LSCOAP_OK);
            io = io_of(sent, io.out_len, BYTES(received));
            CHECK_STATUS(lscoap_group_unprotect_answer(&l.group, &io, &asked, &kid), LSCOAP_OK);
            CHECK(kid == 1 && io.out_len == sizeof content - 1);
            CHECK_BYTES(received, content, sizeof content - 1);
            /* In the clear it is for somebody else. */
            io = io_of(get, sizeof get - 1, BYTES(received));
            CHECK_STATUS(lscoap_member_unprotect_request(&l.member[0], &io, &how, &answered),
                         LSCOAP_ERR_UNEXPECTED);
        }
    }
    lamps_wipe(&l);
}

/* One buffer, or two that overlap, give what two apart give. */
void case_group_overlap(struct check *t) {
    struct lamps l;
    enum { MIDDLE = 128 };

    lamps_init(t, &l);
    for (size_t shift = 0; shift <= 2 * (size_t)MIDDLE; shift += stride()) {
        uint8_t buffer[2 * MIDDLE + ROOM], *input = buffer + MIDDLE, *out = buffer + shift;
        lscoap_group_exchange asked, answered;
        uint8_t kid = 0;
        int32_t how = 0;
        lscoap_io io = io_of(input, sizeof get_plain, out, ROOM);

        memcpy(input, get_plain, sizeof get_plain);
        CHECK_STATUS(lscoap_group_seal_request(&l.group, LSCOAP_GROUP_TAGGED, &io, &asked),
                     LSCOAP_OK);
        io = io_of(out, io.out_len, input, ROOM);
        CHECK_STATUS(lscoap_member_open_request(&l.member[0], &io, &how, &answered), LSCOAP_OK);
        CHECK(io.out_len == sizeof get_plain && input[0] == get_plain[0]);
        memcpy(input, content_plain, sizeof content_plain);
        io = io_of(input, sizeof content_plain, out, ROOM);
        CHECK_STATUS(lscoap_member_seal_answer(&l.member[0], &io, &answered), LSCOAP_OK);
        io = io_of(out, io.out_len, input, ROOM);
        CHECK_STATUS(lscoap_group_open_answer(&l.group, &io, &asked, &kid), LSCOAP_OK);
        CHECK_BYTES(input, content_plain, sizeof content_plain);
    }
    lamps_wipe(&l);
}

/* Too little room: an error, and no number is used. */
void case_group_capacity(struct check *t) {
    struct lamps l;
    uint8_t object[ROOM], first[ROOM], out[ROOM], kid;
    lscoap_group_exchange asked, answered;
    int32_t how = 0;
    lscoap_io io;
    size_t len;

    lamps_init(t, &l);
    io = io_of(BYTES(get_plain), BYTES(object));
    CHECK_STATUS(lscoap_group_seal_request(&l.group, LSCOAP_GROUP_TAGGED, &io, &asked), LSCOAP_OK);
    len = io.out_len;
    memset(out, CANARY, sizeof out);
    for (size_t cap = 0; cap < len; cap++) {
        io = io_of(BYTES(get_plain), out, cap);
        CHECK_STATUS(lscoap_group_seal_request(&l.group, LSCOAP_GROUP_TAGGED, &io, &asked),
                     LSCOAP_ERR_CAPACITY);
        CHECK(io.out_len == SIZE_MAX);
    }
    CHECK_FILLED(out, CANARY, sizeof out);
    io = io_of(BYTES(get_plain), first, len);
    CHECK_STATUS(lscoap_group_seal_request(&l.group, LSCOAP_GROUP_TAGGED, &io, &asked), LSCOAP_OK);
    CHECK(first[1] == object[1] + 1);

    io = io_of(first, len, out, 0);
    CHECK_STATUS(lscoap_member_open_request(&l.member[0], &io, &how, &answered),
                 LSCOAP_ERR_CAPACITY);
    io = io_of(first, len, out, sizeof get_plain);
    CHECK_STATUS(lscoap_member_open_request(&l.member[0], &io, &how, &answered), LSCOAP_OK);
    for (size_t cap = 0; cap < sizeof content_plain + LSCOAP_GROUP_ANSWER_OVERHEAD; cap++) {
        io = io_of(BYTES(content_plain), out, cap);
        CHECK_STATUS(lscoap_member_seal_answer(&l.member[0], &io, &answered), LSCOAP_ERR_CAPACITY);
    }
    io = io_of(BYTES(content_plain), object, sizeof content_plain + LSCOAP_GROUP_ANSWER_OVERHEAD);
    CHECK_STATUS(lscoap_member_seal_answer(&l.member[0], &io, &answered), LSCOAP_OK);
    len = io.out_len;
    io = io_of(object, len, out, sizeof content_plain - 1);
    CHECK_STATUS(lscoap_group_open_answer(&l.group, &io, &asked, &kid), LSCOAP_ERR_CAPACITY);
    io = io_of(object, len, out, sizeof content_plain);
    CHECK_STATUS(lscoap_group_open_answer(&l.group, &io, &asked, &kid), LSCOAP_OK);

    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX];
    io = io_of(message, 0, message, sizeof message - 1);
    CHECK_STATUS(lscoap_group_answer_ask(&l.group, l.found[0], &io), LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(lscoap_group_take_leave(&l.group, l.found[0], &io), LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(lscoap_group_write_leave(7, message, sizeof message - 1, &len),
                 LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(lscoap_group_write_notice(&l.group, 2, message, sizeof message - 1, &len),
                 LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(lscoap_group_rekey(&l.group, NULL, 0, 1, message, sizeof message - 1, &len),
                 LSCOAP_ERR_CAPACITY);
    CHECK_STATUS(lscoap_member_ask(&l.member[0], 9999, message, sizeof message - 1, &len),
                 LSCOAP_ERR_CAPACITY);
    CHECK(lscoap_group_epoch(&l.group) == 1);
    CHECK_STATUS(lscoap_group_member_id(&l.group, 1, message, 7, &len), LSCOAP_ERR_CAPACITY);
    lamps_wipe(&l);
}

/* A member leaves, another is taken out: who remains asks and goes on. */
void case_group_membership(struct check *t) {
    struct lamps l;
    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX], object[ROOM], out[ROOM];
    lscoap_group_exchange exchange;
    lscoap_membership of = {0};
    lscoap_member_stats stats = {0};
    uint16_t number = 1;
    int32_t how = 0;
    size_t len = 0;
    lscoap_io io;

    lamps_init(t, &l);
    CHECK(lscoap_group_number(&l.group) == 7 && lscoap_group_epoch(&l.group) == 1);
    CHECK_STATUS(lscoap_member_group(&l.member[1], &of), LSCOAP_OK);
    CHECK(of.number == 7 && of.epoch == 1 && of.flags == ALL_FLAGS && of.slots == PLACES);
    CHECK(of.kid == 2 && of.port == 5683 && of.address_len == 4 && of.address[0] == 239);
    CHECK(lscoap_member_ask_due(&l.member[1]) == UINT64_MAX);

    /* The second one is taken out. */
    CHECK_STATUS(lscoap_group_rekey(&l.group, (const uint8_t *)"sensor-8", 8, l.now_ms,
                                    BYTES(message), &len),
                 LSCOAP_SEND);
    CHECK(lscoap_group_epoch(&l.group) == 2);
    for (int i = 0; i < MEMBERS; i++) {
        CHECK_STATUS(lscoap_member_notice(&l.member[i], message, len), LSCOAP_ERR_ASK);
    }
    l.now_ms += 60000;
    CHECK(lscoap_member_ask_due(&l.member[0]) <= l.now_ms);
    CHECK_STATUS(ask(&l, 0), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_notice(&l.member[0], message, len), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_ask(&l.member[1], l.now_ms, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(lscoap_group_of_ask(message, len, &number), LSCOAP_OK);
    CHECK(number == 7);
    CHECK_STATUS(lscoap_group_write_leave(number, BYTES(message), &len), LSCOAP_SEND);
    CHECK_STATUS(lscoap_group_of_ask(message, len, &number), LSCOAP_ERR_MALFORMED);
    CHECK_STATUS(lscoap_member_answer(&l.member[1], l.now_ms, message, len),
                 LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(lscoap_member_group(&l.member[1], &of), LSCOAP_ERR_UNINITIALISED);

    io = io_of(BYTES(get_plain), BYTES(object));
    CHECK_STATUS(lscoap_group_seal_request(&l.group, LSCOAP_GROUP_TAGGED, &io, NULL), LSCOAP_OK);
    io = io_of(object, io.out_len, BYTES(out));
    CHECK_STATUS(lscoap_member_open_request(&l.member[1], &io, &how, &exchange),
                 LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(lscoap_member_open_request(&l.member[0], &io, &how, &exchange), LSCOAP_OK);
    CHECK_STATUS(lscoap_member_open_request(&l.member[0], &io, &how, &exchange), LSCOAP_ERR_REPLAY);
    CHECK_STATUS(lscoap_member_get_stats(&l.member[0], &stats), LSCOAP_OK);
    CHECK(stats.opened_tagged == 1 && stats.opened_signed == 0 && stats.replays == 1);

    /* The first one leaves by itself. */
    CHECK_STATUS(lscoap_group_write_leave(7, BYTES(message), &len), LSCOAP_SEND);
    io = io_of(message, len, BYTES(message));
    CHECK_STATUS(lscoap_group_take_leave(&l.group, l.found[1], &io), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK_STATUS(lscoap_group_take_leave(&l.group, l.found[0], &io), LSCOAP_SEND);
    CHECK(lscoap_group_epoch(&l.group) == 3);
    lamps_wipe(&l);
    CHECK(lscoap_group_number(&l.group) == 0 && lscoap_group_epoch(&l.group) == 0);
}

void case_group_config(struct check *t) {
    struct lamps l;
    lscoap_group_config good, config;
    uint8_t address[16] = {0};
    lscoap_platform platform;

    lamps_init(t, &l);
    good = config_of(&l);
    platform = l.w.server_platform;
#define CREATE(expected)                                                                           \
    CHECK_STATUS(lscoap_group_create(&l.group, &platform, &config, 1), (expected));                \
    config = good
    config = good;
    config.number = 0;
    CREATE(LSCOAP_ERR_ARGUMENT);
    static const uint8_t bad_flags[] = {0, 4, 8, 32, 1 | 4, 1 | 16, 1 | 64, 1 | 128, 255};
    for (size_t i = 0; i < sizeof bad_flags; i++) {
        config.flags = bad_flags[i];
        config.slots = 0;
        CREATE(LSCOAP_ERR_ARGUMENT);
    }
    config.slots = 0;
    CREATE(LSCOAP_ERR_ARGUMENT);
    config.slots = LSCOAP_GROUP_SLOTS_MAX + 1;
    CREATE(LSCOAP_ERR_ARGUMENT);
    for (size_t len = 0; len <= 17; len++) {
        config.address = address;
        config.address_len = len;
        CREATE(len == 0 || len == 4 || len == 16 ? LSCOAP_OK : LSCOAP_ERR_ARGUMENT);
    }
    config.places_len = LSCOAP_GROUP_PLACES_MAX + 1;
    CREATE(LSCOAP_ERR_ARGUMENT);
    config.places = NULL;
    CREATE(LSCOAP_ERR_NULL);
    platform.random = NULL;
    CREATE(LSCOAP_ERR_NULL);
    platform = l.w.server_platform;
    CHECK_STATUS(lscoap_group_create(&l.group, &platform, NULL, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_group_create(&l.group, NULL, &config, 1), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_group_create(NULL, &platform, &config, 1), LSCOAP_ERR_NULL);
    /* What failed has changed nothing. */
    CHECK(lscoap_group_number(&l.group) == 7);
    static const int32_t modes[] = {0, 3, 4, -1, INT32_MAX};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        uint8_t out[ROOM];
        lscoap_io io = io_of(BYTES(get_plain), BYTES(out));

        CHECK_STATUS(lscoap_group_seal_request(&l.group, modes[i], &io, NULL), LSCOAP_ERR_ARGUMENT);
    }
    lamps_wipe(&l);
}

void case_group_null(struct check *t) {
    struct lamps l;
    uint8_t buffer[ROOM], kid;
    lscoap_io io = io_of(BYTES(get_plain), BYTES(buffer));
    lscoap_group_exchange exchange = {{0}};
    lscoap_membership of;
    lscoap_member_stats stats;
    uint16_t number;
    int32_t how;
    size_t len;

    lamps_init(t, &l);
#define NULLS(call) CHECK_STATUS(call, LSCOAP_ERR_NULL)
    NULLS(lscoap_group_answer_ask(NULL, l.found[0], &io));
    NULLS(lscoap_group_answer_ask(&l.group, NULL, &io));
    NULLS(lscoap_group_answer_ask(&l.group, l.found[0], NULL));
    NULLS(lscoap_group_take_leave(NULL, l.found[0], &io));
    NULLS(lscoap_group_take_leave(&l.group, NULL, &io));
    NULLS(lscoap_group_take_leave(&l.group, l.found[0], NULL));
    NULLS(lscoap_group_of_ask(NULL, 8, &number));
    NULLS(lscoap_group_of_ask(buffer, 8, NULL));
    NULLS(lscoap_group_write_leave(1, NULL, ROOM, &len));
    NULLS(lscoap_group_write_leave(1, BYTES(buffer), NULL));
    NULLS(lscoap_group_write_notice(NULL, 1, BYTES(buffer), &len));
    NULLS(lscoap_group_write_notice(&l.group, 1, NULL, ROOM, &len));
    NULLS(lscoap_group_write_notice(&l.group, 1, BYTES(buffer), NULL));
    NULLS(lscoap_group_rekey(NULL, NULL, 0, 1, BYTES(buffer), &len));
    NULLS(lscoap_group_rekey(&l.group, NULL, 8, 1, BYTES(buffer), &len));
    NULLS(lscoap_group_rekey(&l.group, NULL, 0, 1, NULL, ROOM, &len));
    NULLS(lscoap_group_rekey(&l.group, NULL, 0, 1, BYTES(buffer), NULL));
    NULLS(lscoap_group_member_id(NULL, 1, BYTES(buffer), &len));
    NULLS(lscoap_group_member_id(&l.group, 1, NULL, ROOM, &len));
    NULLS(lscoap_group_member_id(&l.group, 1, BYTES(buffer), NULL));
    NULLS(lscoap_group_seal_request(NULL, 1, &io, &exchange));
    NULLS(lscoap_group_seal_request(&l.group, 1, NULL, &exchange));
    NULLS(lscoap_group_protect_request(NULL, 1, 1, &io, &exchange));
    NULLS(lscoap_group_protect_request(&l.group, 1, 1, NULL, &exchange));
    NULLS(lscoap_group_open_answer(NULL, &io, &exchange, &kid));
    NULLS(lscoap_group_open_answer(&l.group, NULL, &exchange, &kid));
    NULLS(lscoap_group_open_answer(&l.group, &io, NULL, &kid));
    NULLS(lscoap_group_open_answer(&l.group, &io, &exchange, NULL));
    NULLS(lscoap_group_unprotect_answer(NULL, &io, &exchange, &kid));
    NULLS(lscoap_group_unprotect_answer(&l.group, NULL, &exchange, &kid));
    NULLS(lscoap_group_unprotect_answer(&l.group, &io, NULL, &kid));
    NULLS(lscoap_group_unprotect_answer(&l.group, &io, &exchange, NULL));
    NULLS(lscoap_member_init(NULL, NULL, NULL));
    NULLS(lscoap_member_ask(NULL, 1, BYTES(buffer), &len));
    NULLS(lscoap_member_ask(&l.member[0], 1, NULL, ROOM, &len));
    NULLS(lscoap_member_ask(&l.member[0], 1, BYTES(buffer), NULL));
    NULLS(lscoap_member_answer(NULL, 1, buffer, 1));
    NULLS(lscoap_member_answer(&l.member[0], 1, NULL, 1));
    NULLS(lscoap_member_notice(NULL, buffer, 1));
    NULLS(lscoap_member_notice(&l.member[0], NULL, 1));
    NULLS(lscoap_member_open_request(NULL, &io, &how, &exchange));
    NULLS(lscoap_member_open_request(&l.member[0], NULL, &how, &exchange));
    NULLS(lscoap_member_open_request(&l.member[0], &io, NULL, &exchange));
    NULLS(lscoap_member_open_request(&l.member[0], &io, &how, NULL));
    NULLS(lscoap_member_unprotect_request(NULL, &io, &how, &exchange));
    NULLS(lscoap_member_unprotect_request(&l.member[0], NULL, &how, &exchange));
    NULLS(lscoap_member_unprotect_request(&l.member[0], &io, NULL, &exchange));
    NULLS(lscoap_member_unprotect_request(&l.member[0], &io, &how, NULL));
    NULLS(lscoap_member_seal_answer(NULL, &io, &exchange));
    NULLS(lscoap_member_seal_answer(&l.member[0], NULL, &exchange));
    NULLS(lscoap_member_seal_answer(&l.member[0], &io, NULL));
    NULLS(lscoap_member_protect_answer(NULL, &io, &exchange));
    NULLS(lscoap_member_protect_answer(&l.member[0], NULL, &exchange));
    NULLS(lscoap_member_protect_answer(&l.member[0], &io, NULL));
    NULLS(lscoap_member_group(NULL, &of));
    NULLS(lscoap_member_group(&l.member[0], NULL));
    NULLS(lscoap_member_get_stats(NULL, &stats));
    NULLS(lscoap_member_get_stats(&l.member[0], NULL));
    CHECK(lscoap_member_answer_wanted(NULL, &exchange, 0x45) == 0);
    CHECK(lscoap_member_answer_wanted(&l.member[0], NULL, 0x45) == 0);
    CHECK(lscoap_member_ask_due(NULL) == UINT64_MAX);
    CHECK(lscoap_group_number(NULL) == 0 && lscoap_group_epoch(NULL) == 0);
    CHECK(lscoap_is_group_object(NULL, 0) == 0 && lscoap_is_group_object(NULL, 1) == 0);
    lscoap_member_wipe(NULL);
    lscoap_group_wipe(NULL);
    lamps_wipe(&l);
}

/* Zeroed memory, and what was wiped. */
void case_group_uninitialised(struct check *t) {
    for (int wiped = 0; wiped < 2; wiped++) {
        struct lamps l;
        uint8_t buffer[LSCOAP_GROUP_MESSAGE_MAX] = {0x39, 1, 3, 0, 7, 0x41}, kid;
        lscoap_io io = io_of(BYTES(buffer), BYTES(buffer));
        lscoap_group_exchange exchange = {{0}};
        lscoap_membership of;
        lscoap_member_stats stats;
        int32_t how;
        size_t len;

        lamps_init(t, &l);
        if (wiped) {
            lscoap_group_wipe(&l.group);
            lscoap_member_wipe(&l.member[0]);
        } else {
            memset(&l.group, 0, sizeof l.group);
            memset(&l.member[0], 0, sizeof l.member[0]);
        }
#define NONE(call) CHECK_STATUS(call, LSCOAP_ERR_UNINITIALISED)
        NONE(lscoap_group_answer_ask(&l.group, l.found[0], &io));
        NONE(lscoap_group_take_leave(&l.group, l.found[0], &io));
        NONE(lscoap_group_rekey(&l.group, NULL, 0, 1, BYTES(buffer), &len));
        NONE(lscoap_group_write_notice(&l.group, 1, BYTES(buffer), &len));
        NONE(lscoap_group_member_id(&l.group, 1, BYTES(buffer), &len));
        NONE(lscoap_group_seal_request(&l.group, LSCOAP_GROUP_SIGNED, &io, NULL));
        NONE(lscoap_group_protect_request(&l.group, LSCOAP_GROUP_SIGNED, LSCOAP_CARRIER_OSCORE, &io,
                                          NULL));
        NONE(lscoap_group_open_answer(&l.group, &io, &exchange, &kid));
        NONE(lscoap_group_unprotect_answer(&l.group, &io, &exchange, &kid));
        NONE(lscoap_member_ask(&l.member[0], 1, BYTES(buffer), &len));
        NONE(lscoap_member_answer(&l.member[0], 1, buffer, 1));
        NONE(lscoap_member_notice(&l.member[0], buffer, 1));
        NONE(lscoap_member_open_request(&l.member[0], &io, &how, &exchange));
        NONE(lscoap_member_unprotect_request(&l.member[0], &io, &how, &exchange));
        NONE(lscoap_member_seal_answer(&l.member[0], &io, &exchange));
        NONE(lscoap_member_protect_answer(&l.member[0], &io, &exchange));
        NONE(lscoap_member_group(&l.member[0], &of));
        NONE(lscoap_member_get_stats(&l.member[0], &stats));
        CHECK(lscoap_member_ask_due(&l.member[0]) == UINT64_MAX);
        lamps_wipe(&l);
    }
}

/* Every byte of a request counts, but the others' tags; what fails leaves zeroes. */
void case_group_damaged(struct check *t) {
    struct lamps l;

    lamps_init(t, &l);
    for (int32_t mode = LSCOAP_GROUP_SIGNED; mode <= LSCOAP_GROUP_TAGGED; mode++) {
        uint8_t object[ROOM], out[ROOM];
        lscoap_group_exchange exchange;
        int32_t how = 0;
        lscoap_io io = io_of(BYTES(get_plain), BYTES(object));
        size_t len, end;

        CHECK_STATUS(lscoap_group_seal_request(&l.group, mode, &io, NULL), LSCOAP_OK);
        len = io.out_len;
        end = mode == LSCOAP_GROUP_SIGNED ? len : len - 4 * (PLACES - 1);
        for (size_t at = 0; at < end; at += stride()) {
            object[at] ^= 1;
            memset(out, CANARY, sizeof out);
            io = io_of(object, len, BYTES(out));
            /* Failures are forgiven after a while. */
            io.now_ms = l.now_ms += 60000;
            lscoap_status status = lscoap_member_open_request(&l.member[0], &io, &how, &exchange);
            CHECK(status < 0 && io.out_len == SIZE_MAX);
            CHECK(out[0] == (status == LSCOAP_ERR_AUTHENTICATION ? 0 : CANARY));
            object[at] ^= 1;
        }
        io = io_of(object, len, BYTES(out));
        io.now_ms = l.now_ms;
        CHECK_STATUS(lscoap_member_open_request(&l.member[0], &io, &how, &exchange), LSCOAP_OK);
    }
    lamps_wipe(&l);
}

/* What a callback calls on the group that runs it is refused, and changes nothing. */
struct caller {
    lscoap_group *group;
    unsigned calls;
    unsigned refused;
};

static int save_and_call(void *context, uint8_t kid, const uint8_t *id, size_t id_len) {
    struct caller *caller = context;
    uint8_t message[LSCOAP_GROUP_MESSAGE_MAX];
    size_t len;
    lscoap_io io = io_of(BYTES(get_plain), BYTES(message));

    (void)kid;
    (void)id;
    (void)id_len;
    caller->calls++;
    caller->refused +=
        lscoap_group_seal_request(caller->group, LSCOAP_GROUP_TAGGED, &io, NULL) ==
            LSCOAP_ERR_STATE &&
        lscoap_group_rekey(caller->group, NULL, 0, 1, BYTES(message), &len) == LSCOAP_ERR_STATE &&
        lscoap_group_member_id(caller->group, 1, BYTES(message), &len) == LSCOAP_ERR_STATE &&
        lscoap_group_epoch(caller->group) == 0;
    lscoap_group_wipe(caller->group);
    return 0;
}

void case_group_callbacks(struct check *t) {
    struct lamps l;
    struct caller caller = {&l.group, 0, 0};
    lscoap_group_config config;

    lamps_init(t, &l);
    config = config_of(&l);
    config.save_place = save_and_call;
    config.save_place_context = &caller;
    CHECK_STATUS(lscoap_group_create(&l.group, &l.w.server_platform, &config, l.now_ms), LSCOAP_OK);
    l.now_ms += 60000;
    CHECK_STATUS(ask(&l, 0), LSCOAP_OK);
    CHECK(caller.calls == 1 && caller.refused == 1);
    CHECK(lscoap_group_epoch(&l.group) == 1);
    lamps_wipe(&l);
}
