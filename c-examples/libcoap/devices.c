#include "devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

    return compare_ids(left->id, left->id_len, right->id, right->id_len);
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
    fprintf(stderr, "%s:%zu:%zu: %s\n", path, line, column, why);
    return false;
}

/* One line; `text` ends with its newline, if it has one. */
static bool read_line(const char *path, size_t number, const char *text, struct devices *devices,
                      size_t *capacity) {
    size_t start = strspn(text, " \t");
    size_t len = strcspn(text + start, "#\r\n");
    struct device *device;
    size_t error_at = 0;
    lscoap_status status;

    while (len > 0 && (text[start + len - 1] == ' ' || text[start + len - 1] == '\t')) {
        len--;
    }
    if (len == 0) {
        return true;
    }
    if (devices->count == DEVICES_MAX) {
        return fail(path, number, 1, "too many devices");
    }
    device = add(devices, capacity);
    if (device == NULL) {
        return fail(path, number, 1, "out of memory");
    }
    status = lscoap_parse_device(text + start, len, device->id, &device->id_len, device->public_key,
                                 &error_at);
    if (status != LSCOAP_OK) {
        return fail(path, number, start + error_at + 1,
                    status == LSCOAP_ERR_KEY ? "the key is no point of P-256"
                                             : "not a device's enrolment string (LSC1:...)");
    }
    return true;
}

static bool read_lines(FILE *file, const char *path, struct devices *devices) {
    char *text = NULL;
    size_t room = 0;
    size_t capacity = 0;
    ssize_t len;
    bool good = true;

    for (size_t number = 1; good && (len = getline(&text, &room, file)) >= 0; number++) {
        size_t readable = strlen(text);

        good = readable == (size_t)len ? read_line(path, number, text, devices, &capacity)
                                       : fail(path, number, readable + 1, "a zero byte");
    }
    free(text);
    if (good && ferror(file)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    return good;
}

bool devices_read(const char *path, struct devices *devices) {
    struct devices fresh = {NULL, 0};
    FILE *file = fopen(path, "r");
    bool good;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    good = read_lines(file, path, &fresh);
    fclose(file);
    if (good && fresh.count > 0) {
        qsort(fresh.list, fresh.count, sizeof *fresh.list, compare_devices);
        for (size_t i = 1; i < fresh.count; i++) {
            if (compare_devices(&fresh.list[i - 1], &fresh.list[i]) == 0) {
                char text[DEVICES_ID_TEXT];

                fprintf(stderr, "%s: device %s is there twice\n", path,
                        devices_print_id(fresh.list[i].id, fresh.list[i].id_len, text));
                good = false;
            }
        }
    }
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
