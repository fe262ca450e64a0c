#ifndef ZEPHYR_LOGGING_LOG_H
#define ZEPHYR_LOGGING_LOG_H

#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

#define LOG_MODULE_REGISTER(name, ...) extern const char standin_log_##name
#define LOG_MODULE_DECLARE(name, ...) extern const char standin_log_##name
/* Compiled, and not carried out. */
#define STANDIN_LOG(...)                                                                           \
    do {                                                                                           \
        if (0) {                                                                                   \
            printk(__VA_ARGS__);                                                                   \
        }                                                                                          \
    } while (0)
#define LOG_DBG(...) STANDIN_LOG(__VA_ARGS__)
#define LOG_WRN(...) STANDIN_LOG(__VA_ARGS__)
#define LOG_ERR(...) STANDIN_LOG(__VA_ARGS__)

#endif
