/* Whether the library does on this processor what it does elsewhere. One line for each case, and
 * the totals; the exit status is 0 if everything passed. */
#include "board.h"
#include "cases.h"
#include "check.h"

int main(void) {
    static const struct {
        const char *name;
        void (*run)(int32_t profile);
    } cases[] = {
        {"the bytes of the recording", case_recorded},
        {"lost and repeated messages", case_retransmission},
        {"messages and calls out of order", case_order},
        {"an unknown device", case_unknown_device},
        {"a server with another key", case_impostor},
        {"a server without room", case_busy},
        {"a random source that fails", case_random_failure},
        {"a buffer that is too small for a message", case_message_capacity},
        {"a device that comes too late", case_expiry},
        {"replay", case_replay},
        {"wrong tags", case_wrong_tag},
        {"an object in another place", case_wrong_place},
        {"nothing goes out before the first request", case_unconfirmed},
        {"a buffer that is too small for an object", case_object_capacity},
    };
    board_print("lscoap self-test on " BOARD_NAME "\n");
    check_case("public keys of the test vectors", case_public_keys, 0);
    check_case("enrolment strings of the test vectors", case_enrolment_strings, 0);
#if SELFTEST_HAS_ASSEMBLY
    check_case("AES in assembly", case_aes, 0);
    check_case("AES in constant time", case_time_of_aes, 0);
    check_case("SHA-256 in assembly", case_sha256, 0);
    check_case("SHA-256 in constant time", case_time_of_sha256, 0);
#endif
#if SELFTEST_HAS_P256
    check_case("P-256 in assembly", case_p256, 0);
    check_case("P-256 in constant time", case_time_of_p256, 0);
#endif
#if SELFTEST_COUNTS_INSTRUCTIONS
    check_case("keys in constant time", case_time_of_keys, 0);
    check_case("M1 and M3 in constant time", case_time_of_steps, LSCOAP_SIGNED);
    check_case("X1 in constant time", case_time_of_steps, LSCOAP_EXPRESS);
#endif
    for (int32_t profile = LSCOAP_SIGNED; profile <= LSCOAP_EXPRESS; profile++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            check_case(cases[i].name, cases[i].run, profile);
        }
        run_damage_cases(profile);
    }
    return check_end();
}
