//! libFuzzer's door to `relevo_fuzz::signature`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::signature::run(data));
