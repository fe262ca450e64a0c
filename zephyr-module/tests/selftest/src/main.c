/* The cases of the bare-metal self-test, each a test of ztest. */
#include "cases.h"
#include "check.h"

#include <zephyr/ztest.h>

static void run(const char *name, void (*run_case)(int32_t profile), int32_t profile) {
    const uint32_t before = check_failures();

    check_case(name, run_case, profile);
    zassert_equal(check_failures(), before, "%s", name);
}

/* The one with both profiles, in this order: the recording has it. */
static void run_both(const char *name, void (*run_case)(int32_t profile)) {
    run(name, run_case, LSCOAP_SIGNED);
    run(name, run_case, LSCOAP_EXPRESS);
}

#define BOTH(suite, name)                                                                          \
    ZTEST(suite, test_##name) {                                                                    \
        run_both(#name, case_##name);                                                              \
    }

ZTEST_SUITE(lscoap_vectors, NULL, NULL, NULL, NULL, NULL);

ZTEST(lscoap_vectors, test_public_keys) {
    run("public_keys", case_public_keys, 0);
}

ZTEST(lscoap_vectors, test_enrolment_strings) {
    run("enrolment_strings", case_enrolment_strings, 0);
}

BOTH(lscoap_vectors, recorded)

ZTEST_SUITE(lscoap_handshake, NULL, NULL, NULL, NULL, NULL);

BOTH(lscoap_handshake, retransmission)
BOTH(lscoap_handshake, order)
BOTH(lscoap_handshake, unknown_device)
BOTH(lscoap_handshake, impostor)
BOTH(lscoap_handshake, busy)
BOTH(lscoap_handshake, random_failure)
BOTH(lscoap_handshake, message_capacity)
BOTH(lscoap_handshake, expiry)

ZTEST_SUITE(lscoap_records, NULL, NULL, NULL, NULL, NULL);

BOTH(lscoap_records, replay)
BOTH(lscoap_records, wrong_tag)
BOTH(lscoap_records, wrong_place)
BOTH(lscoap_records, unconfirmed)
BOTH(lscoap_records, object_capacity)

ZTEST_SUITE(lscoap_hostile, NULL, NULL, NULL, NULL, NULL);

static void damage(int32_t profile) {
    const uint32_t before = check_failures();

    run_damage_cases(profile);
    zassert_equal(check_failures(), before, "a damaged message did harm");
}

ZTEST(lscoap_hostile, test_damage_signed) {
    damage(LSCOAP_SIGNED);
}

ZTEST(lscoap_hostile, test_damage_express) {
    damage(LSCOAP_EXPRESS);
}
