//! How much of what is written a store, and all of them together, keep in memory.

use std::time::{Duration, Instant};

use relevo_readstore::{Batch, Family, Options, Pace, ReadStore, WriteBuffers};

const USUAL_BYTES: usize = 256 << 10;

fn fill(store: &ReadStore, from: u32, bytes: usize) {
    for key in from..from + u32::try_from(bytes / 1_000).unwrap() {
        let mut batch = Batch::new();
        // What lz4 cannot make small.
        let value: Vec<u8> = (0..1_000_u32).map(|at| (key.wrapping_mul(2_654_435_761) >> (at % 24)) as u8).collect();
        batch.put(Family::Rows, key.to_be_bytes(), value);
        store.write(batch).unwrap();
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_store_that_catches_up_keeps_more_in_memory_and_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { write_buffer_bytes: USUAL_BYTES, ..Options::default() };
    let store = ReadStore::open(folder.path().join("view"), &options).unwrap();
    store.set_pace(Pace::CatchingUp).unwrap();
    // Its first buffer is as large as it was.
    fill(&store, 0, 2 * USUAL_BYTES);
    store.flush().unwrap();
    fill(&store, 10_000, 3 * USUAL_BYTES);
    assert!(options.write_buffers.bytes() > 2 * USUAL_BYTES, "{}", options.write_buffers.bytes());
    let digest = store.digest().unwrap();

    store.set_pace(Pace::Following).unwrap();
    until("it is given back though nothing more is written", || options.write_buffers.bytes() < 2 * USUAL_BYTES);
    assert_eq!(store.digest().unwrap(), digest);
    fill(&store, 20_000, 4 * USUAL_BYTES);
    until("its buffers are as large as before", || options.write_buffers.bytes() < 3 * USUAL_BYTES);
    let digest = store.digest().unwrap();
    drop(store);
    let store = ReadStore::open(folder.path().join("view"), &options).unwrap();
    assert_eq!(store.digest().unwrap(), digest);
}

#[test]
fn stores_that_share_a_bound_keep_it_together() {
    let folder = tempfile::tempdir().unwrap();
    let bound = 2 << 20;
    let options = Options { write_buffers: WriteBuffers::new(bound), ..Options::default() };
    let stores = ["a", "b"].map(|name| ReadStore::open(folder.path().join(name), &options).unwrap());
    for part in 0..6 {
        for store in &stores {
            fill(store, part * 1_000, 500_000);
        }
    }
    // Three megabytes in each, which would have room in either's own buffers. The bound is looked at with the next write, and a
    // buffer grows by half a megabyte at a time.
    until("what is beyond the bound is flushed", || options.write_buffers.bytes() <= 2 * bound);
    for store in &stores {
        assert_eq!(store.digest().unwrap().keys, 3_000);
    }
}

#[test]
fn no_file_is_closed_while_there_is_room_for_more_open_ones() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReadStore::open(folder.path(), &Options { open_files_max: 64, ..Options::default() }).unwrap();
    drop(store);
    // What it was opened with, as the store writes it down. In parts, the table of open files has room for one file in each.
    let written = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let written =
        written.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("OPTIONS-")).max().unwrap();
    let written = std::fs::read_to_string(written).unwrap();
    for option in ["max_open_files=64", "table_cache_numshardbits=0"] {
        assert!(written.lines().any(|line| line.trim() == option), "{option} in {written}");
    }
}
