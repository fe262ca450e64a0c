#include "group_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "posix_platform.h"
#include "private_file.h"

#define FIRST_LINE "lscoap groups 1"

enum { MEMBER_LINE = 2 * LSCOAP_DEVICE_ID_MAX + 32, GROUP_LINES = 2 * LSCOAP_GROUP_BLOB_MAX + 640 };

/* Everything that the file can be. */
enum {
    FILE_MAX_LEN = 64 + GROUP_FILE_GROUPS * (GROUP_LINES + (size_t)GROUP_FILE_MEMBERS * MEMBER_LINE)
};

static const struct {
    const char *name;
    uint8_t flag;
} flag_names[] = {{"signed", LSCOAP_GROUP_SIGNED},
                  {"tagged", LSCOAP_GROUP_TAGGED},
                  {"answers", LSCOAP_GROUP_ANSWERS},
                  {"timed", LSCOAP_GROUP_TIMED}};
enum { FLAGS = sizeof flag_names / sizeof flag_names[0] };

/* ---- records ---- */

struct group_record *group_file_find(const struct group_file *file, uint16_t number) {
    for (size_t i = 0; i < file->n_groups; i++) {
        if (file->groups[i]->number == number) {
            return file->groups[i];
        }
    }
    return NULL;
}

static struct group_record *add(struct group_file *file) {
    struct group_record *group =
        file->n_groups < GROUP_FILE_GROUPS ? calloc(1, sizeof *group) : NULL;

    if (group != NULL) {
        file->groups[file->n_groups++] = group;
    }
    return group;
}

struct group_record *group_file_add(struct group_file *file) {
    struct group_record *group = file->last < UINT16_MAX ? add(file) : NULL;

    if (group != NULL) {
        group->number = ++file->last;
    }
    return group;
}

static void free_record(struct group_record *group) {
    free(group->members);
    posix_platform_wipe(group, sizeof *group);
    free(group);
}

void group_file_take_back(struct group_file *file) {
    free_record(file->groups[--file->n_groups]);
    file->last--;
}

struct group_member *group_record_find(const struct group_record *group, const uint8_t *id,
                                       size_t id_len) {
    for (size_t i = 0; i < group->n_members; i++) {
        struct group_member *member = &group->members[i];

        if (member->id_len == id_len && memcmp(member->id, id, id_len) == 0) {
            return member;
        }
    }
    return NULL;
}

struct group_member *group_record_add(struct group_record *group, const uint8_t *id,
                                      size_t id_len) {
    struct group_member *members =
        group->n_members < GROUP_FILE_MEMBERS
            ? realloc(group->members, (group->n_members + 1) * sizeof *members)
            : NULL;

    if (members == NULL) {
        return NULL;
    }
    group->members = members;
    members += group->n_members++;
    *members = (struct group_member){.id_len = id_len};
    memcpy(members->id, id, id_len);
    return members;
}

void group_record_remove(struct group_record *group, struct group_member *member) {
    *member = group->members[--group->n_members];
}

/* ---- flags ---- */

bool group_file_read_flags(char *text, uint8_t *flags) {
    *flags = 0;
    while (text != NULL) {
        char *comma = strchr(text, ',');
        size_t i = 0;

        if (comma != NULL) {
            *comma++ = '\0';
        }
        while (i < FLAGS && strcmp(text, flag_names[i].name) != 0) {
            i++;
        }
        if (i == FLAGS) {
            return false;
        }
        *flags |= flag_names[i].flag;
        text = comma;
    }
    return (*flags & (LSCOAP_GROUP_SIGNED | LSCOAP_GROUP_TAGGED)) != 0;
}

void group_file_print_flags(uint8_t flags, char text[32]) {
    text[0] = '\0';
    for (size_t i = 0; i < FLAGS; i++) {
        if ((flags & flag_names[i].flag) != 0) {
            strcat(text, text[0] == '\0' ? "" : ",");
            strcat(text, flag_names[i].name);
        }
    }
}

/* ---- reading ---- */

