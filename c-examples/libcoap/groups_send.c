/* Requests of the owner's to all members, and their answers. */
#include "groups_internal.h"

#include <string.h>

#include "cli.h"
#include "posix_platform.h"
#include "server_log.h"

enum {
    COPIES = 2,    /* of a request, against loss ... */
    COPY_MS = 300, /* ... so long after one another */
};

void groups_end_sending(struct group *group) {
    struct sending *sending = &group->sending;

    if (sending->active && sending->caller != 0) {
        group_control_say(group->groups->control, sending->caller, "%zu answered",
                          sending->answers);
        group_control_end(group->groups->control, sending->caller, NULL);
    }
    sending->active = false;
}

/* To everybody, once. False: it does not even leave for the group's address. */
static bool send_once(struct group *group) {
    struct sending *sending = &group->sending;
    lscoap_libcoap_server *server = group->groups->server;

    sending->copies--;
    sending->next_ms = cli_now_ms() + COPY_MS;
    for (size_t i = 0; i < group->record->n_copies; i++) {
        (void)lscoap_libcoap_group_send(server, &group->copies[i], sending->message, sending->len);
    }
    return lscoap_libcoap_group_send(server, &group->address, sending->message, sending->len);
}

/* Protects a message and sends it; what was under way is over. */
lscoap_status groups_send(struct group *group, int32_t mode, struct group_message *message,
                          double wait_ms) {
    struct sending *sending = &group->sending;
    uint8_t plain[GROUP_MESSAGE_ROOM - LSCOAP_GROUP_PROTECT_OVERHEAD];
    uint32_t random = 0;
    lscoap_io io = {.input = plain, .out = sending->message, .out_cap = sizeof sending->message};
    lscoap_status status = lscoap_libcoap_group_token(group->groups->server, sending->token);

    groups_end_sending(group);
    if (status != LSCOAP_OK ||
        group->groups->platform.random(NULL, (uint8_t *)&random, sizeof random) != 0) {
        return LSCOAP_ERR_RANDOM;
    }
    message->mid = (uint16_t)random;
    message->token = sending->token;
    message->token_len = sizeof sending->token;
    io.input_len = group_message_write(message, plain, sizeof plain);
    if (io.input_len == 0) {
        return LSCOAP_ERR_CAPACITY;
    }
    io.now_ms = groups_now_ms();
    status = lscoap_group_protect_request(&group->object, mode, LSCOAP_CARRIER_OSCORE, &io,
                                          &sending->exchange);
    if (status == LSCOAP_ERR_UNSTORED && (status = groups_store(group)) == LSCOAP_OK) {
        status = lscoap_group_protect_request(&group->object, mode, LSCOAP_CARRIER_OSCORE, &io,
                                              &sending->exchange);
    }
    if (status != LSCOAP_OK) {
        return status;
    }
    sending->len = io.out_len;
    sending->active = true;
    sending->caller = 0;
    sending->answers = 0;
    sending->copies = 1 + COPIES;
    sending->until_ms = cli_now_ms() + wait_ms;
    return send_once(group) ? LSCOAP_OK : LSCOAP_LIBCOAP_ERR_UNREACHABLE;
}

/* How many can answer: who has asked for the group. */
static size_t joined(const struct group_record *record) {
    size_t count = 0;

    for (size_t i = 0; i < record->n_members; i++) {
        count += record->members[i].kid != 0;
    }
    return count;
}

void groups_on_answer(void *context, const coap_session_t *peer, const uint8_t *message,
                      size_t len) {
    struct groups *groups = context;

    for (size_t i = 0; i < groups->n; i++) {
        struct group *group = groups->list[i];
        struct sending *sending = &group->sending;
        uint8_t plain[GROUP_MESSAGE_ROOM];
        uint8_t id[LSCOAP_DEVICE_ID_MAX];
        size_t id_len = 0;
        uint8_t kid = 0;
        lscoap_io io = {.input = message, .input_len = len, .out = plain, .out_cap = sizeof plain};
        struct group_message answer;
        char name[DEVICES_ID_TEXT];
        char text[GROUP_CONTROL_LINE / 2];

        if (!sending->active || len > sizeof plain ||
            memcmp(message + 4, sending->token, sizeof sending->token) != 0) {
            continue;
        }
        if (lscoap_group_unprotect_answer(&group->object, &io, &sending->exchange, &kid) !=
                LSCOAP_OK ||
            lscoap_group_member_id(&group->object, kid, id, sizeof id, &id_len) != LSCOAP_OK ||
            !group_message_read(plain, io.out_len, &answer)) {
            continue;
        }
        sending->answers++;
        if (sending->answers == joined(group->record)) { /* nobody is left to wait for */
            sending->until_ms = 0;
        }
        devices_print_id(id, id_len, name);
        group_message_print(answer.payload, answer.payload_len, text, sizeof text);
        server_log(SERVER_LOG_INFO, peer, "group %d: %s answers %d.%02d", group->record->number,
                   name, answer.code >> 5, answer.code & 0x1F);
        group_control_say(groups->control, sending->caller, "%s: %d.%02d%s%s", name,
                          answer.code >> 5, answer.code & 0x1F, text[0] == '\0' ? "" : " ", text);
    }
}

void groups_poll_sending(struct group *group) {
    struct sending *sending = &group->sending;
    double now = cli_now_ms();

    if (sending->active && sending->copies > 0 && now >= sending->next_ms) {
        (void)send_once(group);
    }
    if (sending->active && now >= sending->until_ms) {
        groups_end_sending(group);
    }
}
