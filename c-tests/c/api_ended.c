/* The end of a session is told, so that what was kept beside it can go too. */
#include <string.h>

#include "support.h"

enum { KEPT = 4, EACH = 32 };

/* What a caller keeps beside its sessions, and what it has heard of them. */
struct beside {
    struct check *t;
    struct world *w;
    lscoap_answers answers;
    lscoap_kept places[KEPT];
    uint8_t bytes[KEPT * EACH];
    unsigned ended;
    size_t slot;
    uint8_t kid[LSCOAP_CID_MAX];
    size_t kid_len;
    uint8_t device_id[LSCOAP_DEVICE_ID_MAX];
    size_t device_id_len;
};

/* A callback gets nowhere with the server that runs it. */
static void try_all(struct check *t, struct world *w) {
    uint8_t bytes[LSCOAP_MESSAGE_MAX] = {0x0f, 1};
    lscoap_io io = {bytes, 2, BYTES(bytes), 0, w->now_ms, NULL, 0};
    lscoap_sender from = {NULL, 0, NULL, 0};
    lscoap_session session = {{0}}, *found = NULL;
    lscoap_exchange exchange;
    lscoap_stats stats;
    size_t index;
    CHECK_STATUS(
        lscoap_server_init(&w->server, &w->server_platform, &w->server_config, w->slots, SLOTS),
        LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_step(&w->server, &from, &io, NULL), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_open_request(&w->server, &io, &found, &exchange), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_unprotect_request(&w->server, &io, &found, &exchange),
                 LSCOAP_ERR_STATE);
    CHECK(lscoap_server_find(&w->server, w->now_ms, bytes, 2) == NULL);
    CHECK(lscoap_server_session_of(&w->server, w->now_ms, bytes, 1) == NULL);
    CHECK_STATUS(lscoap_server_slot_index(&w->server, &session, &index), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_confirm(&w->server, &session), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_forget(&w->server, (const uint8_t *)"sensor-7", 8),
                 LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_stats(&w->server, &stats), LSCOAP_ERR_STATE);
    CHECK_STATUS(lscoap_server_public_key(&w->server, bytes), LSCOAP_ERR_STATE);
    lscoap_server_wipe(&w->server);
}

static void hear(void *context, const lscoap_ended *ended) {
    struct beside *beside = context;
    struct check *t = beside->t;
    beside->ended++;
    beside->slot = ended->slot;
    beside->kid_len = ended->kid_len;
    memcpy(beside->kid, ended->kid, ended->kid_len);
    beside->device_id_len = ended->device_id_len;
    memcpy(beside->device_id, ended->device_id, ended->device_id_len);
    CHECK_STATUS(lscoap_answers_forget(&beside->answers, ended->fingerprint), LSCOAP_OK);
    try_all(t, beside->w);
}

static int find_and_try(void *context, const uint8_t *id, size_t id_len, uint8_t *public_key) {
    struct beside *beside = context;
    try_all(beside->t, beside->w);
    return directory_find(&beside->w->directory, id, id_len, public_key);
}

static void begin(struct check *t, struct world *w, struct beside *beside) {
    memset(beside, 0, sizeof *beside);
    beside->t = t;
    beside->w = w;
    beside->answers = (lscoap_answers){beside->places, KEPT, BYTES(beside->bytes)};
    world_init(t, w, LSCOAP_EXPRESS);
    w->server_config.find_device = find_and_try;
    w->server_config.find_device_context = beside;
    w->server_config.session_ended = hear;
    w->server_config.session_ended_context = beside;
    CHECK_STATUS(
        lscoap_server_init(&w->server, &w->server_platform, &w->server_config, w->slots, SLOTS),
        LSCOAP_OK);
}

/* Of one session, with the answer that is kept for it: whichever of `ways` it ends in. */
static void end_one(struct check *t, int way) {
    static const uint8_t request[] = "a sealed request", answer[] = "its answer";
    struct world w;
    struct beside beside;
    lscoap_session device = {{0}}, newer = {{0}};
    uint8_t kid[LSCOAP_CID_MAX];
    size_t kid_len, slot, len;
    begin(t, &w, &beside);
    lscoap_session *session = establish(t, &w, &device);
    CHECK_STATUS(lscoap_session_recipient_id(session, BYTES(kid), &kid_len), LSCOAP_OK);
    CHECK_STATUS(lscoap_server_slot_index(&w.server, session, &slot), LSCOAP_OK);
    CHECK_STATUS(
        lscoap_answers_keep(&beside.answers, session, w.now_ms, BYTES(request), BYTES(answer)),
        LSCOAP_OK);
    CHECK(lscoap_answers_find(&beside.answers, w.now_ms, BYTES(request), &len) != NULL);
    CHECK(beside.ended == 0);
    switch (way) {
    case 0:
        CHECK_STATUS(lscoap_server_forget(&w.server, (const uint8_t *)"sensor-7", 8), LSCOAP_OK);
        break;
    case 1:
        CHECK(connect(t, &w, &newer));
        CHECK(beside.ended == 0);
        CHECK(confirm(t, &w, &newer) != NULL);
        break;
    case 2:
        lscoap_session_wipe(session);
        CHECK(beside.ended == 0);
        CHECK_STATUS(try_request(t, &w, &device), LSCOAP_ERR_UNKNOWN_SESSION);
        break;
    default:
        lscoap_server_wipe(&w.server);
    }
    CHECK(beside.ended == 1);
    CHECK(beside.slot == slot && beside.kid_len == kid_len);
    CHECK_BYTES(beside.kid, kid, kid_len);
    CHECK(beside.device_id_len == 8 && memcmp(beside.device_id, "sensor-7", 8) == 0);
    CHECK(lscoap_answers_find(&beside.answers, w.now_ms, BYTES(request), &len) == NULL);
    lscoap_session_wipe(&device);
    lscoap_session_wipe(&newer);
    world_wipe(&w);
    CHECK(beside.ended == (way == 1 ? 2 : 1));
}

void case_session_ended(struct check *t) {
    for (int way = 0; way < 4; way++) {
        end_one(t, way);
    }
}

/* An unconfirmed session is told of, too: its context may have been handed over. */
void case_unconfirmed_session_ended(struct check *t) {
    struct world w;
    struct beside beside;
    lscoap_session device = {{0}};
    begin(t, &w, &beside);
    CHECK(connect(t, &w, &device));
    w.now_ms += 59999;
    CHECK(lscoap_server_session_of(&w.server, w.now_ms, (const uint8_t *)"", 0) == NULL);
    CHECK(beside.ended == 0);
    w.now_ms += 1;
    CHECK_STATUS(try_request(t, &w, &device), LSCOAP_ERR_UNKNOWN_SESSION);
    CHECK(beside.ended == 1);
    lscoap_session_wipe(&device);
    world_wipe(&w);
    CHECK(beside.ended == 1);
}
