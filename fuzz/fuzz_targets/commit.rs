//! libFuzzer's door to `relevo_fuzz::commit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::commit::run(data));
