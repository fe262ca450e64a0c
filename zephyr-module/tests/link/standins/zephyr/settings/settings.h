#ifndef ZEPHYR_SETTINGS_SETTINGS_H
#define ZEPHYR_SETTINGS_SETTINGS_H

#include <stddef.h>
#include <sys/types.h>

typedef ssize_t (*settings_read_cb)(void *from, void *data, size_t len);
typedef int (*settings_load_direct_cb)(const char *key, size_t len, settings_read_cb read,
                                       void *from, void *param);

int settings_subsys_init(void);
int settings_load_subtree_direct(const char *subtree, settings_load_direct_cb load, void *param);
int settings_delete(const char *name);
int settings_save_one(const char *name, const void *value, size_t len);

#endif
