/* Retry cookies, connection ids of one server among several, and what a server counts. */
#include "support.h"
#include <string.h>

static lscoap_status step_from(struct world *w, const char *peer, const struct message *in,
                               struct message *out) {
    return step_bytes(&w->server, (const uint8_t *)peer, strlen(peer), NULL, 0, w->now_ms,
                      in->bytes, in->len, BYTES(out->bytes), &out->len);
}

static bool is_retry(lscoap_status status, const struct message *m) {
    return status == LSCOAP_REFUSED && is_answer(status, m) &&
           lscoap_response_code(m->bytes, m->len) == (4 << 5 | 1);
}

void case_retry_cookies(struct check *t) {
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        struct world w, other;
        struct message first, retried, retry, answer;
        lscoap_session session = {{0}};
        world_init(t, &w, profile);
        world_init(t, &other, profile);
        other.device_source.state = 77;
        w.server_config.retry_rate = 1;
        CHECK_STATUS(
            lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
            LSCOAP_OK);
        /* The first in a second passes, the second has to show that it can be reached. */
        CHECK_STATUS(client_step(t, &other, NULL, &first), LSCOAP_SEND);
        CHECK_STATUS(step_from(&w, "b", &first, &answer), LSCOAP_SEND);
        CHECK_STATUS(client_step(t, &w, NULL, &first), LSCOAP_SEND);
        CHECK(is_retry(step_from(&w, "a", &first, &retry), &retry));
        CHECK_STATUS(client_step(t, &w, &retry, &retried), LSCOAP_SEND);
        CHECK(retried.len == first.len + 17);
        CHECK(is_retry(step_from(&w, "b", &retried, &answer), &answer)); /* not from there */
        retried.bytes[1] ^= 1;
        CHECK(is_retry(step_from(&w, "a", &retried, &answer), &answer));
        retried.bytes[1] ^= 1;
        w.now_ms += 59000;
        CHECK_STATUS(step_from(&w, "a", &retried, &answer), LSCOAP_SEND);
        CHECK_STATUS(step_from(&w, "c", &retried, &retry), LSCOAP_SEND); /* a repetition */
        CHECK(retry.len == answer.len && memcmp(retry.bytes, answer.bytes, retry.len) == 0);
        lscoap_status status = client_step(t, &w, &answer, &first);
        while (status == LSCOAP_SEND) {
            CHECK_STATUS(step_from(&w, "a", &first, &answer), LSCOAP_SEND);
            status = client_step(t, &w, &answer, &first);
        }
        CHECK_STATUS(status, LSCOAP_READY);
        CHECK_STATUS(lscoap_client_finish(&w.client, &session), LSCOAP_OK);
        CHECK(confirm(t, &w, &session) != NULL);
        world_wipe(&w);
        world_wipe(&other);
    }
}

/* Nobody who does not answer gets more than half of the room, and nothing is kept of who asks. */
void case_retry_when_crowded(struct check *t) {
    struct world w;
    struct message m1, answer;
    lscoap_stats stats;
    world_init(t, &w, LSCOAP_SIGNED);
    for (unsigned i = 0; i < 100; i++) {
        lscoap_client_restart(&w.client);
        CHECK_STATUS(client_step(t, &w, NULL, &m1), LSCOAP_SEND);
        lscoap_status status = step_from(&w, "flood", &m1, &answer);
        CHECK(i <= SLOTS / 2 ? status == LSCOAP_SEND : is_retry(status, &answer));
    }
    CHECK_STATUS(lscoap_server_stats(&w.server, &stats), LSCOAP_OK);
    CHECK(stats.half_open == SLOTS / 2 + 1 && stats.retries == 100 - stats.half_open);
    char peer[257];
    memset(peer, 'p', sizeof peer);
    peer[256] = '\0';
    CHECK_STATUS(step_from(&w, peer, &m1, &answer), LSCOAP_ERR_ARGUMENT);
    CHECK(is_retry(step_from(&w, peer + 1, &m1, &answer), &answer));
    world_wipe(&w);
}