char *group_file_value(char **at, const char *name) {
    char *word = strtok_r(NULL, " ", at);
    size_t len = strlen(name);

    return word != NULL && strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1
                                                                             : NULL;
}

static bool read_number(const char *text, unsigned long max, unsigned long *number) {
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *number = strtoul(text, &end, 10);
    return errno == 0 && *end == '\0' && *number <= max;
}

bool group_file_read_address(char **at, struct group_address *address) {
    const char *bytes = group_file_value(at, "address");
    const char *port = group_file_value(at, "port");
    unsigned long number;

    if (bytes == NULL || !read_number(port, UINT16_MAX, &number)) {
        return false;
    }
    address->port = (uint16_t)number;
    address->len = cli_hex(bytes, address->bytes, sizeof address->bytes);
    return address->len == 4 || address->len == sizeof address->bytes || bytes[0] == '\0';
}

static bool read_copy(struct group_record *group, char **at) {
    return group->n_copies < GROUP_FILE_COPIES &&
           group_file_read_address(at, &group->copies[group->n_copies++]);
}

static bool read_group(struct group_file *file, unsigned long number, char **at) {
    char *flags = strtok_r(NULL, " ", at);
    char *slots = group_file_value(at, "slots");
    struct group_record *group;
    unsigned long n_slots;

    if (number > file->last || group_file_find(file, (uint16_t)number) != NULL ||
        (group = add(file)) == NULL || flags == NULL ||
        !group_file_read_flags(flags, &group->flags) ||
        !read_number(slots, LSCOAP_GROUP_SLOTS_MAX, &n_slots)) {
        return false;
    }
    group->number = (uint16_t)number;
    group->slots = (uint8_t)n_slots;
    return group_file_read_address(at, &group->address);
}

static bool read_member(struct group_record *group, char **at) {
    const char *kid = group_file_value(at, "kid");
    const char *text = group_file_value(at, "id");
    uint8_t id[LSCOAP_DEVICE_ID_MAX];
    size_t id_len = text == NULL ? 0 : cli_hex(text, id, sizeof id);
    unsigned long the_kid;
    struct group_member *member;

    if (id_len == 0 || !read_number(kid, LSCOAP_GROUP_PLACES_MAX, &the_kid) ||
        group_record_find(group, id, id_len) != NULL ||
        (member = group_record_add(group, id, id_len)) == NULL) {
        return false;
    }
    member->kid = (uint8_t)the_kid;
    return true;
}

static bool read_state(struct group_record *group, char **at) {
    const char *text = strtok_r(NULL, " ", at);

    group->state_len = text == NULL ? 0 : cli_hex(text, group->state, sizeof group->state);
    return group->state_len > 0;
}

static bool read_line(struct group_file *file, char *line) {
    char *at = NULL;
    const char *what = strtok_r(line, " ", &at);
    struct group_record *group;
    unsigned long number;
    bool good;

    if (what == NULL || !read_number(strtok_r(NULL, " ", &at), UINT16_MAX, &number)) {
        return false;
    }
    group = group_file_find(file, (uint16_t)number);
    if (strcmp(what, "last") == 0) {
        good = file->n_groups == 0;
        file->last = (uint16_t)number;
    } else if (strcmp(what, "group") == 0) {
        good = read_group(file, number, &at);
    } else if (strcmp(what, "copy") == 0) {
        good = group != NULL && read_copy(group, &at);
    } else if (strcmp(what, "member") == 0) {
        good = group != NULL && read_member(group, &at);
    } else {
        good = strcmp(what, "state") == 0 && group != NULL && read_state(group, &at);
    }
    return good && strtok_r(NULL, " ", &at) == NULL;
}

