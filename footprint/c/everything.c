#include "everything.h"
#include "device.h"
#include "ends.h"
#include "group.h"
#include "handshake.h"
#include "messages.h"
#include "others.h"
#include "records.h"

void measure_everything(void) {
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
    measure_contexts();
    measure_names();
    measure_group();
    measure_storage();
    measure_device();
    measure_ends();
}
