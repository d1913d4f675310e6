//! libFuzzer's door to `relevo_fuzz::meta`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::meta::run(data));
