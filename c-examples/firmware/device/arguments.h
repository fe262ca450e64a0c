/* What the device is asked to do: "profile=express port=5683 path=/index gets=2 post=21.5
 * store=FILE listen=60". */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

enum { ARGUMENTS_TEXT_MAX = 256 };

struct arguments {
    int32_t profile;  /* LSCOAP_SIGNED unless told otherwise */
    uint16_t port;    /* of the server: 5683 */
    const char *path; /* "/index" */
    uint32_t gets;    /* how many times GET: 1 */
    const char *post; /* the reading for POST, or null for none: 21.5 */
    char *store;      /* the host's file that stands for the device's flash; null: there is none */
    uint32_t listen_seconds; /* more than 0: instead of all that, a lamp in the server's group */
};

/* Cuts up `text`, which the arguments point into. False: there is something that is not understood.
 */
bool arguments_parse(char *text, struct arguments *arguments);

#endif
