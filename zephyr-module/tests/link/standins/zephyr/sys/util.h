#ifndef ZEPHYR_SYS_UTIL_H
#define ZEPHYR_SYS_UTIL_H

#define ARG_UNUSED(x) (void)(x)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define _DO_CONCAT(x, y) x##y
#define _CONCAT(x, y) _DO_CONCAT(x, y)

/* A false one is an array of negative length. The message is for Zephyr's. */
#define BUILD_ASSERT(condition, ...)                                                               \
    extern char _CONCAT(build_assert_, __LINE__)[(condition) ? 1 : -1]

/* 1 where the option is defined as 1. */
#define IS_ENABLED(option) IS_ENABLED_1(option)
#define IS_ENABLED_1(value) IS_ENABLED_2(COMMA_IF_##value)
#define COMMA_IF_1 0,
#define IS_ENABLED_2(comma) IS_ENABLED_3(comma 1, 0, 0)
#define IS_ENABLED_3(skipped, value, ...) value

#endif
