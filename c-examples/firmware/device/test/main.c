/* The CoAP client without a network: what it writes, what it takes, and when it sends again. */
#include "cases.h"
#include "check.h"

int main(void) {
    message_cases();
    client_cases();
    return check_end();
}
