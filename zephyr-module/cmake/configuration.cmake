# What the Kconfig options mean to the build: cargo features, optimisation, and which sets of options cannot be.
# Plain CMake over CONFIG_* variables, so that tests/kconfig runs it without Zephyr.

function(lscoap_refuse sentence)
  message(FATAL_ERROR "lscoap: ${sentence}")
endfunction()

# Each sentence says what to do.
function(lscoap_check_configuration)
  if(NOT CONFIG_LSCOAP_CLIENT AND NOT CONFIG_LSCOAP_SERVER)
    lscoap_refuse("there is no role: set CONFIG_LSCOAP_CLIENT=y or CONFIG_LSCOAP_SERVER=y.")
  endif()
  if(NOT CONFIG_LSCOAP_SIGNED AND NOT CONFIG_LSCOAP_EXPRESS)
    lscoap_refuse("there is no profile: set CONFIG_LSCOAP_SIGNED=y or CONFIG_LSCOAP_EXPRESS=y.")
  endif()
  if(CONFIG_LSCOAP_ENTROPY_CSPRNG AND NOT CONFIG_CSPRNG_ENABLED)
    lscoap_refuse("this board has no entropy driver: enable one (the devicetree's chosen zephyr,entropy), or \
PSA crypto with CONFIG_LSCOAP_ENTROPY_PSA=y, or, on an emulator and for tests only, \
CONFIG_LSCOAP_ENTROPY_INSECURE_TEST=y.")
  endif()
  if(CONFIG_LSCOAP_P256_ASSEMBLY AND NOT (CONFIG_CPU_CORTEX_M4 OR CONFIG_CPU_CORTEX_M7 OR CONFIG_ARMV8_M_DSP))
    lscoap_refuse("P-256 in assembly is for Cortex-M4, M7 and those M33 that have the DSP extension: set \
CONFIG_LSCOAP_P256_ASSEMBLY=n.")
  endif()
  if(CONFIG_LSCOAP_P256_ASSEMBLY AND CONFIG_LSCOAP_P256_SMALL)
    lscoap_refuse("only one can compute on P-256: set CONFIG_LSCOAP_P256_ASSEMBLY=n or CONFIG_LSCOAP_P256_SMALL=n.")
  endif()
  if(CONFIG_LSCOAP_IDENTITY_HEADER AND NOT CONFIG_LSCOAP_IDENTITY_HEADER_PATH)
    lscoap_refuse("CONFIG_LSCOAP_IDENTITY_HEADER_PATH is empty: make a header with 'lscoap c-header' and name it \
there, or choose another CONFIG_LSCOAP_IDENTITY_*.")
  endif()
  if(CONFIG_LSCOAP_PREBUILT AND CONFIG_LSCOAP_CARGO_ARGS)
    lscoap_refuse("cargo does not run with CONFIG_LSCOAP_PREBUILT, so CONFIG_LSCOAP_CARGO_ARGS has no effect: unset \
one of them.")
  endif()
endfunction()

# The features of the crate, separated by commas.
function(lscoap_features out)
  set(features)
  foreach(option CLIENT SERVER SIGNED EXPRESS RESUME COAP DEVICE GROUP GROUP_DELEGATE)
    if(CONFIG_LSCOAP_${option})
      string(TOLOWER ${option} feature)
      string(REPLACE _ - feature ${feature})
      list(APPEND features ${feature})
    endif()
  endforeach()
  if(CONFIG_LSCOAP_P256_ASSEMBLY)
    list(APPEND features p256-cm4)
  endif()
  # The target of an M33 does not say that there is DSP; those of M4 and M7 do.
  if(CONFIG_LSCOAP_P256_SMALL AND CONFIG_ARMV8_M_DSP)
    list(APPEND features p256-small-dsp)
  elseif(CONFIG_LSCOAP_P256_SMALL)
    list(APPEND features p256-small)
  endif()
  list(JOIN features "," features)
  set(${out} ${features} PARENT_SCOPE)
endfunction()

# The optimisation of the crate.
function(lscoap_opt_level out)
  if(CONFIG_LSCOAP_OPTIMISE_SPEED)
    set(level 3)
  elseif(CONFIG_LSCOAP_OPTIMISE_BALANCE)
    set(level s)
  else()
    set(level z)
  endif()
  set(${out} ${level} PARENT_SCOPE)
endfunction()
