/* Sessions that go on in Zephyr's own OSCORE, by its interface of 4.5 (zephyr/net/coap_oscore.h).
 */
#include <lscoap/coap_service.h>

#include "service_oscore.h"

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/net/coap_oscore.h>

LOG_MODULE_DECLARE(lscoap, CONFIG_LSCOAP_LOG_LEVEL);

/* A context of Zephyr's and the session that it was, which may have ended: Zephyr keeps a context
 * for as long as an exchange or an observer has it. */
struct handed {
    struct coap_oscore_context *context; /* null: none */
    uint8_t kid[LSCOAP_CID_MAX];
    uint8_t kid_len;
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];
};
static struct handed table[CONFIG_COAP_OSCORE_MAX_CONTEXTS];
static bool enabled;

lscoap_status lscoap_coap_service_oscore(void) {
    if (CONFIG_COAP_OSCORE_MAX_CONTEXTS < CONFIG_LSCOAP_SLOTS) {
        LOG_ERR("set CONFIG_COAP_OSCORE_MAX_CONTEXTS to at least CONFIG_LSCOAP_SLOTS");
        return LSCOAP_ERR_CAPACITY;
    }
    (void)service_take();
    enabled = true;
    service_give_back();
    return LSCOAP_OK;
}

static struct handed *find(const struct coap_oscore_context *context) {
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].context == context) {
            return &table[i];
        }
    }
    return NULL;
}

/* Null where it has ended: its kid may be another session's now. */
static lscoap_session *session_of(lscoap_server *server, uint64_t now_ms,
                                  const struct handed *handed) {
    uint8_t fingerprint[LSCOAP_FINGERPRINT_LEN];
    lscoap_session *session =
        lscoap_server_session_of(server, now_ms, handed->kid, handed->kid_len);

    if (session == NULL || lscoap_session_fingerprint(session, fingerprint) != LSCOAP_OK ||
        memcmp(fingerprint, handed->fingerprint, sizeof fingerprint) != 0) {
        return NULL;
    }
    return session;
}

void service_oscore_sweep(lscoap_server *server, uint64_t now_ms) {
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].context != NULL && session_of(server, now_ms, &table[i]) == NULL &&
            coap_oscore_context_remove(table[i].context) == 0) {
            memset(&table[i], 0, sizeof table[i]);
        }
    }
}

static int add(struct handed *place, const lscoap_context *context) {
    const struct coap_oscore_init_params params = {
        .master_secret = context->secret,
        .master_secret_len = context->secret_len,
        .sender_id = context->sender_id,
        .sender_id_len = context->sender_id_len,
        .recipient_id = context->recipient_id,
        .recipient_id_len = context->recipient_id_len,
        .master_salt = context->salt,
        .master_salt_len = context->salt_len,
        .aead_alg = COAP_OSCORE_AEAD_AES_CCM_16_64_128,
        .hkdf = COAP_OSCORE_HKDF_SHA_256,
        /* Of this handshake, and nothing has been sealed in it. */
        .fresh_master_secret_salt = true,
    };

    memcpy(place->kid, context->recipient_id, context->recipient_id_len);
    place->kid_len = context->recipient_id_len;
    return coap_oscore_context_add(&params, &place->context);
}

static void wipe(lscoap_context *context) {
    volatile uint8_t *bytes = (volatile uint8_t *)context;

    for (size_t i = 0; i < sizeof *context; i++) {
        bytes[i] = 0;
    }
}

bool service_oscore_made(lscoap_server *server, lscoap_session *made, uint64_t now_ms) {
    lscoap_context context;
    struct handed *place;
    bool added;

    service_oscore_sweep(server, now_ms);
    if (!enabled || made == NULL) {
        return true;
    }
    place = find(NULL);
    if (place == NULL || lscoap_session_fingerprint(made, place->fingerprint) != LSCOAP_OK ||
        lscoap_session_hand_over(made, &context) != LSCOAP_OK) {
        return false;
    }
    added = add(place, &context) == 0;
    wipe(&context);
    if (!added) {
        memset(place, 0, sizeof *place);
    }
    return added;
}

const lscoap_session *lscoap_coap_oscore_session(const struct coap_oscore_context *context) {
    lscoap_server *server = service_take();
    const uint64_t now_ms = (uint64_t)k_uptime_get();
    const struct handed *handed = context == NULL ? NULL : find(context);
    lscoap_session *session = handed == NULL ? NULL : session_of(server, now_ms, handed);

    if (session != NULL && lscoap_server_confirm(server, session) != LSCOAP_OK) {
        session = NULL;
    }
    /* That ends the device's older session. */
    service_oscore_sweep(server, now_ms);
    service_give_back();
    return session;
}
