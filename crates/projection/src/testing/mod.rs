//! What every projector's tests use: histories to apply, the laws that every projector obeys, and a folded view to read.
//!
//! A projector crate calls `laws(|| MyProjector, &history(1, 500))` and is done with everything that concerns rebuilding,
//! batches, crashes and redelivery. Nothing here knows a log or a server. Failures panic and name law, seed and first key.

mod history;
pub mod story;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::{Position, Recorded, Timestamp};
use relevo_readstore::{Family, Options, ReadStore};
use tempfile::TempDir;

use crate::applier::{Applier, Item};
use crate::entity;
use crate::projector::Projector;
use crate::verify::first_difference;
use crate::view::{View, ViewState};

pub use history::{HISTORY_STREAM_CREATED_AT, history};
pub use story::Story;

/// Random runs of each law. Few, because every projector's tests pay for them; seeds are fixed, so that a failure comes back.
const RUNS: u64 = 4;
/// Commits of a random batch at most: small against a history of hundreds, so that there are many borders.
const RANDOM_BATCH_MAX: usize = 40;

/// Asserts that a view is the fold of its commits and of nothing else: built at once, commit by commit, in random batches,
/// through kills at random points, and with redeliveries, it is the same to the last byte.
pub fn laws<P: Projector>(make: impl Fn() -> P, commits: &[Recorded]) {
    let bench = Bench { make: &make, items: items(commits) };
    let at_once = bench.run();
    let reference = at_once.fold(&bench.items);
    let degraded = must(entity::degraded(&reference.store().snapshot()), "read what is degraded");
    assert!(degraded.parked.is_empty(), "a realistic history parks nothing, but: {:?}", degraded.parked.first());
    let rows = must(reference.store().digest(), "digest").keys;
    assert!(rows > 0 || commits.is_empty(), "no row was written: the laws would prove nothing");

    let again = bench.run();
    expect_same("rebuild = rebuild", 0, &reference, &again.fold(&bench.items));
    let one_by_one = bench.run();
    expect_same("rebuild = incremental", 0, &reference, &one_by_one.incremental(&bench.items));
    for seed in 0..RUNS {
        let mut random = StdRng::seed_from_u64(seed);
        expect_same("rebuild = random batches", seed, &reference, &bench.run().batches(&bench.items, &mut random));
        expect_same("rebuild = random kills", seed, &reference, &bench.run().kills(&bench.items, &mut random));
        expect_same("rebuild = redelivery", seed, &reference, &bench.run().redelivery(&bench.items, &mut random));
    }
}

/// A view that has applied these commits, for a reader's tests. Keep the folder for as long as the view.
pub fn fold<P: Projector>(projector: P, commits: &[Recorded]) -> (TempDir, Arc<View>) {
    let (name, version) = (projector.name(), projector.version());
    let folder = must(TempDir::new(), "make a folder");
    let mut applier = open(&folder.path().join(name), Arc::new(projector));
    must(applier.apply(&items(commits)), "apply");
    let view = View::new(name);
    view.serve(applier.store().clone(), version, applier.position());
    view.set_state(ViewState::Live);
    (folder, Arc::new(view))
}

fn items(commits: &[Recorded]) -> Vec<Item> {
    commits.iter().map(|commit| Item::Commit(Box::new(commit.clone()))).collect()
}

fn open(path: &Path, projector: Arc<dyn Projector>) -> Applier {
    let options = Options { write_buffer_bytes: 1 << 20, ..Options::default() };
    let store = must(ReadStore::open(path, &options), "open a store");
    must(Applier::resume(projector, store, HISTORY_STREAM_CREATED_AT), "resume")
}

/// Test support has nobody to hand an error to.
#[track_caller]
fn must<T, E: Debug>(outcome: Result<T, E>, what: &str) -> T {
    outcome.unwrap_or_else(|error| panic!("could not {what}: {error:?}"))
}

