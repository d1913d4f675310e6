//! libFuzzer's door to `relevo_fuzz::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::token::run(data));
