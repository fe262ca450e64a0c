/* What `lscoap group` asks for. */
#include "groups_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "server_log.h"

#define NOT_UNDERSTOOD "not understood: is this lscoap of another version?"

enum { WAIT_MAX_MS = 120 * 1000 };

/* The next word; NULL at the end. */
static char *word(char **at) {
    return strtok_r(NULL, " ", at);
}

static struct group *group_of(struct groups *groups, char **at, const char **error) {
    const char *text = word(at);
    struct group *group =
        text == NULL ? NULL : groups_find(groups, (uint16_t)strtoul(text, NULL, 10));

    if (group == NULL) {
        *error = groups->n == 0   ? "there is no group"
                 : groups->n == 1 ? "no such group"
                                  : "no such group; there are several, name one (--group N)";
    }
    return group;
}

static const char *create(struct groups *groups, group_caller caller, char **at) {
    char *flags_text = word(at);
    const char *slots = group_file_value(at, "slots");
    struct group_address address;
    struct group_record *record;
    struct group *group;
    lscoap_group_config config;
    lscoap_status status;
    uint8_t flags;

    if (flags_text == NULL || slots == NULL || !group_file_read_flags(flags_text, &flags) ||
        !group_file_read_address(at, &address) || address.len == 0) {
        return NOT_UNDERSTOOD;
    }
    record = group_file_add(&groups->file);
    if (record == NULL) {
        return "there is no room for more groups";
    }
    record->flags = flags;
    record->slots = (uint8_t)strtoul(slots, NULL, 10);
    record->address = address;
    while (record->n_copies < GROUP_FILE_COPIES && group_file_read_address(at, &address)) {
        record->copies[record->n_copies++] = address;
    }
    group = groups_new(groups, record);
    if (group == NULL) {
        group_file_take_back(&groups->file);
        return "out of memory";
    }
    config = groups_config(group);
    status = lscoap_group_create(&group->object, &groups->platform, &config, groups_now_ms());
    if (status == LSCOAP_OK) {
        status = groups_store(group);
    }
    if (status != LSCOAP_OK) {
        groups_free(group);
        group_file_take_back(&groups->file);
        return lscoap_status_string(status);
    }
    groups->list[groups->n++] = group;
    group_control_say(groups->control, caller, "group %d", record->number);
    return NULL;
}

static const char *change_member(struct groups *groups, char **at, bool in) {
    const char *error = NULL;
    struct group *group = group_of(groups, at, &error);
    const char *text = group == NULL ? NULL : word(at);
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t id_len = text == NULL ? 0 : cli_hex(text, id, sizeof id);

    if (error != NULL || id_len == 0) {
        return error != NULL ? error : NOT_UNDERSTOOD;
    }
    if (!in) {
        lscoap_status status = groups_put_out(group, id, id_len);

        return status == LSCOAP_OK                    ? NULL
               : status == LSCOAP_ERR_UNKNOWN_SESSION ? "that device is no member"
                                                      : lscoap_status_string(status);
    }
    if (devices_find(groups->devices, id, id_len) == NULL) {
        return "no such device is enrolled";
    }
    if (group_record_find(group->record, id, id_len) != NULL) {
        return "that device is a member already";
    }
    if (group->n_places > 0 && group->record->n_members == group->n_places) {
        return "the group has no room for more members";
    }
    if (group_record_add(group->record, id, id_len) == NULL) {
        return "there is no room for more members";
    }
    if (!group_file_write(&groups->file)) {
        group->record->n_members--;
        return "the file of groups could not be written";
    }
    return NULL;
}

static void list(struct groups *groups, group_caller caller) {
    for (size_t i = 0; i < groups->n; i++) {
        const struct group *group = groups->list[i];
        char flags[32];
        unsigned char address[128];

        group_file_print_flags(group->record->flags, flags);
        (void)coap_print_addr(&group->address, address, sizeof address);
        group_control_say(groups->control, caller, "group %d, epoch %lu: %s, %s",
                          group->record->number, (unsigned long)lscoap_group_epoch(&group->object),
                          flags, (const char *)address);
        for (size_t j = 0; j < group->record->n_members; j++) {
            const struct group_member *member = &group->record->members[j];
            char name[DEVICES_ID_TEXT];

            devices_print_id(member->id, member->id_len, name);
            if (member->kid != 0) {
                group_control_say(groups->control, caller, "  %s, kid %d", name, member->kid);
            } else {
                group_control_say(groups->control, caller, "  %s", name);
            }
        }
    }
}

