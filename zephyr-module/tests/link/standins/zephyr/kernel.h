/* Stand-ins for what the module's glue calls of Zephyr's, so that it compiles and links without it.
 */
#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H

#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t ticks;
} k_timeout_t;
#define K_FOREVER ((k_timeout_t){-1})

struct k_mutex {
    int depth;
};
#define K_MUTEX_DEFINE(name) struct k_mutex name

int k_mutex_lock(struct k_mutex *mutex, k_timeout_t timeout);
int k_mutex_unlock(struct k_mutex *mutex);

/* Time passes while somebody waits. */
int64_t k_uptime_get(void);
uint32_t k_uptime_get_32(void);
int32_t k_msleep(int32_t ms);

#endif
