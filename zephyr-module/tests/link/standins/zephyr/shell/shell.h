#ifndef ZEPHYR_SHELL_SHELL_H
#define ZEPHYR_SHELL_SHELL_H

#include <stddef.h>
#include <stdint.h>

struct shell {
    int unused;
};
typedef int (*shell_cmd_handler)(const struct shell *sh, size_t argc, char **argv);
struct shell_static_entry {
    const char *name, *help;
    shell_cmd_handler handler;
    unsigned char mandatory, optional;
};
enum { SHELL_NORMAL };

#define SHELL_CMD_ARG(name, subcommands, help, handler, mandatory, optional)                       \
    { #name, help, handler, mandatory, optional }
#define SHELL_SUBCMD_SET_END                                                                       \
    { NULL, NULL, NULL, 0, 0 }
#define SHELL_STATIC_SUBCMD_SET_CREATE(name, ...)                                                  \
    static const struct shell_static_entry name[] = {__VA_ARGS__}
#define SHELL_CMD_REGISTER(name, subcommands, help, handler)                                       \
    const struct shell_static_entry *const standin_shell_##name = *(subcommands)

void shell_fprintf(const struct shell *sh, int color, const char *format, ...);
void shell_hexdump(const struct shell *sh, const uint8_t *bytes, size_t len);
#define shell_print(sh, ...) shell_fprintf(sh, SHELL_NORMAL, __VA_ARGS__)
#define shell_error(sh, ...) shell_fprintf(sh, SHELL_NORMAL, __VA_ARGS__)

#endif
