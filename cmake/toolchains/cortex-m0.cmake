# Cortex-M0, M0+.
set(LSCOAP_CPU_FLAGS "-mcpu=cortex-m0")
include(${CMAKE_CURRENT_LIST_DIR}/arm-none-eabi.cmake)
