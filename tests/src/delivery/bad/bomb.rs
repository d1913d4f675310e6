//! An archive bomb: a small file that becomes a large one in the hands of whoever opens it. Relevo opens none.

use crate::delivery::cases::{Verdict, Wrong};
use crate::delivery::rig::Rig;

/// How often the longest repetition of DEFLATE is written down: 13 bits stand for 258 bytes.
const REPETITIONS: usize = 2_600_000;
const REPEATED_BYTES: usize = 258;
/// What the bomb becomes: more than everything else that the cases ask of the broker's memory.
pub(super) const UNPACKED_BYTES: usize = 1 + REPETITIONS * REPEATED_BYTES;

/// A ZIP archive with one file: zeros, as DEFLATE (RFC 1951) writes them with its fixed codes. 4 MB that become 670 MB.
pub(super) fn bomb() -> Vec<u8> {
    let packed = zeros();
    let name = b"ceros.bin";
    let (packed_size, size) = ((packed.len() as u32).to_le_bytes(), (UNPACKED_BYTES as u32).to_le_bytes());
    // Version 2.0, no flags, DEFLATE, no time, no checksum: who checks it has unpacked it first.
    let about = [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &packed_size, &size, &[9, 0, 0, 0]].concat();
    let mut archive = [b"PK\x03\x04".as_slice(), &about, name, &packed].concat();
    let directory_at = (archive.len() as u32).to_le_bytes();
    let entry = [b"PK\x01\x02\x14\x00".as_slice(), &about, &[0; 14], name].concat();
    archive.extend_from_slice(&entry);
    let counts = [0, 0, 0, 0, 1, 0, 1, 0];
    let entry_size = (entry.len() as u32).to_le_bytes();
    archive.extend_from_slice(&[b"PK\x05\x06".as_slice(), &counts, &entry_size, &directory_at, &[0, 0]].concat());
    archive
}

fn zeros() -> Vec<u8> {
    // Each code with its first bit first: last block, fixed codes; a zero; then "258 bytes from one byte back"; the end.
    let begin = [true, true, false];
    let zero = [false, false, true, true, false, false, false, false];
    let again = [true, true, false, false, false, true, false, true, false, false, false, false, false];
    let bits = begin.into_iter().chain(zero).chain(std::iter::repeat_n(again, REPETITIONS).flatten()).chain([false; 7]);
    let (mut packed, mut byte, mut at) = (Vec::with_capacity(REPETITIONS * 13 / 8 + 4), 0_u8, 0);
    for bit in bits {
        byte |= u8::from(bit) << at;
        at += 1;
        if at == 8 {
            packed.push(byte);
            (byte, at) = (0, 0);
        }
    }
    packed.push(byte);
    packed
}

/// The most memory that the broker ever had, in bytes.
pub(super) fn peak(rig: &Rig) -> Verdict<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", rig.broker.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| Wrong::new("the broker's memory", status))
}
