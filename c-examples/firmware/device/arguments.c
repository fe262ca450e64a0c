#include "arguments.h"

#include <lscoap.h>
#include <string.h>

/* The value of "name=value", or null. */
static char *value_of(char *word, const char *name) {
    const size_t len = strlen(name);

    return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static bool parse_number(const char *text, uint32_t max, uint32_t *number) {
    uint32_t value = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        const uint32_t digit = (uint32_t)*text - '0';

        if (digit > 9 || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

static bool parse_profile(const char *text, int32_t *profile) {
    *profile = strcmp(text, "signed") == 0    ? LSCOAP_SIGNED
               : strcmp(text, "express") == 0 ? LSCOAP_EXPRESS
                                              : 0;
    return *profile != 0;
}

static bool parse_word(char *word, struct arguments *arguments) {
    char *value;
    uint32_t number;

    if ((value = value_of(word, "profile")) != NULL) {
        return parse_profile(value, &arguments->profile);
    }
    if ((value = value_of(word, "port")) != NULL) {
        bool good = parse_number(value, UINT16_MAX, &number);

        arguments->port = good ? (uint16_t)number : 0;
        return good;
    }
    if ((value = value_of(word, "gets")) != NULL) {
        return parse_number(value, UINT32_MAX, &arguments->gets);
    }
    if ((value = value_of(word, "listen")) != NULL) {
        return parse_number(value, UINT32_MAX / 1000, &arguments->listen_seconds);
    }
    if ((value = value_of(word, "post")) != NULL) {
        arguments->post = *value != '\0' ? value : NULL;
        return true;
    }
    if ((value = value_of(word, "path")) != NULL) {
        arguments->path = value;
        return true;
    }
    if ((value = value_of(word, "store")) != NULL) {
        arguments->store = value;
        return *value != '\0';
    }
    return false;
}

bool arguments_parse(char *text, struct arguments *arguments) {
    static const struct arguments defaults = {LSCOAP_SIGNED, 5683, "/index", 1, "21.5", NULL, 0};

    *arguments = defaults;
    text += strspn(text, " ");
    while (*text != '\0') {
        char *word = text;

        text += strcspn(text, " ");
        if (*text != '\0') {
            *text++ = '\0';
            text += strspn(text, " ");
        }
        if (!parse_word(word, arguments)) {
            return false;
        }
    }
    return true;
}
