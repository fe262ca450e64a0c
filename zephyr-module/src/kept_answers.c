#include "kept_answers.h"

#include <stdbool.h>
#include <string.h>

static const uint8_t *tag_of(const struct kept_request *request) {
    return request->object + request->object_len - KEPT_TAG_LEN;
}

static bool can_be_kept(const struct kept_request *request) {
    return request->object_len >= KEPT_TAG_LEN && request->peer_len <= KEPT_PEER_MAX;
}

static bool is_for(const struct kept_answer *answer, const struct kept_request *request) {
    return answer->len > 0 && answer->message_id == request->message_id &&
           answer->peer_len == request->peer_len &&
           memcmp(answer->peer, request->peer, request->peer_len) == 0 &&
           memcmp(answer->tag, tag_of(request), KEPT_TAG_LEN) == 0;
}

const uint8_t *kept_find(const struct kept_answers *answers, const struct kept_request *request,
                         size_t *len) {
    for (size_t i = 0; can_be_kept(request) && i < answers->count; i++) {
        if (is_for(&answers->list[i], request)) {
            *len = answers->list[i].len;
            return answers->bytes + i * answers->room;
        }
    }
    return NULL;
}

void kept_put(struct kept_answers *answers, const struct kept_request *request,
              const uint8_t *answer, size_t len) {
    struct kept_answer *kept = &answers->list[answers->oldest];

    if (!can_be_kept(request) || len > answers->room) {
        return;
    }
    memcpy(kept->peer, request->peer, request->peer_len);
    kept->peer_len = (uint8_t)request->peer_len;
    kept->message_id = request->message_id;
    memcpy(kept->tag, tag_of(request), KEPT_TAG_LEN);
    memcpy(answers->bytes + answers->oldest * answers->room, answer, len);
    kept->len = len;
    answers->oldest = (answers->oldest + 1) % answers->count;
}
