# RISC-V, such as the ESP32-C3.
set(LSCOAP_CPU_FLAGS "-march=rv32imc")
include(${CMAKE_CURRENT_LIST_DIR}/riscv-none-elf.cmake)
