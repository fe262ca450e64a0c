# Cortex-M33, soft float ABI.
set(LSCOAP_CPU_FLAGS "-mcpu=cortex-m33 -mfloat-abi=soft")
include(${CMAKE_CURRENT_LIST_DIR}/arm-none-eabi.cmake)
