#include "readings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    READING_TEXT_MAX = 64
}; /* {"timeStamp":99999999999.999,"value":-1.234567891e-100}, and a comma */

static const double TIME_STAMP_MAX = 1e11; /* keeps "%.3f" short */

static double unix_time(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct reading readings_measure(void) {
    static unsigned state; /* a room of about 21 degrees: the sensor is not what this shows */
    struct reading reading;

    if (state == 0) {
        state = (unsigned)time(NULL) | 1U;
    }
    state = state * 1103515245U + 12345U;
    reading.time_stamp = unix_time();
    reading.value = 20.0 + (double)(state >> 16 & 0x1FU) / 10.0;
    return reading;
}

void readings_add(struct readings *readings, struct reading reading) {
    if (readings->count == READINGS_STORED_MAX) {
        readings->count--;
        memmove(readings->stored, readings->stored + 1, readings->count * sizeof reading);
    }
    readings->stored[readings->count++] = reading;
}

void readings_clear(struct readings *readings) {
    readings->count = 0;
}

char *readings_document(const struct readings *readings, size_t shown, size_t *length) {
    size_t stored = readings->count < shown ? readings->count : shown;
    size_t capacity = shown * READING_TEXT_MAX + sizeof "{\"Data\":[]}";
    char *text = malloc(capacity);
    size_t used = 0;

    if (text == NULL) {
        return NULL;
    }
    used += (size_t)snprintf(text, capacity, "{\"Data\":[");
    for (size_t i = 0; i < shown; i++) {
        struct reading reading =
            i < stored ? readings->stored[readings->count - stored + i] : readings_measure();

        used +=
            (size_t)snprintf(text + used, capacity - used, "%s{\"timeStamp\":%.3f,\"value\":%.10g}",
                             i == 0 ? "" : ",", reading.time_stamp, reading.value);
    }
    used += (size_t)snprintf(text + used, capacity - used, "]}");
    *length = used;
    return text;
}

/* What is left to read. */
struct text {
    const char *at;
    const char *end;
};

static void skip_space(struct text *text) {
    while (text->at < text->end && strchr(" \t\r\n", *text->at) != NULL && *text->at != '\0') {
        text->at++;
    }
}

/* Takes `word` if it comes next, after white space. */
static bool take(struct text *text, const char *word) {
    size_t length = strlen(word);

    skip_space(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) {
        return false;
    }
    text->at += length;
    return true;
}

static size_t take_digits(struct text *text, char *out, size_t used, size_t capacity) {
    while (text->at < text->end && isdigit((unsigned char)*text->at) && used < capacity) {
        out[used++] = *text->at++;
    }
    return used;
}

/* A JSON number: strtod() alone would take "inf", "0x10" and what lies beyond the end. */
static bool take_number(struct text *text, double *number) {
    char digits[48];
    const size_t capacity = sizeof digits - 1;
    size_t used = 0;
    size_t before;

    skip_space(text);
    if (take(text, "-")) {
        digits[used++] = '-';
    }
    before = used;
    used = take_digits(text, digits, used, capacity);
    if (used == before || (digits[before] == '0' && used > before + 1)) {
        return false;
    }
    if (text->at < text->end && *text->at == '.' && used < capacity) {
        digits[used++] = *text->at++;
        before = used;
        used = take_digits(text, digits, used, capacity);
        if (used == before) {
            return false;
        }
    }
    if (text->at < text->end && (*text->at == 'e' || *text->at == 'E') && used + 1 < capacity) {
        digits[used++] = *text->at++;
        if (text->at < text->end && (*text->at == '+' || *text->at == '-')) {
            digits[used++] = *text->at++;
        }
        before = used;
        used = take_digits(text, digits, used, capacity);
        if (used == before || used > before + 3) {
            return false;
        }
    }
    digits[used] = '\0';
    *number = strtod(digits, NULL);
    return *number > -1e300 && *number < 1e300;
}

static bool take_reading(struct text *text, struct reading *reading) {
    bool have_time = false;
    bool have_value = false;

    if (!take(text, "{")) {
        return false;
    }
    do {
        if (!have_time && take(text, "\"timeStamp\"")) {
            have_time = take(text, ":") && take_number(text, &reading->time_stamp);
            if (!have_time || reading->time_stamp < 0 || reading->time_stamp >= TIME_STAMP_MAX) {
                return false;
            }
        } else if (!have_value && take(text, "\"value\"")) {
            have_value = take(text, ":") && take_number(text, &reading->value);
            if (!have_value) {
                return false;
            }
        } else {
            return false; /* neither, or the same one twice */
        }
    } while (take(text, ","));
    if (!have_time) {
        reading->time_stamp = unix_time();
    }
    return have_value && take(text, "}");
}

static bool at_end(struct text *text) {
    skip_space(text);
    return text->at == text->end;
}

bool readings_parse_one(const char *text, size_t length, struct reading *reading) {
    struct text rest = {text, text + length};
    bool good;

    skip_space(&rest);
    if (rest.at < rest.end && *rest.at == '{') {
        good = take_reading(&rest, reading);
    } else {
        reading->time_stamp = unix_time();
        good = take_number(&rest, &reading->value);
    }
    return good && at_end(&rest);
}

bool readings_parse_all(const char *text, size_t length, struct readings *readings) {
    struct text rest = {text, text + length};
    struct readings parsed = {.count = 0};

    if (!take(&rest, "{") || !take(&rest, "\"Data\"") || !take(&rest, ":") || !take(&rest, "[")) {
        return false;
    }
    if (!take(&rest, "]")) {
        do {
            if (parsed.count == READINGS_STORED_MAX ||
                !take_reading(&rest, &parsed.stored[parsed.count])) {
                return false;
            }
            parsed.count++;
        } while (take(&rest, ","));
        if (!take(&rest, "]")) {
            return false;
        }
    }
    if (!take(&rest, "}") || !at_end(&rest)) {
        return false;
    }
    *readings = parsed;
    return true;
}