static bool read_lines(struct group_file *file, char *text) {
    size_t number = 0;

    while (*text != '\0') {
        char *end = strchr(text, '\n');

        number++;
        if (end != NULL) {
            *end = '\0';
        }
        if (end == NULL || !(number == 1 ? strcmp(text, FIRST_LINE) == 0 : read_line(file, text))) {
            fprintf(stderr, "%s:%zu: %s\n", file->path, number,
                    number == 1 ? "not a file of groups, so it is not used" : "damaged");
            return false;
        }
        text = end + 1;
    }
    for (size_t i = 0; i < file->n_groups; i++) {
        if (file->groups[i]->state_len == 0) {
            fprintf(stderr, "%s: nothing is stored of group %d\n", file->path,
                    file->groups[i]->number);
            return false;
        }
    }
    return true;
}

static bool read_file(struct group_file *file) {
    int from = private_file_open(file->path, O_RDONLY);
    char *text;
    size_t len = 0;
    bool good;

    if (from < 0) {
        return errno == ENOENT;
    }
    text = malloc(FILE_MAX_LEN + 1);
    good = text != NULL && private_file_read(from, (uint8_t *)text, FILE_MAX_LEN, &len);
    if (!good) {
        fprintf(stderr, "%s: %s\n", file->path, text == NULL ? "out of memory" : strerror(errno));
    } else if (memchr(text, '\0', len) != NULL) {
        fprintf(stderr, "%s: not a file of groups, so it is not used\n", file->path);
        good = false;
    } else {
        text[len] = '\0';
        good = read_lines(file, text);
    }
    close(from);
    if (text != NULL) {
        posix_platform_wipe(text, len);
        free(text);
    }
    return good;
}

bool group_file_open(struct group_file *file, const char *path) {
    *file = (struct group_file){.path = path, .lock = private_file_lock(path)};
    if (file->lock < 0) {
        return false;
    }
    if (!read_file(file)) {
        group_file_close(file);
        return false;
    }
    return true;
}

void group_file_close(struct group_file *file) {
    for (size_t i = 0; i < file->n_groups; i++) {
        free_record(file->groups[i]);
    }
    file->n_groups = 0;
    if (file->lock >= 0) {
        close(file->lock);
    }
    file->lock = -1;
}

/* ---- writing ---- */

static char *put_hex(char *at, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        at += sprintf(at, "%02x", bytes[i]);
    }
    return at;
}

static char *put_address(char *at, const struct group_address *address) {
    at += sprintf(at, "address=");
    at = put_hex(at, address->bytes, address->len);
    return at + sprintf(at, " port=%d\n", address->port);
}

static char *put_group(char *at, const struct group_record *group) {
    char flags[32];

    group_file_print_flags(group->flags, flags);
    at += sprintf(at, "group %d %s slots=%d ", group->number, flags, group->slots);
    at = put_address(at, &group->address);
    for (size_t i = 0; i < group->n_copies; i++) {
        at += sprintf(at, "copy %d ", group->number);
        at = put_address(at, &group->copies[i]);
    }
    for (size_t i = 0; i < group->n_members; i++) {
        const struct group_member *member = &group->members[i];

        at += sprintf(at, "member %d kid=%d id=", group->number, member->kid);
        at = put_hex(at, member->id, member->id_len);
        *at++ = '\n';
    }
    at += sprintf(at, "state %d ", group->number);
    at = put_hex(at, group->state, group->state_len);
    *at++ = '\n';
    return at;
}

bool group_file_write(const struct group_file *file) {
    size_t room = 64;
    char *text;
    char *at;
    struct private_file_part part;
    bool good;

    for (size_t i = 0; i < file->n_groups; i++) {
        room += GROUP_LINES + file->groups[i]->n_members * MEMBER_LINE;
    }
    text = malloc(room);
    if (text == NULL) {
        fprintf(stderr, "%s: out of memory\n", file->path);
        return false;
    }
    at = text + sprintf(text, FIRST_LINE "\nlast %d\n", file->last);
    for (size_t i = 0; i < file->n_groups; i++) {
        at = put_group(at, file->groups[i]);
    }
    part = (struct private_file_part){text, (size_t)(at - text)};
    good = private_file_replace(file->path, &part, 1);
    posix_platform_wipe(text, room);
    free(text);
    return good;
}
