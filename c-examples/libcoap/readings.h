/* The readings behind /index and their JSON form,
 *
 *     {"Data":[{"timeStamp":<unix time>,"value":<number>}, ...]}
 *
 * Nothing here knows about CoAP. */
#ifndef LSCOAP_EXAMPLES_READINGS_H
#define LSCOAP_EXAMPLES_READINGS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    READINGS_STORED_MAX = 64, /* readings that clients wrote; the oldest gives way */
    READINGS_SHOWN_MAX = 500  /* readings in one document */
};

struct reading {
    double time_stamp;
    double value;
};

struct readings {
    struct reading stored[READINGS_STORED_MAX]; /* oldest first */
    size_t count;
};

/* One measurement of the (imagined) sensor, now. */
struct reading readings_measure(void);

void readings_add(struct readings *readings, struct reading reading);
void readings_clear(struct readings *readings);

/* The document of `shown` readings: the newest stored ones, then measurements made for this
 * document. The caller frees it. NULL when there is no memory. */
char *readings_document(const struct readings *readings, size_t shown, size_t *length);

/* A number, or {"value":v} with or without "timeStamp"; the time is now when it is not given. */
bool readings_parse_one(const char *text, size_t length, struct reading *reading);
/* A document, to take the place of all that is stored; changes nothing when the text is bad. */
bool readings_parse_all(const char *text, size_t length, struct readings *readings);

#endif