static const char *send_request(struct groups *groups, group_caller caller, char **at) {
    const char *error = NULL;
    struct group *group = group_of(groups, at, &error);
    const char *mode_text = error != NULL ? NULL : word(at);
    const char *wait = group_file_value(at, "wait");
    const char *method = group_file_value(at, "method");
    const char *path_hex = group_file_value(at, "path");
    const char *payload_hex = group_file_value(at, "payload");
    uint8_t path[256];
    uint8_t payload[GROUP_MESSAGE_ROOM];
    struct group_message message = {.content_format = -1, .payload = payload};
    int32_t mode;
    size_t path_len;
    double wait_ms;
    lscoap_status status;

    if (error != NULL) {
        return error;
    }
    if (mode_text == NULL || wait == NULL || method == NULL || path_hex == NULL ||
        payload_hex == NULL) {
        return NOT_UNDERSTOOD;
    }
    message.code = group_message_method(method);
    if (message.code == 0) {
        return "no such method";
    }
    path_len = cli_hex(path_hex, path, sizeof path - 1);
    message.payload_len = cli_hex(payload_hex, payload, sizeof payload);
    if ((path_len == 0 && path_hex[0] != '\0') ||
        (message.payload_len == 0 && payload_hex[0] != '\0')) {
        return "longer than one message";
    }
    path[path_len] = '\0';
    message.path = (const char *)path;
    /* Every answer is wanted (RFC 7967): without this only those to GET and FETCH come. */
    message.no_response = (group->record->flags & LSCOAP_GROUP_ANSWERS) != 0 ? 0 : -1;
    mode = strcmp(mode_text, "tagged") == 0 ? LSCOAP_GROUP_TAGGED : LSCOAP_GROUP_SIGNED;
    wait_ms = strtod(wait, NULL);
    status = groups_send(group, mode, &message, wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    if (status != LSCOAP_OK) {
        return status == LSCOAP_ERR_STATE      ? "the group does not have that mode"
               : status == LSCOAP_ERR_CAPACITY ? "longer than one message"
                                               : lscoap_libcoap_status_string(status);
    }
    server_log(SERVER_LOG_INFO, NULL, "group %d: %s %s sent, %s", group->record->number,
               group_message_method_name(message.code), message.path, mode_text);
    if ((group->record->flags & LSCOAP_GROUP_ANSWERS) == 0) {
        return NULL;
    }
    group->sending.caller = caller;
    return NULL;
}

void groups_command(void *context, group_caller caller, char *line) {
    struct groups *groups = context;
    char *at = NULL;
    const char *what = strtok_r(line, " ", &at);
    const char *error = NOT_UNDERSTOOD;

    if (what == NULL) {
        group_control_end(groups->control, caller, error);
        return;
    }
    if (strcmp(what, "create") == 0) {
        error = create(groups, caller, &at);
    } else if (strcmp(what, "add") == 0 || strcmp(what, "remove") == 0) {
        error = change_member(groups, &at, what[0] == 'a');
    } else if (strcmp(what, "rekey") == 0) {
        struct group *group = group_of(groups, &at, &error);
        lscoap_status status = group == NULL ? LSCOAP_OK : groups_rekey(group, NULL, 0);

        if (group != NULL) {
            error = status == LSCOAP_OK ? NULL : lscoap_status_string(status);
        }
    } else if (strcmp(what, "list") == 0) {
        list(groups, caller);
        error = NULL;
    } else if (strcmp(what, "send") == 0) {
        error = send_request(groups, caller, &at);
        for (size_t i = 0; error == NULL && i < groups->n; i++) {
            if (groups->list[i]->sending.active && groups->list[i]->sending.caller == caller) {
                return; /* it ends when nobody can answer any more */
            }
        }
    }
    group_control_end(groups->control, caller, error);
}
