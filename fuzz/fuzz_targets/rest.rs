//! libFuzzer's door to `relevo_fuzz::rest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::rest::run(data));
