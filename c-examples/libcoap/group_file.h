/* The groups of a server: a file that secure_server writes and nobody else, by replacing it. It
 * holds the groups' secrets and is made for its owner alone. What it says of a group may never come
 * back from a copy: numbers of requests would be used twice.
 *
 *     lscoap groups 1
 *     last 2                                             no group gets this number or a lower one
 *     group 2 signed,answers slots=0 address=efc00001 port=5683
 *     copy 2 address=c0000207 port=5683
 *     member 2 kid=1 id=6c616d702d31
 *     state 2 0147...                                    of lscoap_group_store()
 */
#ifndef LSCOAP_EXAMPLES_GROUP_FILE_H
#define LSCOAP_EXAMPLES_GROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lscoap.h>

enum {
    GROUP_FILE_GROUPS = 16,
    GROUP_FILE_MEMBERS = 1024,
    GROUP_FILE_COPIES = 4,
    GROUP_FILE_ADDRESS = 16
};

/* Where a message goes. */
struct group_address {
    uint8_t bytes[GROUP_FILE_ADDRESS];
    size_t len; /* 0, 4 or 16 */
    uint16_t port;
};

struct group_member {
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t id_len;
    uint8_t kid; /* 0: none */
};

struct group_record {
    uint16_t number;
    uint8_t flags; /* LSCOAP_GROUP_... */
    uint8_t slots;
    struct group_address address;
    struct group_address copies[GROUP_FILE_COPIES]; /* for members that no multicast reaches */
    size_t n_copies;
    struct group_member *members;
    size_t n_members;
    uint8_t state[LSCOAP_GROUP_BLOB_MAX];
    size_t state_len;
};

struct group_file {
    const char *path;
    int lock;
    uint16_t last;
    struct group_record *groups[GROUP_FILE_GROUPS];
    size_t n_groups;
};

/* Locks and reads; a file that is not there has no groups. False, and a line on stderr, when it is
 * something else, or another process uses it. */
bool group_file_open(struct group_file *file, const char *path);

/* Puts what the struct says in the place of what the file says. False, and a line on stderr, when
 * it could not be, and nothing has changed. */
bool group_file_write(const struct group_file *file);

/* Wipes and frees all of it, and gives the lock back. */
void group_file_close(struct group_file *file);

struct group_record *group_file_find(const struct group_file *file, uint16_t number);

/* A record with the number `last` + 1, for the caller to fill in. NULL: no room. */
struct group_record *group_file_add(struct group_file *file);

/* Takes the newest out again. */
void group_file_take_back(struct group_file *file);

struct group_member *group_record_find(const struct group_record *group, const uint8_t *id,
                                       size_t id_len);

/* NULL: no room. */
struct group_member *group_record_add(struct group_record *group, const uint8_t *id, size_t id_len);
void group_record_remove(struct group_record *group, struct group_member *member);

/* What follows "name=" in the next word of a line that strtok_r() cuts up; NULL when that is
 * another one. */
char *group_file_value(char **at, const char *name);

/* The words address=HEX port=NUMBER; false when it is something else. */
bool group_file_read_address(char **at, struct group_address *address);

/* "signed,tagged,answers,timed" and flags; false when it is something else. */
bool group_file_read_flags(char *text, uint8_t *flags);
void group_file_print_flags(uint8_t flags, char text[32]);

#endif
