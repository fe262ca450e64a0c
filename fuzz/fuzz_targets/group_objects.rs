#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| lscoap_fuzz::group::group_objects(input));
