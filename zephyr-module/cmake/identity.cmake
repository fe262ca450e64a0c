# The sources of lscoap_identity_load().
include(${CMAKE_CURRENT_LIST_DIR}/test_vectors.cmake)

function(lscoap_identity_sources)
  zephyr_library_sources(src/identity.c)
  if(CONFIG_LSCOAP_IDENTITY_SETTINGS)
    zephyr_library_sources(src/identity_settings.c)
    return()
  endif()
  if(CONFIG_LSCOAP_IDENTITY_TEST)
    lscoap_test_vectors(${LSCOAP_ROOT})
    set(header ${CMAKE_CURRENT_BINARY_DIR}/identity_test.h)
    configure_file(src/identity_test.h.in ${header} @ONLY)
  else()
    lscoap_application_path(header "${CONFIG_LSCOAP_IDENTITY_HEADER_PATH}")
    if(NOT EXISTS ${header})
      lscoap_refuse("there is no ${header}: make it with 'lscoap c-header', or mend \
CONFIG_LSCOAP_IDENTITY_HEADER_PATH.")
    endif()
  endif()
  zephyr_library_sources(src/identity_header.c)
  set_source_files_properties(src/identity_header.c PROPERTIES
    COMPILE_DEFINITIONS LSCOAP_IDENTITY_HEADER="${header}" OBJECT_DEPENDS ${header})
endfunction()
