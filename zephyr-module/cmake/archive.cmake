# The imported library `lscoap`: liblscoap.a, from cargo or ready-made. Imported, and not by
# zephyr_library_import(), which would put all of it into the image.

# A path of Kconfig's, which may be relative to the application.
function(lscoap_application_path out path)
  get_filename_component(absolute "${path}" ABSOLUTE BASE_DIR ${APPLICATION_SOURCE_DIR})
  set(${out} ${absolute} PARENT_SCOPE)
endfunction()

function(lscoap_cargo_archive out)
  lscoap_rust_target(target)
  lscoap_features(features)
  lscoap_opt_level(level)
  set(script ${LSCOAP_ROOT}/scripts/build-staticlib.sh)
  # Several builds can share what cargo has compiled, by cargo's own variable.
  if(DEFINED ENV{CARGO_TARGET_DIR})
    set(cargo_dir $ENV{CARGO_TARGET_DIR})
  else()
    set(cargo_dir ${CMAKE_CURRENT_BINARY_DIR}/cargo)
  endif()
  set(archive ${CMAKE_CURRENT_BINARY_DIR}/liblscoap.a)
  # Always run: cargo knows what has changed, and the archive is left alone if nothing has.
  add_custom_target(lscoap_cargo
    COMMAND ${CMAKE_COMMAND} -E env "LSCOAP_CARGO_ARGS=${CONFIG_LSCOAP_CARGO_ARGS}"
      ${script} ${target} "${features}" ${level} ${cargo_dir} ${archive}
    BYPRODUCTS ${archive}
    COMMENT "Building liblscoap.a for ${target} (${features})"
    USES_TERMINAL VERBATIM)
  set(${out} ${archive} PARENT_SCOPE)
endfunction()

function(lscoap_archive)
  if(CONFIG_LSCOAP_PREBUILT)
    lscoap_application_path(archive "${CONFIG_LSCOAP_PREBUILT}")
    if(NOT EXISTS ${archive})
      lscoap_refuse("there is no ${archive}: mend CONFIG_LSCOAP_PREBUILT, or leave it empty and cargo builds the \
library.")
    endif()
  else()
    lscoap_cargo_archive(archive)
  endif()
  add_library(lscoap STATIC IMPORTED GLOBAL)
  set_target_properties(lscoap PROPERTIES IMPORTED_LOCATION ${archive})
  if(TARGET lscoap_cargo)
    add_dependencies(lscoap lscoap_cargo)
  endif()
endfunction()
