//! libFuzzer's door to `relevo_fuzz::twilio`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relevo_fuzz::twilio::run(data));
