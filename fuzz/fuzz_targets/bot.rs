//! libFuzzer's door to `relevo_fuzz::bot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::bot::run(data));
