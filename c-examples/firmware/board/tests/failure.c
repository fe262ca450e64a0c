#include "board.h"

int main(void) {
    board_print("about to fail\n");
    return 1;
}
