//! The fuzz targets over their corpus, without libFuzzer: what a fuzzer found once is looked at in every run of the tests.
//!
//! `fuzz/corpus` holds inputs that lead to different places (seeds and what `make fuzz` found, minimised), `fuzz/found` each input
//! that once broke something. Nothing is fuzzed here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use relevo_fuzz::TARGETS;

/// Files of a target's corpus: enough to begin from, few enough to read.
const FILES_MAX: usize = 60;
/// Bytes of all corpora together.
const BYTES_MAX: u64 = 400_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn names(folder: &str) -> BTreeSet<String> {
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    files(&fuzz().join(folder)).into_iter().map(stem).collect()
}

#[test]
fn every_target_holds_over_its_corpus_and_over_what_was_found() {
    let mut broken = Vec::new();
    for (name, run) in TARGETS {
        let corpus = files(&fuzz().join("corpus").join(name));
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for path in corpus.into_iter().chain(files(&fuzz().join("found").join(name))) {
            let bytes = fs::read(&path).unwrap();
            if std::panic::catch_unwind(|| run(&bytes)).is_err() {
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "what does not hold is told above; with these inputs: {broken:#?}");
}

#[test]
fn every_target_has_a_program_and_a_small_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets, "a program each");
    assert_eq!(names("corpus"), targets, "a corpus each");
    assert!(names("found").is_subset(&targets), "findings of targets that are there");
    let mut bytes = 0;
    for target in targets {
        let corpus = files(&fuzz().join("corpus").join(&target));
        assert!(corpus.len() <= FILES_MAX, "{target} has {} files", corpus.len());
        bytes += corpus.iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}

#[test]
fn the_limit_that_is_told_to_the_borrowed_search_is_the_views() {
    let own = fs::read_to_string(fuzz().join("../crates/projector-inbox/src/reader/query.rs")).unwrap();
    let told = fs::read_to_string(fuzz().join("src/borrowed.rs")).unwrap();
    let line = |text: &str| {
        let line = text.lines().find(|line| line.contains("const SEARCH_CHARS_MAX")).unwrap();
        line.rsplit('=').next().unwrap().trim().to_owned()
    };
    assert_eq!(line(&told), line(&own));
}
