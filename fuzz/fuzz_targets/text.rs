//! libFuzzer's door to `relevo_fuzz::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::text::run(data));
