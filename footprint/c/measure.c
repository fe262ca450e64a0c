/* Every function of lscoap.h, measured: the driver reads what this prints. */
#include "ends.h"
#include "everything.h"
#include "group.h"
#include "others.h"

int main(void) {
    print_sizes();
    print_group_sizes();
    ends_init();
    measure_everything();
    return 0;
}
