/* Every exception ends here: it is reported, and the program ends with BOARD_EXIT_FAULT. */
#ifndef FAULT_H
#define FAULT_H

void board_fault(void);

#endif
