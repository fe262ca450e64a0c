/* A member of a group: asks for the group in its session, listens where the group is, and executes
 * what the server has sent to all (docs/group.md). */
#ifndef LSCOAP_EXAMPLES_GROUP_LISTENER_H
#define LSCOAP_EXAMPLES_GROUP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coap3/coap.h>
#include <lscoap.h>

#include "group_message.h"

enum { GROUP_LISTENER_ANSWERS = 4, GROUP_LISTENER_LEISURE_MS = 600 };

/* Carries out a request of the group's: its plain message, and how it was proved. Fills in the code
 * and the payload of an answer, which stay valid until the next call. */
typedef void (*group_listener_serve)(void *context, const struct group_message *request,
                                     const char *path, int32_t mode, struct group_message *answer);

/* Sends a POST with `ask` to LSCOAP_LIBCOAP_GROUP_PATH in the session, and gives what came back:
 * false when nothing did, and *busy when it is to be tried again later. */
typedef bool (*group_listener_ask)(void *context, const uint8_t *ask, size_t len,
                                   uint8_t answer[LSCOAP_GROUP_MESSAGE_MAX], size_t *answer_len,
                                   bool *busy);

struct group_listener {
    group_listener_ask ask;
    group_listener_serve serve;
    void *context;
    uint32_t leisure_ms; /* answers are spread over this */
    uint32_t max_age_s;  /* of requests in timed groups; 0: any */

    /* the listener's own */
    lscoap_member member;
    lscoap_platform platform;
    coap_address_t local;  /* of the session */
    coap_address_t server; /* the same */
    coap_address_t group;
    int group_fd;
    int answer_fd;
    uint64_t retry_ms; /* when an ASK that got no answer is sent again */
    struct group_listener_answer {
        bool pending;
        uint64_t due_ms;
        coap_address_t to;
        uint8_t bytes[GROUP_MESSAGE_ROOM];
        size_t len;
    } answers[GROUP_LISTENER_ANSWERS];
};

/* Asks, and listens for that long. False, and a line on stderr, when it is no member. `local` and
 * `server` are the session's ends. */
bool group_listener_run(struct group_listener *listener, const coap_address_t *local,
                        const coap_address_t *server, uint32_t seconds);

#endif
