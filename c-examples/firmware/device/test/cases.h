/* The cases of this test, by file. */
#ifndef CASES_H
#define CASES_H

void message_cases(void);
void client_cases(void);

#endif
