/* Semihosting: a breakpoint that the debugger or QEMU answers. A processor that has neither stops
 * there. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

/* What Arm's specification calls an operation: its number, and the address of what it takes. */
int32_t semihosting(uint32_t operation, const void *arguments);

#endif
