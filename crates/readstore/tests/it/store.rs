//! What a store promises: whole batches, ordered scans, lasting snapshots, stable digests, and refusals that say what to do.

use std::ops::ControlFlow;

use relevo_readstore::{Batch, Direction, Family, KeyRange, OpenError, Options, ReadStore, Snapshot, StoreError};

fn open(folder: &tempfile::TempDir) -> ReadStore {
    ReadStore::open(folder.path().join("view"), &Options::default()).unwrap()
}

fn put(store: &ReadStore, rows: &[(&str, &str)]) {
    let mut batch = Batch::new();
    for (key, value) in rows {
        batch.put(Family::Rows, *key, *value);
    }
    store.write(batch).unwrap();
}

fn keys(entries: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<String> {
    entries.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

#[test]
fn a_new_folder_and_those_above_it_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views/a-v1");
    let _store = ReadStore::open(&path, &Options::default()).unwrap();
    for made in [path.as_path(), path.parent().unwrap()] {
        assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700, "{}", made.display());
    }
}

#[test]
fn a_batch_covers_both_families_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut batch = Batch::new();
    batch.put(Family::Rows, "a", "1");
    batch.put(Family::Meta, "a", "2");
    batch.put(Family::Rows, "b", "gone");
    batch.delete(Family::Rows, "b");
    store.write(batch).unwrap();
    drop(store);

    let store = open(&folder);
    assert_eq!(store.get(b"a").unwrap().as_deref(), Some(b"1".as_slice()));
    assert_eq!(store.get_in(Family::Meta, b"a").unwrap().as_deref(), Some(b"2".as_slice()));
    assert_eq!(store.get(b"b").unwrap(), None);
    assert!(store.approximate_bytes().unwrap() > 0);
}

#[test]
fn who_must_not_wait_for_the_disk_gets_what_is_in_memory_and_is_told_of_what_is_not() {
    type Read = fn(&Snapshot) -> bool;
    let folder = tempfile::tempdir().unwrap();
    put(&open(&folder), &[("a", "1"), ("b", "2")]);
    let store = open(&folder);
    store.flush().unwrap();
    drop(store);
    // Nothing of the files is in this one's caches.
    let store = open(&folder);
    put(&store, &[("c", "3")]);
    let snapshot = store.snapshot();

    let near = snapshot.in_memory();
    assert_eq!(near.get(b"c").unwrap().as_deref(), Some(b"3".as_slice()));
    assert!(!near.missed());
    let everything = |snapshot: &Snapshot| snapshot.scan(&KeyRange::all(), Direction::Forward, 9).map(keys);
    let reads: [Read; 4] = [
        |near| near.get(b"a").is_err(),
        |near| near.get_many(&[b"b".to_vec(), b"c".to_vec()]).is_err(),
        |near| near.scan(&KeyRange::all(), Direction::Forward, 9).is_err(),
        |near| near.for_each(&KeyRange::all(), Direction::Reverse, |_, _| ControlFlow::Continue(())).is_err(),
    ];
    for read in reads {
        let near = snapshot.in_memory();
        assert!(read(&near) && near.clone().missed());
        assert!(!snapshot.missed() && !store.damaged());
    }

    assert_eq!(everything(&snapshot).unwrap(), ["a", "b", "c"]);
    let near = snapshot.in_memory();
    assert_eq!(everything(&near).unwrap(), ["a", "b", "c"], "what was read is in memory");
    assert_eq!(near.get(b"a").unwrap().as_deref(), Some(b"1".as_slice()));
    assert!(!near.missed());
}

