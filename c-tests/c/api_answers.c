/* Answers that are kept for requests that come again. */
#include <string.h>

#include "support.h"

enum { PLACES = 4, EACH = 32 };

static const uint8_t get[] = {0x40, 1, 0, 1, 0xb1, 'x'};
static const uint8_t answered[] = "the answer, sealed";

/* A request whose answer was lost gets it again, in either carrier and under another token; later
 * it is refused. */
void case_kept_answers(struct check *t) {
    for (int32_t carrier = LSCOAP_CARRIER_OSCORE; carrier <= LSCOAP_CARRIER_PAYLOAD; carrier++) {
        struct world w;
        lscoap_session device = {{0}}, *found = NULL;
        lscoap_exchange ours, theirs;
        lscoap_kept places[PLACES];
        uint8_t bytes[PLACES * EACH], sent[64], received[64], fingerprint[LSCOAP_FINGERPRINT_LEN];
        size_t len = 12345;
        lscoap_answers answers = {places, PLACES, bytes, sizeof bytes};
        lscoap_io io = {get, sizeof get, BYTES(sent), 0, 0, NULL, 0};
        memset(places, 0, sizeof places);
        world_init(t, &w, LSCOAP_EXPRESS);
        connect(t, &w, &device);
        CHECK_STATUS(lscoap_protect_request(&device, carrier, &io, &ours), LSCOAP_OK);
        size_t sent_len = io.out_len;
        CHECK(lscoap_answers_find(&answers, w.now_ms, sent, sent_len, &len) == NULL);
        CHECK(len == 12345);
        io = (lscoap_io){sent, sent_len, BYTES(received), 0, w.now_ms, NULL, 0};
        CHECK_STATUS(lscoap_server_unprotect_request(&w.server, &io, &found, &theirs), LSCOAP_OK);
        CHECK_STATUS(lscoap_answers_keep(&answers, found, w.now_ms, sent, sent_len, answered,
                                         sizeof answered),
                     LSCOAP_OK);

        /* In a message with a token and another message id. */
        memmove(received + 5, sent + 4, sent_len - 4);
        memcpy(received, "\x41\x02\x77\x77\x55", 5);
        const uint8_t *kept =
            lscoap_answers_find(&answers, w.now_ms + 246999, received, sent_len + 1, &len);
        CHECK(kept != NULL && len == sizeof answered);
        CHECK_BYTES(kept, answered, sizeof answered);
        CHECK(lscoap_answers_find(&answers, w.now_ms + 247000, sent, sent_len, &len) == NULL);
        sent[sent_len - 1] ^= 1;
        CHECK(lscoap_answers_find(&answers, w.now_ms, sent, sent_len, &len) == NULL);
        sent[sent_len - 1] ^= 1;

        CHECK_STATUS(
            lscoap_answers_keep(&answers, found, w.now_ms, sent, sent_len, bytes, EACH + 1),
            LSCOAP_ERR_CAPACITY);
        CHECK(lscoap_answers_find(NULL, w.now_ms, sent, sent_len, &len) == NULL);
        CHECK(lscoap_answers_find(&answers, w.now_ms, NULL, 1, &len) == NULL);
        CHECK(lscoap_answers_find(&answers, w.now_ms, sent, sent_len, NULL) == NULL);
        CHECK_STATUS(lscoap_answers_keep(NULL, found, 0, sent, 9, answered, 1), LSCOAP_ERR_NULL);
        CHECK_STATUS(lscoap_answers_keep(&answers, NULL, 0, sent, 9, answered, 1), LSCOAP_ERR_NULL);
        CHECK_STATUS(lscoap_answers_keep(&answers, found, 0, NULL, 9, answered, 1),
                     LSCOAP_ERR_NULL);
        CHECK_STATUS(lscoap_answers_keep(&answers, found, 0, sent, 9, NULL, 1), LSCOAP_ERR_NULL);
        CHECK_STATUS(lscoap_session_fingerprint(found, fingerprint), LSCOAP_OK);
        CHECK_STATUS(lscoap_answers_forget(NULL, fingerprint), LSCOAP_ERR_NULL);
        CHECK_STATUS(lscoap_answers_forget(&answers, NULL), LSCOAP_ERR_NULL);
        CHECK(lscoap_answers_find(&answers, w.now_ms, sent, sent_len, &len) != NULL);
        CHECK_STATUS(lscoap_answers_forget(&answers, fingerprint), LSCOAP_OK);
        CHECK(lscoap_answers_find(&answers, w.now_ms, sent, sent_len, &len) == NULL);
        lscoap_session_wipe(&device);
        world_wipe(&w);
    }
}
