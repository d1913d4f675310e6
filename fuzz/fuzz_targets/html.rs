//! libFuzzer's door to `relevo_fuzz::html`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::html::run(data));
