# lscoap_firmware(): an image for BOARD that links lscoap::lscoap. To be included after boards.cmake, project() and the
# add_subdirectory() of the repository's root.
get_filename_component(board_dir ${CMAKE_CURRENT_LIST_DIR}/../board ABSOLUTE)
get_filename_component(board_run ${CMAKE_CURRENT_LIST_DIR}/../run.sh ABSOLUTE)
string(REGEX REPLACE "gcc$" "size" board_size "${CMAKE_C_COMPILER}")

function(lscoap_firmware_options target)
  set_target_properties(${target} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Werror)
endfunction()

add_library(board OBJECT ${board_dir}/console.c)
lscoap_firmware_options(board)
target_include_directories(board PUBLIC ${board_dir})
if(BOARD STREQUAL "host")
  target_sources(board PRIVATE ${board_dir}/host.c)
elseif(BOARD MATCHES "^riscv-")
  target_sources(board PRIVATE
    ${board_dir}/clock.c
    ${board_dir}/console_semihosting.c
    ${board_dir}/end.c
    ${board_dir}/riscv/semihosting.c
    ${board_dir}/riscv/stack.c
    ${board_dir}/riscv/startup.c
    ${board_dir}/riscv/timer.c)
  target_compile_options(board PRIVATE -march=${board_march})
  target_compile_definitions(board PUBLIC BOARD_TICK_HZ=${board_tick_hz}u)
else()
  target_sources(board PRIVATE
    ${board_dir}/clock.c
    ${board_dir}/end.c
    ${board_dir}/fault.c
    ${board_dir}/semihosting.c
    ${board_dir}/stack.c
    ${board_dir}/startup.c
    ${board_dir}/timer_${board_timer}.c)
  if(board_uart)
    target_sources(board PRIVATE ${board_dir}/console_uart.c ${board_dir}/uart_${board_uart}.c)
  else()
    target_sources(board PRIVATE ${board_dir}/console_semihosting.c)
  endif()
  target_compile_options(board PRIVATE -masm-syntax-unified) # the one syntax, for ARMv6-M too
  target_compile_definitions(board PUBLIC
    BOARD_TICK_HZ=${board_tick_hz}u BOARD_TIMER_BASE=${board_timer_base}u)
endif()

# lscoap_firmware(NAME SOURCE... [STACK BYTES])
# The C library is linked without a heap: malloc() would need _sbrk(), which nothing defines.
function(lscoap_firmware name)
  cmake_parse_arguments(arg "" "STACK" "" ${ARGN})
  if(NOT arg_STACK)
    set(arg_STACK ${board_stack_size})
  endif()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  lscoap_firmware_options(${name})
  target_link_libraries(${name} PRIVATE board lscoap::lscoap)
  if(BOARD STREQUAL "host")
    return()
  endif()
  set_target_properties(${name} PROPERTIES SUFFIX .elf
    LINK_DEPENDS "${board_dir}/${board_memory}.ld;${board_dir}/sections.ld")
  target_link_libraries(${name} PRIVATE -lc -lgcc)
  target_link_options(${name} PRIVATE -nostartfiles -nodefaultlibs
    -L${board_dir} -T${board_memory}.ld -Wl,--defsym=__stack_size=${arg_STACK}
    -Wl,-Map=$<TARGET_FILE:${name}>.map -Wl,--fatal-warnings -Wl,-z,noexecstack)
  add_custom_command(TARGET ${name} POST_BUILD COMMAND ${board_size} $<TARGET_FILE:${name}> VERBATIM)
endfunction()

# lscoap_firmware_test(TEST NAME): runs that image.
function(lscoap_firmware_test test name)
  if(BOARD STREQUAL "host")
    add_test(NAME ${test} COMMAND ${name})
  else()
    add_test(NAME ${test} COMMAND ${board_run} ${BOARD} $<TARGET_FILE:${name}>)
  endif()
endfunction()
