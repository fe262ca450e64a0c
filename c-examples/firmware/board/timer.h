/* The free-running counter behind board_ticks(), with the clock that it needs: one timer_*.c for
 * each kind. */
#ifndef TIMER_H
#define TIMER_H

void timer_start(void);

#endif
