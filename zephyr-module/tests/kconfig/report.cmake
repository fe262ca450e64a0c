# What the module's CMake makes of a .config: cmake -DDOTCONFIG=... -P report.cmake
cmake_minimum_required(VERSION 3.20)
set(CMAKE_HOST_SYSTEM_PROCESSOR HOST) # which scripts are not told
set(module ${CMAKE_CURRENT_LIST_DIR}/../..)
include(${CMAKE_CURRENT_LIST_DIR}/../dotconfig.cmake)
lscoap_read_dotconfig(${DOTCONFIG})
include(${module}/cmake/configuration.cmake)
include(${module}/cmake/rust_target.cmake)
lscoap_check_configuration()
lscoap_features(features)
lscoap_rust_target(target)
lscoap_opt_level(level)
message(NOTICE "REPORT ${features} ${target} ${level}")