void case_cid_prefix(struct check *t) {
    struct world w;
    lscoap_session session = {{0}};
    uint8_t object[64];
    size_t len;
    lscoap_exchange exchange;
    world_init(t, &w, LSCOAP_EXPRESS);
    w.server_config.cid_prefix = (const uint8_t *)"\x07\x08";
    w.server_config.cid_prefix_len = 2;
    CHECK_STATUS(
        lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
        LSCOAP_OK);
    CHECK(establish(t, &w, &session) != NULL);
    CHECK_STATUS(seal_request_bytes(&session, AAD, (const uint8_t *)PLAIN, PLAIN_LEN, BYTES(object),
                                    &len, &exchange),
                 LSCOAP_OK);
    CHECK(object[2] == 7 && object[3] == 8);
    CHECK(lscoap_server_find(&w.server, w.now_ms, object, len) != NULL);
    object[2] = 6;
    CHECK(lscoap_server_find(&w.server, w.now_ms, object, len) == NULL);
    static const struct {
        size_t cid_len, prefix_len;
        lscoap_status expected;
    } forms[] = {
        {0, 6, LSCOAP_OK},           {7, 6, LSCOAP_OK},           {3, 2, LSCOAP_OK},
        {0, 7, LSCOAP_ERR_ARGUMENT}, {2, 2, LSCOAP_ERR_ARGUMENT}, {1, 2, LSCOAP_ERR_ARGUMENT},
        {8, 2, LSCOAP_ERR_ARGUMENT}, {0, 8, LSCOAP_ERR_ARGUMENT},
    };
    static const uint8_t prefix[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        w.server_config.cid_len = forms[i].cid_len;
        w.server_config.cid_prefix = prefix;
        w.server_config.cid_prefix_len = forms[i].prefix_len;
        CHECK_STATUS(
            lscoap_server_init(&w.server, &w.server_platform, &w.server_config, w.slots, SLOTS),
            forms[i].expected);
    }
    world_wipe(&w);
}

void case_server_stats(struct check *t) {
    struct world w;
    struct message m1, answer, garbage = {{0x11, 0}, 2};
    lscoap_session session = {{0}};
    lscoap_stats stats;
    world_init(t, &w, LSCOAP_SIGNED);
    CHECK_STATUS(lscoap_server_stats(NULL, &stats), LSCOAP_ERR_NULL);
    CHECK_STATUS(lscoap_server_stats(&w.server, NULL), LSCOAP_ERR_NULL);
    CHECK_STATUS(client_step(t, &w, NULL, &m1), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &w, &m1, &answer), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &w, &m1, &answer), LSCOAP_SEND);
    CHECK_STATUS(server_step(t, &w, &garbage, &answer), LSCOAP_REFUSED);
    lscoap_client_restart(&w.client);
    w.now_ms += 30000;
    CHECK(establish(t, &w, &session) != NULL);
    uint8_t object[64], plain[64];
    size_t len, plain_len;
    lscoap_exchange ours, theirs;
    lscoap_session *found;
    CHECK_STATUS(seal_request_bytes(&session, AAD, (const uint8_t *)PLAIN, PLAIN_LEN, BYTES(object),
                                    &len, &ours),
                 LSCOAP_OK);
    static const lscoap_status expected[] = {LSCOAP_OK, LSCOAP_ERR_REPLAY, LSCOAP_ERR_REPLAY,
                                             LSCOAP_ERR_AUTHENTICATION};
    for (size_t i = 0; i < 4; i++) {
        object[1] = (uint8_t)(object[1] + (i == 3)); /* another number */
        CHECK_STATUS(server_open_bytes(&w.server, w.now_ms, AAD, object, len, BYTES(plain),
                                       &plain_len, &found, &theirs),
                     expected[i]);
    }
    CHECK_STATUS(lscoap_server_stats(&w.server, &stats), LSCOAP_OK);
    CHECK(stats.begun_signed == 2 && stats.begun_express == 0 && stats.begun_resume == 0);
    CHECK(stats.confirmed == 1 && stats.confirmed_resume == 0);
    CHECK(stats.refused[3] == 1 && stats.refused[1] + stats.refused[2] + stats.refused[5] == 0);
    CHECK(stats.duplicates == 1 && stats.retries == 0 && stats.expired == 1 && stats.evicted == 0);
    CHECK(stats.records == 2 && stats.replays == 2 && stats.bad_records == 1);
    CHECK(stats.half_open == 0 && stats.unconfirmed == 0 && stats.confirmed_now == 1);
    CHECK(stats.slots == SLOTS && stats.store_failures == 0);
    lscoap_server_wipe(&w.server);
    CHECK_STATUS(lscoap_server_stats(&w.server, &stats), LSCOAP_ERR_UNINITIALISED);
    world_wipe(&w);
}
