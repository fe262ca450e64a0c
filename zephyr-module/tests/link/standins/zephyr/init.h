#ifndef ZEPHYR_INIT_H
#define ZEPHYR_INIT_H

#include <errno.h>

/* main() calls it. */
#define SYS_INIT(function, level, priority)                                                        \
    int standin_init_##function(void);                                                             \
    int standin_init_##function(void) {                                                            \
        return function();                                                                         \
    }                                                                                              \
    extern int standin_init_##function(void)

#endif
