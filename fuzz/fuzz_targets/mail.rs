//! libFuzzer's door to `relevo_fuzz::mail`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::mail::run(data));