#[track_caller]
fn expect_same(law: &str, seed: u64, expected: &Applier, found: &Outcome) {
    let (left, right) = (expected.store().snapshot(), found.applier.store().snapshot());
    if let Some((key, how)) = must(first_difference(&left, &right), "compare") {
        panic!("law broken: {law} (seed {seed}): key {key:02x?} differs: {how:?} (live = built at once)");
    }
    let meta = |snapshot: &relevo_readstore::Snapshot| must(snapshot.digest(Family::Meta), "digest");
    assert_eq!(meta(&left), meta(&right), "law broken: {law} (seed {seed}): what the runtime keeps differs");
    assert_eq!(expected.position(), found.applier.position(), "law broken: {law} (seed {seed}): position differs");
}

struct Bench<'a, P> {
    make: &'a dyn Fn() -> P,
    items: Vec<Item>,
}

/// One folder, built in one way.
struct Run<'a, P> {
    make: &'a dyn Fn() -> P,
    folder: TempDir,
}

/// What a run has built.
struct Outcome {
    applier: Applier,
    _folder: TempDir,
}

impl std::ops::Deref for Outcome {
    type Target = Applier;
    fn deref(&self) -> &Applier {
        &self.applier
    }
}

impl<'a, P: Projector> Bench<'a, P> {
    fn run(&self) -> Run<'a, P> {
        Run { make: self.make, folder: must(TempDir::new(), "make a folder") }
    }
}

impl<P: Projector> Run<'_, P> {
    fn open(&self) -> Applier {
        open(&self.folder.path().join("view"), Arc::new((self.make)()))
    }

    fn end(self, applier: Applier) -> Outcome {
        Outcome { applier, _folder: self.folder }
    }

    fn fold(self, items: &[Item]) -> Outcome {
        let mut applier = self.open();
        must(applier.apply(items), "apply");
        self.end(applier)
    }

    fn incremental(self, items: &[Item]) -> Outcome {
        let mut applier = self.open();
        for item in items {
            must(applier.apply(std::slice::from_ref(item)), "apply");
        }
        self.end(applier)
    }

    fn batches(self, items: &[Item], random: &mut StdRng) -> Outcome {
        let mut applier = self.open();
        let mut rest = items;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(random.random_range(1..=RANDOM_BATCH_MAX.min(rest.len())));
            must(applier.apply(batch), "apply");
            rest = after;
        }
        self.end(applier)
    }

    /// Before some batches the work on a batch is lost: with the process (another projector resumes from the checkpoint), or
    /// without it (the same projector sees the commits again).
    fn kills(self, items: &[Item], random: &mut StdRng) -> Outcome {
        let mut applier = self.open();
        while let Some(rest) = remaining(&applier, items) {
            let batch = &rest[..random.random_range(1..=RANDOM_BATCH_MAX.min(rest.len()))];
            if random.random_bool(0.5) {
                must(applier.apply_and_lose(batch), "apply");
            }
            if random.random_bool(0.5) {
                drop(applier);
                applier = self.open();
                continue;
            }
            must(applier.apply(batch), "apply");
        }
        self.end(applier)
    }

    /// Now and then everything since some earlier commit comes again.
    fn redelivery(self, items: &[Item], random: &mut StdRng) -> Outcome {
        let mut applier = self.open();
        let mut done = 0;
        while done < items.len() {
            let next = (done + random.random_range(1..=RANDOM_BATCH_MAX)).min(items.len());
            let from = if random.random_bool(0.3) { 0 } else { random.random_range(0..=done) };
            must(applier.apply(&items[from..next]), "apply");
            done = next;
        }
        must(applier.apply(items), "apply");
        self.end(applier)
    }
}

/// What the log would give after the checkpoint; `None` at its end.
fn remaining<'i>(applier: &Applier, items: &'i [Item]) -> Option<&'i [Item]> {
    let position: Position = applier.position();
    let from = items.partition_point(|item| item.sequence() <= position.sequence());
    (from < items.len()).then(|| &items[from..])
}

/// When the stream of every made-up history was created: 2026-01-01T00:00:00Z.
const CREATED_AT: Timestamp = Timestamp::from_seconds(1_767_225_600);
