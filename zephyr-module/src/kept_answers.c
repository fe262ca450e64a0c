#include "kept_answers.h"

#include <string.h>

const uint8_t *kept_find(const struct kept_answers *answers, const uint8_t tag[KEPT_TAG_LEN],
                         size_t *len) {
    for (size_t i = 0; i < answers->count; i++) {
        const struct kept_answer *kept = &answers->list[i];

        if (kept->len > 0 && memcmp(kept->tag, tag, KEPT_TAG_LEN) == 0) {
            *len = kept->len;
            return answers->bytes + i * answers->room;
        }
    }
    return NULL;
}

void kept_put(struct kept_answers *answers, const uint8_t tag[KEPT_TAG_LEN], const uint8_t *answer,
              size_t len) {
    struct kept_answer *kept = &answers->list[answers->oldest];

    if (len > answers->room) {
        return;
    }
    memcpy(kept->tag, tag, KEPT_TAG_LEN);
    memcpy(answers->bytes + answers->oldest * answers->room, answer, len);
    kept->len = len;
    answers->oldest = (answers->oldest + 1) % answers->count;
}
