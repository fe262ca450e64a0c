/* What secure_server prints of what happens, for people: standard output, a line an event. */
#ifndef LSCOAP_EXAMPLES_SERVER_STORY_H
#define LSCOAP_EXAMPLES_SERVER_STORY_H

#include "devices.h"
#include "lscoap_libcoap.h"

struct server_story {
    char asked[DEVICES_ID_TEXT]; /* the id that the message at hand was looked up for, or "" */
};

/* An lscoap_libcoap_event_fn; the context is the struct. */
void server_story_tell(void *story, const lscoap_libcoap_event *event);

#endif