#[test]
fn many_rows_come_in_the_order_of_their_keys_and_of_the_snapshots_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    put(&store, &[("a", "1"), ("b", "2"), ("c", "3")]);
    // On disk, where rows are kept in a cache of their own.
    store.flush().unwrap();
    let snapshot = store.snapshot();
    let asked = ["c", "nothing", "a", "c"].map(|key| key.as_bytes().to_vec());
    let expected = |c: &str| [Some(c), None, Some("1"), Some(c)].map(|row| row.map(|row| row.as_bytes().to_vec()));
    for _ in 0..2 {
        assert_eq!(snapshot.get_many(&asked).unwrap(), expected("3"));
    }
    put(&store, &[("c", "4"), ("nothing", "5")]);
    store.flush().unwrap();
    assert_eq!(store.snapshot().get_many(&asked).unwrap()[0].as_deref(), Some(b"4".as_slice()));
    assert_eq!(snapshot.get_many(&asked).unwrap(), expected("3"), "a snapshot keeps its rows, whatever was read since");
    assert!(snapshot.get_many(&[]).unwrap().is_empty());
}

#[test]
fn scans_are_bounded_ordered_and_go_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    put(&store, &[("a", ""), ("ba", ""), ("bb", ""), ("bc", ""), ("c", "")]);
    let prefix = KeyRange::prefix("b");
    let snapshot = store.snapshot();
    assert_eq!(keys(snapshot.scan(&prefix, Direction::Forward, 9).unwrap()), ["ba", "bb", "bc"]);
    assert_eq!(keys(snapshot.scan(&prefix, Direction::Reverse, 2).unwrap()), ["bc", "bb"]);
    let scan = |range: &KeyRange, direction, limit| keys(store.scan(range, direction, limit).unwrap());
    assert_eq!(scan(&KeyRange::all(), Direction::Forward, 9), ["a", "ba", "bb", "bc", "c"]);
    assert_eq!(scan(&prefix, Direction::Forward, 0), [""; 0]);
    assert_eq!(scan(&prefix.clone().after(b"ba"), Direction::Forward, 9), ["bb", "bc"]);
    assert_eq!(scan(&prefix.clone().before(b"bb"), Direction::Reverse, 9), ["ba"]);
    assert_eq!(scan(&prefix.clone().after(b"bc"), Direction::Forward, 9), [""; 0]);
    assert_eq!(scan(&KeyRange::between("b", "bb"), Direction::Forward, 9), ["ba"]);
    assert_eq!(scan(&KeyRange::between("c", "a"), Direction::Forward, 9), [""; 0]);

    let mut seen = 0;
    let visit = |_: &[u8], _: &[u8]| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.snapshot().for_each(&KeyRange::all(), Direction::Forward, visit).unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn a_snapshot_keeps_its_moment_on_another_thread_and_after_the_store_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    put(&store, &[("a", "before")]);
    let snapshot = store.snapshot();
    put(&store, &[("a", "after"), ("b", "")]);
    let copy = snapshot.clone();
    drop((store, snapshot));
    let seen = std::thread::spawn(move || (copy.get(b"a").unwrap(), copy.get(b"b").unwrap())).join().unwrap();
    assert_eq!(seen, (Some(b"before".to_vec()), None));
}

#[test]
fn the_digest_depends_on_every_key_and_value_and_on_nothing_else() {
    let digest = |rows: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let mut meta = Batch::new();
        meta.put(Family::Meta, "checkpoint", format!("{}", rows.len()));
        store.write(meta).unwrap();
        for row in rows {
            put(&store, &[*row]);
        }
        store.digest().unwrap()
    };
    let base = digest(&[("a", "1"), ("b", "2")]);
    assert_eq!(base.keys, 2);
    assert_eq!(digest(&[("b", "2"), ("a", "0"), ("a", "1")]), base);
    for other in [
        digest(&[("a", "1")]),
        digest(&[("a", "1"), ("b", "3")]),
        digest(&[("a1", ""), ("b", "2")]),
        digest(&[("a", "1b"), ("", "2")]),
    ] {
        assert_ne!(other, base);
    }
    // The digest's definition is a promise: SHA-256 of nothing.
    assert_eq!(digest(&[]).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn a_folder_opens_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let path = folder.path().join("view");
    assert_eq!(ReadStore::open(&path, &Options::default()).unwrap_err(), OpenError::InUse { path: path.clone() });
    let snapshot = store.snapshot();
    drop(store);
    assert_eq!(ReadStore::open(&path, &Options::default()).unwrap_err(), OpenError::InUse { path: path.clone() });
    drop(snapshot);
    open(&folder);
}

