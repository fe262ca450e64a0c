#include <stdlib.h>

int main(void) {
    void *const memory = malloc(1);
    free(memory);
    return memory == NULL;
}
