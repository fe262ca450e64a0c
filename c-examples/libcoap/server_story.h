/* What secure_server logs of what happens: a line an event. What anybody can cause is told
 * SERVER_STORY_STRANGERS times a period, and then only counted. */
#ifndef LSCOAP_EXAMPLES_SERVER_STORY_H
#define LSCOAP_EXAMPLES_SERVER_STORY_H

#include "devices.h"
#include "lscoap_libcoap.h"

enum { SERVER_STORY_STRANGERS = 64 };

struct server_story {
    char asked[DEVICES_ID_TEXT]; /* the id that the message at hand was looked up for, or "" */
    unsigned long strangers;     /* events of this period that anybody can have caused */
};

/* An lscoap_libcoap_event_fn; the context is the struct. */
void server_story_tell(void *story, const lscoap_libcoap_event *event);

/* Ends a period: says how many events were not told, if there were any. */
void server_story_summary(struct server_story *story);

#endif