#[test]
fn a_damaged_folder_is_refused_with_what_to_do() {
    type Damage = fn(&std::path::Path);
    let cases: [(&str, Damage); 3] = [
        ("pointer to the manifest overwritten", |path| std::fs::write(path.join("CURRENT"), "rubbish").unwrap()),
        ("manifest missing", |path| remove_named(path, "MANIFEST")),
        ("rows missing", |path| remove_named(path, ".sst")),
    ];
    for (what, damage) in cases {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        put(&store, &[("a", "1")]);
        store.flush().unwrap();
        drop(store);
        let path = folder.path().join("view");
        damage(&path);
        let error = ReadStore::open(&path, &Options::default()).expect_err(what);
        assert!(matches!(error, OpenError::Corrupted { .. }), "{what}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("nothing recorded is lost") && text.contains("delete this folder"), "{text}");
        let begun = ReadStore::open_or_begin(&path, &Options::default()).unwrap();
        assert_eq!(begun.digest().unwrap().keys, 0, "{what}");
    }
}

#[test]
fn a_block_that_is_not_what_was_written_is_noticed_by_whoever_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    put(&store, &[("a", "1")]);
    store.flush().unwrap();
    drop(store);
    for file in std::fs::read_dir(folder.path().join("view")).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().ends_with(".sst") {
            let mut bytes = std::fs::read(file.path()).unwrap();
            bytes[4] ^= 0xff;
            std::fs::write(file.path(), bytes).unwrap();
        }
    }
    let store = open(&folder);
    assert!(!store.damaged(), "nobody has looked");
    let snapshot = store.snapshot();
    assert!(matches!(snapshot.get(b"a"), Err(StoreError::Corrupted(_))));
    assert!(store.damaged());
}

fn remove_named(path: &std::path::Path, part: &str) {
    let mut removed = 0;
    for file in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().contains(part) {
            std::fs::remove_file(file.path()).unwrap();
            removed += 1;
        }
    }
    assert!(removed > 0, "nothing named {part}");
}

#[test]
fn a_torn_write_ahead_log_leaves_an_older_whole_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..100u32 {
        let mut batch = Batch::new();
        batch.put(Family::Rows, format!("row-{n:03}"), vec![7; 100]);
        batch.put(Family::Meta, "position", n.to_be_bytes());
        store.write(batch).unwrap();
    }
    // A crash copies the folder as it is on disk; the copy then loses the end of its write-ahead log.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("view")).unwrap();
    for file in std::fs::read_dir(store.path()).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copy.path().join("view").join(file.file_name())).unwrap();
    }
    drop(store);
    let log = std::fs::read_dir(copy.path().join("view"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "log"))
        .unwrap();
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() * 3 / 5]).unwrap();

    let store = open(&copy);
    let position = store.get_in(Family::Meta, b"position").unwrap().unwrap();
    let position = u32::from_be_bytes(position.try_into().unwrap());
    assert!((40..80).contains(&position), "{position}");
    assert_eq!(store.digest().unwrap().keys, u64::from(position) + 1);
}

#[test]
fn a_replaced_store_deletes_its_folder_when_the_last_reader_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    put(&store, &[("a", "1")]);
    let snapshot = store.snapshot();
    let path = store.path().to_owned();
    store.remove_when_closed(true);
    drop(store);
    assert_eq!(snapshot.get(b"a").unwrap().as_deref(), Some(b"1".as_slice()));
    assert!(path.exists());
    drop(snapshot);
    assert!(!path.exists());
}
