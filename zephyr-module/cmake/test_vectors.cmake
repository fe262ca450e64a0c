# The keys of the protocol's test vectors, as initialisers of C arrays: sk_C and pk_C of the device, sk_S and pk_S of
# the server; and the two enrolment strings, `device` and `server`.
macro(lscoap_test_vectors root)
  set(lscoap_vectors ${root}/tests/vectors.json)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${lscoap_vectors})
  file(READ ${lscoap_vectors} lscoap_json)
  foreach(key sk_C pk_C sk_S pk_S)
    string(JSON ${key} GET "${lscoap_json}" identity ${key})
    string(REGEX REPLACE "(..)" "0x\\1, " ${key} "${${key}}")
  endforeach()
  foreach(key device server)
    string(JSON ${key} GET "${lscoap_json}" enrolment "${key} with check")
  endforeach()
endmacro()
