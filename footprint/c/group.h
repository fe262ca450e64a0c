/* What a group costs its owner and one of its members, in the session of ends.h. */
#ifndef GROUP_H
#define GROUP_H

void measure_group(void);
void print_group_sizes(void);

#endif
