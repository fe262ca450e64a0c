# Sets the CONFIG_* variables of a .config.
macro(lscoap_read_dotconfig path)
  file(STRINGS ${path} lscoap_lines REGEX "^CONFIG_[A-Z0-9_]+=")
  foreach(line IN LISTS lscoap_lines)
    string(REGEX MATCH "^([A-Z0-9_]+)=\"?([^\"]*)\"?$" line "${line}")
    set(${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
  endforeach()
endmacro()
