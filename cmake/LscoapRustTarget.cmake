# Which Rust target the C compiler builds for. The compiler itself is asked (its predefined macros under
# CMAKE_C_FLAGS), so that -mcpu, -march, -mfloat-abi and a compiler's own defaults all count.

function(_lscoap_compiler_macros out)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
  if(CMAKE_C_COMPILER_TARGET)
    list(APPEND flags "${CMAKE_C_COMPILER_OPTIONS_TARGET}${CMAKE_C_COMPILER_TARGET}")
  endif()
  execute_process(
    COMMAND ${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_ARG1} ${flags} -dM -E -x c /dev/null
    OUTPUT_VARIABLE macros ERROR_VARIABLE error RESULT_VARIABLE result)
  if(result)
    message(FATAL_ERROR "lscoap: ${CMAKE_C_COMPILER} does not say what it builds for, set LSCOAP_RUST_TARGET: ${error}")
  endif()
  set(${out} "${macros}" PARENT_SCOPE)
endfunction()

# Microcontrollers: -mfloat-abi=hard is another calling convention, and so another target.
function(_lscoap_bare_metal_target out)
  _lscoap_compiler_macros(macros)
  set(abi eabi)
  if(macros MATCHES "#define __ARM_PCS_VFP 1")
    set(abi eabihf)
  endif()
  if(macros MATCHES "#define __ARM_ARCH_6M__ 1") # Cortex-M0, M0+, M1
    set(target thumbv6m-none-eabi)
  elseif(macros MATCHES "#define __ARM_ARCH_7M__ 1") # Cortex-M3
    set(target thumbv7m-none-eabi)
  elseif(macros MATCHES "#define __ARM_ARCH_7EM__ 1") # Cortex-M4, M7
    set(target thumbv7em-none-${abi})
  elseif(macros MATCHES "#define __ARM_ARCH_8M_BASE__ 1") # Cortex-M23
    set(target thumbv8m.base-none-eabi)
  elseif(macros MATCHES "#define __ARM_ARCH_8(_1)?M_MAIN__ 1") # Cortex-M33, M35P, M55, M85
    set(target thumbv8m.main-none-${abi})
  elseif(macros MATCHES "#define __riscv_xlen 32" AND macros MATCHES "#define __riscv_float_abi_soft 1")
    set(target riscv32imc-unknown-none-elf) # ESP32-C3
    if(macros MATCHES "#define __riscv_atomic 1") # ESP32-C6, GD32V
      set(target riscv32imac-unknown-none-elf)
    endif()
  else()
    message(FATAL_ERROR "lscoap: no Rust target is known for this processor (CMAKE_C_FLAGS: '${CMAKE_C_FLAGS}'): "
      "name the CPU there, as in -mcpu=cortex-m4, or set LSCOAP_RUST_TARGET")
  endif()
  set(${out} ${target} PARENT_SCOPE)
endfunction()

function(_lscoap_linux_target out)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(target x86_64-unknown-linux-gnu)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^i[3-6]86$")
    set(target i686-unknown-linux-gnu)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(target aarch64-unknown-linux-gnu)
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    set(target riscv64gc-unknown-linux-gnu)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
    _lscoap_compiler_macros(macros)
    set(arch arm)
    if(macros MATCHES "#define __ARM_ARCH 7" AND macros MATCHES "#define __ARM_PCS_VFP 1")
      set(arch armv7)
    endif()
    if(macros MATCHES "#define __ARM_PCS_VFP 1")
      set(target ${arch}-unknown-linux-gnueabihf)
    else()
      set(target ${arch}-unknown-linux-gnueabi)
    endif()
  else()
    message(FATAL_ERROR "lscoap: no Rust target is known for Linux on '${CMAKE_SYSTEM_PROCESSOR}': "
      "set LSCOAP_RUST_TARGET")
  endif()
  set(${out} ${target} PARENT_SCOPE)
endfunction()

# Sets `out` to the Rust target and `hosted` to whether it has an operating system.
function(lscoap_rust_target out hosted)
  if(LSCOAP_RUST_TARGET)
    set(target ${LSCOAP_RUST_TARGET})
  elseif(NOT CMAKE_CROSSCOMPILING)
    set(target host)
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    _lscoap_linux_target(target)
  else()
    _lscoap_bare_metal_target(target)
  endif()
  set(${out} ${target} PARENT_SCOPE)
  if(target MATCHES "-none(-|$)")
    set(${hosted} OFF PARENT_SCOPE)
  else()
    set(${hosted} ON PARENT_SCOPE)
  endif()
endfunction()
