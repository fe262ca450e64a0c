#include "devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server_log.h"

enum { FIRST_CAPACITY = 16 };

static int compare_ids(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
    if (a_len != b_len) {
        return a_len < b_len ? -1 : 1;
    }
    return memcmp(a, b, a_len);
}

static int compare_devices(const void *a, const void *b) {
    const struct device *left = a;
    const struct device *right = b;
    int order = compare_ids(left->id, left->id_len, right->id, right->id_len);

    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static struct device *add(struct devices *devices, size_t *capacity) {
    if (devices->count == *capacity) {
        size_t larger = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
        struct device *list = realloc(devices->list, larger * sizeof *list);

        if (list == NULL) {
            return NULL;
        }
        devices->list = list;
        *capacity = larger;
    }
    return &devices->list[devices->count++];
}

static bool fail(const char *path, size_t line, size_t column, const char *why) {
    server_log(SERVER_LOG_ERROR, NULL, "%s:%zu:%zu: %s", path, line, column, why);
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* One line, its newline included if it has one. */
static bool read_line(const char *path, size_t number, const char *text, size_t len,
                      struct devices *devices, size_t *capacity) {
    const char *found;
    struct device *device;
    size_t start = 0;
    size_t error_at = 0;
    lscoap_status status;

    len -= len > 0 && text[len - 1] == '\n';
    len -= len > 0 && text[len - 1] == '\r';
    found = memchr(text, '\r', len);
    if (found != NULL) { /* it ends lines elsewhere: what follows must not go unseen */
        return fail(path, number, (size_t)(found - text) + 1, "a carriage return within the line");
    }
    found = memchr(text, '#', len);
    len = found == NULL ? len : (size_t)(found - text);
    while (start < len && is_blank(text[start])) {
        start++;
    }
    while (len > start && is_blank(text[len - 1])) {
        len--;
    }
    if (len == start) {
        return true;
    }
    if (devices->count == DEVICES_MAX) {
        return fail(path, number, 1, "too many devices");
    }
    device = add(devices, capacity);
    if (device == NULL) {
        return fail(path, number, 1, "out of memory");
    }
    device->line = number;
    status = lscoap_parse_device(text + start, len - start, device->id, &device->id_len,
                                 device->public_key, &error_at);
    if (status != LSCOAP_OK) {
        return fail(path, number, start + error_at + 1,
                    status == LSCOAP_ERR_KEY
                        ? "the key is not a point of P-256"
                        : "not a device's enrolment string (LSC2:... or LSC1:...)");
    }
    return true;
}

static bool read_lines(FILE *file, const char *path, struct devices *devices) {
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    char *text = NULL;
    size_t room = 0;
    size_t capacity = 0;
    ssize_t len;
    bool good = true;

    for (size_t number = 1; good && (len = getline(&text, &room, file)) >= 0; number++) {
        good = number == 1 && strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0
                   ? fail(path, 1, 1, "a byte order mark: save the list without one")
                   : read_line(path, number, text, (size_t)len, devices, &capacity);
    }
    free(text);
    if (good && ferror(file)) {
        server_log(SERVER_LOG_ERROR, NULL, "%s: %s", path, strerror(errno));
        return false;
    }
    return good;
}

/* Sorts the list; false, and a line on stderr, when two of its devices have one id. */
static bool sort(const char *path, struct devices *devices) {
    const struct device *second = NULL; /* the first line that repeats an id */
    size_t first = 0;

    if (devices->count > 0) {
        qsort(devices->list, devices->count, sizeof *devices->list, compare_devices);
    }
    for (size_t i = 1; i < devices->count; i++) {
        const struct device *device = &devices->list[i];

        if (compare_ids(device[-1].id, device[-1].id_len, device->id, device->id_len) == 0 &&
            (second == NULL || device->line < second->line)) {
            second = device;
            first = device[-1].line;
        }
    }
    if (second != NULL) {
        server_log(SERVER_LOG_ERROR, NULL, "%s:%zu:1: the same device id as on line %zu", path,
                   second->line, first);
    }
    return second == NULL;
}

bool devices_read(const char *path, struct devices *devices) {
    struct devices fresh = {NULL, 0};
    FILE *file = fopen(path, "r");
    bool good;

    if (file == NULL) {
        server_log(SERVER_LOG_ERROR, NULL, "%s: %s", path, strerror(errno));
        return false;
    }
    good = read_lines(file, path, &fresh) && sort(path, &fresh);
    fclose(file);
    if (!good) {
        devices_free(&fresh);
        return false;
    }
    devices_free(devices);
    *devices = fresh;
    return true;
}

const struct device *devices_find(const struct devices *devices, const uint8_t *id, size_t id_len) {
    size_t low = 0;
    size_t high = devices->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct device *device = &devices->list[middle];
        int order = compare_ids(id, id_len, device->id, device->id_len);

        if (order == 0) {
            return device;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

void devices_free(struct devices *devices) {
    free(devices->list);
    devices->list = NULL;
    devices->count = 0;
}

const char *devices_print_id(const uint8_t *id, size_t id_len, char text[DEVICES_ID_TEXT]) {
    char *at = text;

    for (size_t i = 0; i < id_len && i < LSCOAP_DEVICE_ID_MAX; i++) {
        if (id[i] > 0x20 && id[i] < 0x7F && id[i] != '\\') {
            *at++ = (char)id[i];
        } else {
            at += snprintf(at, 5, "\\x%02x", id[i]);
        }
    }
    *at = '\0';
    return text;
}
