# RISC-V, such as the ESP32-C6 and the GD32V.
set(LSCOAP_CPU_FLAGS "-march=rv32imac")
include(${CMAKE_CURRENT_LIST_DIR}/riscv-none-elf.cmake)
