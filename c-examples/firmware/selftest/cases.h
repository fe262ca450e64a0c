/* The cases. `profile` is 0 for those that concern none. */
#ifndef CASES_H
#define CASES_H

#include <stdint.h>

void case_public_keys(int32_t profile);
void case_enrolment_strings(int32_t profile);
void case_recorded(int32_t profile);

void case_retransmission(int32_t profile);
void case_order(int32_t profile);
void case_unknown_device(int32_t profile);
void case_impostor(int32_t profile);
void case_busy(int32_t profile);
void case_random_failure(int32_t profile);
void case_message_capacity(int32_t profile);
void case_expiry(int32_t profile);

void case_replay(int32_t profile);
void case_wrong_tag(int32_t profile);
void case_wrong_place(int32_t profile);
void case_unconfirmed(int32_t profile);
void case_object_capacity(int32_t profile);

/* In QEMU alone, where instructions are counted. */
void case_time_of_keys(int32_t profile);
void case_time_of_steps(int32_t profile);

/* Where the library has assembly for them: not on the Cortex-M0. */
void case_aes(int32_t profile);
void case_time_of_aes(int32_t profile);
void case_sha256(int32_t profile);
void case_time_of_sha256(int32_t profile);

/* Where it has p256-small besides. */
void case_p256(int32_t profile);
void case_time_of_p256(int32_t profile);

/* Damages every message of a handshake and every kind of object; runs a case for each. */
void run_damage_cases(int32_t profile);

#endif
