/* Sessions that go on in Zephyr's own OSCORE, of which a stand-in is here. */
#include "scenarios_shared.h"

#include "oscore.h"

#include <lscoap/coap_service.h>

#include <string.h>
#include <zephyr/kernel.h>

enum { UNCONFIRMED_MS = 60000, TRIES = 1000 };

static const uint16_t none[1];

/* The context in which a request of the client's opens. */
static struct coap_oscore_context *ask_natively(void) {
    struct draft draft = request_with("light", COAP_METHOD_GET, none, 0);

    protect(&draft, LSCOAP_CARRIER_OSCORE);
    return standin_oscore_open(draft.bytes, draft.len);
}

/* Both ends are the same session's. */
static bool is_of_client(const lscoap_session *session) {
    uint8_t ours[LSCOAP_FINGERPRINT_LEN], theirs[LSCOAP_FINGERPRINT_LEN];

    return session != NULL &&
           lscoap_session_fingerprint(lscoap_coap_client_session(&client), ours) == LSCOAP_OK &&
           lscoap_session_fingerprint(session, theirs) == LSCOAP_OK &&
           memcmp(ours, theirs, sizeof ours) == 0;
}

/* The kid of the session in this context. */
static unsigned kid_in(const struct coap_oscore_context *context) {
    uint8_t kid[LSCOAP_CID_MAX];
    size_t len;
    const lscoap_session *session = lscoap_coap_oscore_session(context);

    CHECK(session != NULL &&
          lscoap_session_recipient_id(session, kid, sizeof kid, &len) == LSCOAP_OK && len == 1);
    return kid[0];
}

static void forget_client(void) {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t len;
    const lscoap_session *session = lscoap_coap_client_session(&client);

    CHECK(lscoap_session_device_id(session, id, sizeof id, &len) == LSCOAP_OK);
    CHECK(lscoap_coap_forget(id, len) == LSCOAP_OK);
}

void oscore_sessions(int32_t profile) {
    struct coap_oscore_context *first, *second;
    struct draft draft;
    bool is_given = false;
    unsigned kid;

    start_network();
    if (CONFIG_COAP_OSCORE_MAX_CONTEXTS < CONFIG_LSCOAP_SLOTS) {
        CHECK(lscoap_coap_service_oscore() == LSCOAP_ERR_CAPACITY);
        CHECK(connect_client(profile) == LSCOAP_OK && standin_oscore.contexts == 0);
        return;
    }
    CHECK(lscoap_coap_service_oscore() == LSCOAP_OK);

    /* It opens there, and no longer here. */
    CHECK(connect_client(profile) == LSCOAP_OK && standin_oscore.contexts == 1);
    first = ask_natively();
    CHECK(first != NULL && lscoap_coap_oscore_session(NULL) == NULL);
    CHECK(is_of_client(lscoap_coap_oscore_session(first)));
    executed = 0;
    draft = request_with("light", COAP_METHOD_GET, none, 0);
    protect(&draft, LSCOAP_CARRIER_PAYLOAD);
    CHECK(code_of_answer(&draft) >= 0x100 && executed == 0);

    /* It was confirmed, so that it lasts; the device's next one takes its place once that is. */
    (void)k_msleep(UNCONFIRMED_MS);
    CHECK(is_of_client(lscoap_coap_oscore_session(first)));
    CHECK(connect_client(profile) == LSCOAP_OK && standin_oscore.contexts == 2);
    CHECK(lscoap_coap_oscore_session(first) != NULL);
    second = ask_natively();
    CHECK(second != first && is_of_client(lscoap_coap_oscore_session(second)));
    CHECK(standin_oscore.contexts == 1 && lscoap_coap_oscore_session(first) == NULL);

    /* What Zephyr still has is nobody's, and goes later. */
    standin_oscore.in_use = second;
    forget_client();
    CHECK(ask_natively() == second && standin_oscore.contexts == 1);
    CHECK(lscoap_coap_oscore_session(second) == NULL);
    standin_oscore.in_use = NULL;
    CHECK(lscoap_coap_oscore_session(second) == NULL && standin_oscore.contexts == 0);
    CHECK(ask_natively() == NULL);

    /* A session that nobody confirms ends. */
    CHECK(connect_client(profile) == LSCOAP_OK);
    first = ask_natively();
    (void)k_msleep(UNCONFIRMED_MS);
    CHECK(lscoap_coap_oscore_session(first) == NULL && standin_oscore.contexts == 0);

    /* No room. */
    standin_oscore.full = 1;
    CHECK(connect_client(profile) != LSCOAP_OK && standin_oscore.contexts == 0);
    standin_oscore.full = 0;
    CHECK(connect_client(profile) == LSCOAP_OK && ask_natively() != NULL);

    /* A service that begins anew has none. What Zephyr still has is not the session's that gets the
     * same kid, of the few that its slot has. */
    start_network();
    CHECK(standin_oscore.contexts == 0);
    CHECK(connect_client(profile) == LSCOAP_OK);
    standin_oscore.in_use = first = ask_natively();
    kid = kid_in(first);
    for (int i = 0; i < TRIES && !is_given; i++) {
        start_network();
        CHECK(standin_oscore.contexts == 1);
        CHECK(connect_client(profile) == LSCOAP_OK);
        is_given = kid_in(ask_natively()) == kid;
        CHECK(lscoap_coap_oscore_session(first) == NULL);
    }
    CHECK(is_given);
    standin_oscore.in_use = NULL;
    start_network();
    CHECK(standin_oscore.contexts == 0);
}
