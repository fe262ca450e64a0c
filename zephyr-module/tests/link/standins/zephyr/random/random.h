#ifndef ZEPHYR_RANDOM_RANDOM_H
#define ZEPHYR_RANDOM_RANDOM_H

#include <stddef.h>

void sys_rand_get(void *out, size_t len);
int sys_csrand_get(void *out, size_t len);

#endif
