/* Who is in a group: ASK and LEAVE of devices, and new epochs. */
#include "groups_internal.h"

#include <string.h>

#include "posix_platform.h"
#include "server_log.h"

enum { BUSY_SECONDS = 10, NOTICE_MS = 1000, JOIN = 0x21, LEAVE = 0x24, LEAVE_LEN = 3 };

/* A new epoch, of which the members are told in the old one. */
lscoap_status groups_rekey(struct group *group, const uint8_t *without, size_t without_len) {
    uint8_t notice[LSCOAP_GROUP_MESSAGE_MAX];
    uint8_t ignored[LSCOAP_GROUP_MESSAGE_MAX];
    struct group_message message = {.code = COAP_REQUEST_CODE_POST,
                                    .path = "/" LSCOAP_LIBCOAP_GROUP_PATH,
                                    .content_format = LSCOAP_CONTENT_FORMAT_GROUP,
                                    .no_response = -1,
                                    .payload = notice};
    uint32_t epoch = lscoap_group_epoch(&group->object);
    int32_t mode = (group->record->flags & LSCOAP_GROUP_SIGNED) != 0 ? LSCOAP_GROUP_SIGNED
                                                                     : LSCOAP_GROUP_TAGGED;
    lscoap_status status = lscoap_group_write_notice(&group->object, epoch + 1, notice,
                                                     sizeof notice, &message.payload_len);
    size_t len;

    if (status >= 0) {
        status = groups_send(group, mode, &message, NOTICE_MS);
    }
    if (status < 0) { /* who is not told hears it from the next request, or in a day */
        server_log(SERVER_LOG_WARNING, NULL, "group %d: no notice was sent: %s",
                   group->record->number, lscoap_libcoap_status_string(status));
    }
    status = lscoap_group_rekey(&group->object, without, without_len, groups_now_ms(), ignored,
                                sizeof ignored, &len);
    return status < 0 ? status : groups_store(group);
}

lscoap_status groups_put_out(struct group *group, const uint8_t *id, size_t id_len) {
    struct group_member *member = group_record_find(group->record, id, id_len);

    if (member == NULL) {
        return LSCOAP_ERR_UNKNOWN_SESSION;
    }
    group_record_remove(group->record, member);
    return groups_rekey(group, id, id_len);
}

void groups_forget(struct groups *groups, const uint8_t *id, size_t id_len) {
    for (size_t i = 0; i < groups->n; i++) {
        struct group *group = groups->list[i];

        if (group_record_find(group->record, id, id_len) != NULL &&
            groups_put_out(group, id, id_len) != LSCOAP_OK) {
            server_log(SERVER_LOG_ERROR, NULL, "group %d: a member that is gone is still in it",
                       group->record->number);
        }
    }
}

/* The group that an ASK is for, if the device may be in it. */
static struct group *group_for(struct groups *groups, uint16_t number, const uint8_t *id,
                               size_t id_len) {
    for (size_t i = 0; i < groups->n; i++) {
        struct group *group = groups->list[i];

        if ((number == 0 || group->record->number == number) &&
            group_record_find(group->record, id, id_len) != NULL) {
            return group;
        }
    }
    return NULL;
}

static lscoap_status answer_ask(struct group *group, const lscoap_session *session, lscoap_io *io) {
    lscoap_status status = lscoap_group_answer_ask(&group->object, session, io);

    if (status == LSCOAP_ERR_UNSTORED && (status = groups_store(group)) == LSCOAP_OK) {
        status = lscoap_group_answer_ask(&group->object, session, io);
    }
    return status;
}

/* A member's LEAVE (docs/group.md), and of which group. */
static bool is_leave(const uint8_t *message, size_t len, uint16_t *number) {
    if (len != LEAVE_LEN || message[0] != LEAVE) {
        return false;
    }
    *number = (uint16_t)(message[1] << 8 | message[2]);
    return *number != 0;
}

static void respond(coap_pdu_t *response, const uint8_t *payload, size_t len) {
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
    if (len > 0) {
        uint8_t format[2];

        coap_add_option(response, COAP_OPTION_CONTENT_FORMAT,
                        coap_encode_var_safe(format, sizeof format, LSCOAP_CONTENT_FORMAT_GROUP),
                        format);
        coap_add_data(response, len, payload);
    }
}

static void respond_busy(coap_pdu_t *response) {
    uint8_t seconds[1];

    coap_pdu_set_code(response, COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
    coap_add_option(response, COAP_OPTION_MAXAGE,
                    coap_encode_var_safe(seconds, sizeof seconds, BUSY_SECONDS), seconds);
}

/* ASK and LEAVE of a device, in its session. */
void groups_on_post(coap_resource_t *resource, coap_session_t *peer, const coap_pdu_t *request,
                    const coap_string_t *query, coap_pdu_t *response) {
    struct groups *groups = coap_resource_get_userdata(resource);
    const lscoap_session *session = lscoap_libcoap_current_session(groups->server);
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    uint8_t out[LSCOAP_GROUP_MESSAGE_MAX];
    lscoap_io io = {.out = out, .out_cap = sizeof out};
    char name[DEVICES_ID_TEXT];
    struct group *group;
    size_t id_len = 0;
    uint16_t number = 0;
    bool leaves;
    lscoap_status status;

    (void)query;
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_REQUEST);
    if (lscoap_session_device_id(session, id, sizeof id, &id_len) != LSCOAP_OK ||
        !coap_get_data(request, &io.input_len, &io.input)) {
        return;
    }
    leaves = is_leave(io.input, io.input_len, &number);
    if (!leaves && lscoap_group_of_ask(io.input, io.input_len, &number) != LSCOAP_OK) {
        return;
    }
    group = group_for(groups, number, id, id_len);
    devices_print_id(id, id_len, name);
    if (leaves) {
        if (group != NULL && groups_put_out(group, id, id_len) != LSCOAP_OK) {
            coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
            return;
        }
        server_log(SERVER_LOG_INFO, peer, "group %d: %s leaves", number, name);
        respond(response, NULL, 0);
        return;
    }
    if (group == NULL) {
        status = lscoap_group_write_leave(number, out, sizeof out, &io.out_len);
        server_log(SERVER_LOG_NOTICE, peer, "group %d: %s is no member", number, name);
    } else {
        io.now_ms = groups_now_ms();
        status = answer_ask(group, session, &io);
        server_log(SERVER_LOG_INFO, peer, "group %d: %s asks: %s", group->record->number, name,
                   status < 0       ? lscoap_status_string(status)
                   : out[0] == JOIN ? "JOIN"
                                    : "SYNC");
    }
    if (status >= 0) {
        respond(response, out, io.out_len);
    } else if (status == LSCOAP_ERR_FULL || status == LSCOAP_ERR_BUDGET) {
        respond_busy(response);
    } else if (status != LSCOAP_ERR_MALFORMED) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    }
    posix_platform_wipe(out, sizeof out);
}
