/* Every function of lscoap.h, measured: the driver reads what this prints. */
#include "ends.h"
#include "handshake.h"
#include "messages.h"
#include "others.h"
#include "records.h"

int main(void) {
    print_sizes();
    ends_init();
    measure_enrolment();
    measure_signed();
    measure_first_request();
    measure_express();
    measure_first_request();
    measure_resume();
    measure_first_request();
    measure_records();
    measure_messages();
    measure_session();
    measure_names();
    measure_ends();
    return 0;
}
