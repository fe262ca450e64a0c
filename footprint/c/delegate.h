/* What a group costs a device that sends in its owner's place. */
#ifndef DELEGATE_H
#define DELEGATE_H

void measure_delegate(void);

#endif
