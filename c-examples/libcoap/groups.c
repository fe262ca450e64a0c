#include "groups_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "posix_platform.h"
#include "server_log.h"

enum {
    NUMBERS = 1024, /* of requests, reserved in the file at a time */
    HOPS = 1        /* of multicasts: groups are of one link unless a router is told more */
};

uint64_t groups_now_ms(void) {
    return posix_platform_now_ms(NULL);
}

/* ---- storing ---- */

static int write_state(void *context, const uint8_t *blob, size_t len) {
    struct group *group = context;
    struct group_record *record = group->record;

    if (len > sizeof record->state) {
        return -1;
    }
    memcpy(record->state, blob, len);
    record->state_len = len;
    return group_file_write(&group->groups->file) ? 0 : -1;
}

lscoap_status groups_store(struct group *group) {
    return lscoap_group_store(&group->object, NUMBERS, groups_now_ms(), write_state, group);
}

/* Writes down who has which kid. */
static int save_place(void *context, uint8_t kid, const uint8_t *id, size_t id_len) {
    struct group *group = context;

    for (size_t i = 0; i < group->record->n_members; i++) {
        struct group_member *member = &group->record->members[i];

        if (member->kid == kid) {
            member->kid = 0;
        }
        if (id != NULL && member->id_len == id_len && memcmp(member->id, id, id_len) == 0) {
            member->kid = kid;
        }
    }
    return group_file_write(&group->groups->file) ? 0 : -1;
}

/* ---- groups ---- */

lscoap_group_config groups_config(struct group *group) {
    const struct group_record *record = group->record;
    const lscoap_group_config config = {.number = record->number,
                                        .flags = record->flags,
                                        .slots = record->slots,
                                        .address = record->address.bytes,
                                        .address_len = record->address.len,
                                        .port = record->address.port,
                                        .places = group->places,
                                        .places_len = group->n_places,
                                        .save_place = save_place,
                                        .save_place_context = group};

    return config;
}

static void set_address(const struct group_address *from, coap_address_t *address) {
    coap_address_init(address);
    if (from->len == sizeof address->addr.sin.sin_addr) {
        address->addr.sin.sin_family = AF_INET;
        address->addr.sin.sin_port = htons(from->port);
        memcpy(&address->addr.sin.sin_addr, from->bytes, from->len);
        address->size = sizeof address->addr.sin;
    } else {
        address->addr.sin6.sin6_family = AF_INET6;
        address->addr.sin6.sin6_port = htons(from->port);
        memcpy(&address->addr.sin6.sin6_addr, from->bytes, sizeof from->bytes);
        address->size = sizeof address->addr.sin6;
    }
}

void groups_free(struct group *group) {
    lscoap_group_wipe(&group->object);
    free(group->places);
    free(group);
}

/* Room for a group, without its keys. NULL: no memory. */
struct group *groups_new(struct groups *groups, struct group_record *record) {
    struct group *group = calloc(1, sizeof *group);

    if (group == NULL) {
        return NULL;
    }
    group->groups = groups;
    group->record = record;
    if ((record->flags & LSCOAP_GROUP_TAGGED) != 0) {
        group->n_places = record->slots;
    } else if ((record->flags & LSCOAP_GROUP_ANSWERS) != 0) {
        group->n_places = LSCOAP_GROUP_PLACES_MAX;
    }
    group->places = calloc(group->n_places + 1, sizeof *group->places);
    if (group->places == NULL) {
        free(group);
        return NULL;
    }
    set_address(&record->address, &group->address);
    for (size_t i = 0; i < record->n_copies; i++) {
        set_address(&record->copies[i], &group->copies[i]);
    }
    return group;
}

struct group *groups_find(struct groups *groups, uint16_t number) {
    if (number == 0 && groups->n == 1) {
        return groups->list[0];
    }
    for (size_t i = 0; i < groups->n; i++) {
        if (groups->list[i]->record->number == number) {
            return groups->list[i];
        }
    }
    return NULL;
}

void groups_turn(struct groups *groups) {
    group_control_poll(groups->control, groups_command, groups);
    for (size_t i = 0; i < groups->n; i++) {
        groups_poll_sending(groups->list[i]);
    }
}

/* ---- beginning and end ---- */

struct groups *groups_open(const char *path) {
    struct groups *groups = calloc(1, sizeof *groups);
    int len;

    if (groups == NULL) {
        fprintf(stderr, "%s: out of memory\n", path);
        return NULL;
    }
    if (!group_file_open(&groups->file, path)) {
        free(groups);
        return NULL;
    }
    groups->platform = posix_platform();
    len = snprintf(groups->socket, sizeof groups->socket, "%s.sock", path);
    if (len > 0 && len < (int)sizeof groups->socket) {
        groups->control = group_control_open(groups->socket);
    }
    if (groups->control == NULL) {
        groups_close(groups);
        return NULL;
    }
    return groups;
}

bool groups_add_resource(struct groups *groups, lscoap_libcoap_server *server) {
    lscoap_libcoap_resource *resource =
        lscoap_libcoap_resource_add(server, LSCOAP_LIBCOAP_GROUP_PATH);

    groups->server = server;
    if (resource == NULL) {
        return false;
    }
    coap_resource_set_userdata(lscoap_libcoap_resource_inner(resource), groups);
    lscoap_libcoap_resource_handler(resource, COAP_REQUEST_POST, groups_on_post);
    return true;
}

static lscoap_status go_on(struct groups *groups, struct group_record *record) {
    struct group *group = groups_new(groups, record);
    lscoap_group_config config;
    lscoap_status status;

    if (group == NULL) {
        return LSCOAP_LIBCOAP_ERR_MEMORY;
    }
    config = groups_config(group);
    status = lscoap_group_restore(&group->object, &groups->platform, &config, groups_now_ms(),
                                  record->state, record->state_len);
    for (size_t i = 0; status == LSCOAP_OK && i < record->n_members; i++) {
        const struct group_member *member = &record->members[i];

        if (member->kid != 0) {
            status =
                lscoap_group_restore_place(&group->object, member->kid, member->id, member->id_len);
        }
    }
    if (status == LSCOAP_OK) {
        status = groups_store(group);
    }
    if (status != LSCOAP_OK) {
        groups_free(group);
        return status;
    }
    groups->list[groups->n++] = group;
    return LSCOAP_OK;
}

bool groups_start(struct groups *groups, const struct devices *devices, uint16_t port) {
    lscoap_status status =
        lscoap_libcoap_group_open(groups->server, port, HOPS, groups_on_answer, groups);

    groups->devices = devices;
    for (size_t i = 0; status == LSCOAP_OK && i < groups->file.n_groups; i++) {
        status = go_on(groups, groups->file.groups[i]);
    }
    if (status != LSCOAP_OK) {
        server_log(SERVER_LOG_ERROR, NULL, "%s: %s", groups->file.path,
                   lscoap_libcoap_status_string(status));
        return false;
    }
    for (size_t i = 0; i < groups->n; i++) { /* who was taken out of the list meanwhile */
        struct group_record *record = groups->list[i]->record;

        for (size_t j = record->n_members; j > 0; j--) {
            const struct group_member member = record->members[j - 1];

            if (devices_find(devices, member.id, member.id_len) == NULL) {
                groups_forget(groups, member.id, member.id_len);
            }
        }
    }
    return true;
}

void groups_close(struct groups *groups) {
    if (groups == NULL) {
        return;
    }
    for (size_t i = 0; i < groups->n; i++) {
        groups_free(groups->list[i]);
    }
    group_control_close(groups->control);
    group_file_close(&groups->file);
    free(groups);
}
