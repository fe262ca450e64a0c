/* What the files of groups.h share. */
#ifndef LSCOAP_EXAMPLES_GROUPS_INTERNAL_H
#define LSCOAP_EXAMPLES_GROUPS_INTERNAL_H

#include "group_control.h"
#include "group_file.h"
#include "group_message.h"
#include "groups.h"

enum { GROUPS_SOCKET_NAME = 1024 };

/* A request that is under way. */
struct sending {
    bool active;
    group_caller caller; /* or 0: nobody waits */
    lscoap_group_exchange exchange;
    uint8_t token[LSCOAP_LIBCOAP_GROUP_TOKEN];
    uint8_t message[GROUP_MESSAGE_ROOM];
    size_t len;
    unsigned copies; /* still to send */
    double next_ms;
    double until_ms;
    size_t answers;
};

struct group {
    struct groups *groups;
    struct group_record *record;
    lscoap_group object;
    lscoap_group_place *places;
    size_t n_places;
    coap_address_t address;
    coap_address_t copies[GROUP_FILE_COPIES];
    struct sending sending;
};

struct groups {
    struct group_file file;
    struct group_control *control;
    char socket[GROUPS_SOCKET_NAME];
    lscoap_platform platform;
    lscoap_libcoap_server *server;
    const struct devices *devices;
    struct group *list[GROUP_FILE_GROUPS];
    size_t n;
};

/* ---- groups.c ---- */

uint64_t groups_now_ms(void);

/* Reserves numbers, and writes the file. */
lscoap_status groups_store(struct group *group);

/* What the record says, for the library. */
lscoap_group_config groups_config(struct group *group);

/* Room for a group, without its keys. NULL: no memory. */
struct group *groups_new(struct groups *groups, struct group_record *record);
void groups_free(struct group *group);

/* 0: the only one. NULL: there is none of that number. */
struct group *groups_find(struct groups *groups, uint16_t number);

/* ---- groups_send.c ---- */

/* Protects a message and sends it; what was under way is over. */
lscoap_status groups_send(struct group *group, int32_t mode, struct group_message *message,
                          double wait_ms);
void groups_end_sending(struct group *group);

/* Copies that are due, and the end. */
void groups_poll_sending(struct group *group);

/* A lscoap_libcoap_group_fn. */
void groups_on_answer(void *groups, const coap_session_t *peer, const uint8_t *message, size_t len);

/* ---- groups_members.c ---- */

/* A new epoch, of which the members are told in the old one; `without` may be null. */
lscoap_status groups_rekey(struct group *group, const uint8_t *without, size_t without_len);
lscoap_status groups_put_out(struct group *group, const uint8_t *id, size_t id_len);

/* POST to LSCOAP_LIBCOAP_GROUP_PATH. */
void groups_on_post(coap_resource_t *resource, coap_session_t *peer, const coap_pdu_t *request,
                    const coap_string_t *query, coap_pdu_t *response);

/* ---- groups_commands.c ---- */

/* A line of somebody who may ask. */
void groups_command(void *groups, group_caller caller, char *line);

#endif
