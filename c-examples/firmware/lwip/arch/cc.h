/* What lwIP asks of the compiler: its defaults are good, but for a failed assertion. */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include "board.h"

#define LWIP_PLATFORM_ASSERT(text)                                                                 \
    do {                                                                                           \
        board_print("lwIP: " text "\n");                                                           \
        board_exit(BOARD_EXIT_FAULT);                                                              \
    } while (0)

#endif
