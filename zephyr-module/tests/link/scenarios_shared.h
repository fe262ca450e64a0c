/* What scenarios.c and scenarios_oscore.c have of each other's. */
#ifndef SCENARIOS_SHARED_H
#define SCENARIOS_SHARED_H

#include <lscoap/coap_client.h>

#include <stdbool.h>

bool scenarios_check(bool passed, const char *file, int line, const char *text);
#define CHECK(condition) scenarios_check((condition), __FILE__, __LINE__, #condition)

extern struct lscoap_coap_client client;

/* A network that has seen nothing and a service without sessions. */
void start_network(void);

/* A handshake. */
int connect_client(int32_t profile);

/* A message that is being written: option heads of up to 65,535, values of up to 12 bytes. */
enum { DRAFT_ROOM = 128 };
struct draft {
    uint8_t bytes[DRAFT_ROOM];
    size_t len;
    uint16_t number;
};

/* A request for this path with empty options of these numbers, which ascend. */
struct draft request_with(const char *path, uint8_t method, const uint16_t *numbers, size_t count);

/* Seals it in the client's session. */
void protect(struct draft *draft, int32_t carrier);

/* What the service answers: the code inside, or 0x100 and the code outside where it does not seal.
 */
unsigned code_of_answer(const struct draft *draft);

/* How often a handler was called. */
extern unsigned executed;

/* Sessions in Zephyr's own OSCORE. */
void oscore_sessions(int32_t profile);

#endif
