//! The laws that every projector obeys: a view is the fold of its commits and of nothing else, however it came about.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::{Position, Recorded};
use relevo_readstore::{Direction, Family, KeyRange, Options, ReadStore, Snapshot};
use tempfile::TempDir;

use super::{HISTORY_STREAM_CREATED_AT, must};
use crate::applier::{Applier, FAR_COMMITS, Item};
use crate::companion::Following;
use crate::entity;
use crate::projector::Projector;
use crate::source::{FoldedRows, RowSource, fold_commits};
use crate::verify::first_difference;

/// How thoroughly laws are checked. Seeds are fixed, so that a failure comes back.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Random runs of each law.
    pub runs: u64,
    /// Commits of a random batch at most.
    pub batch_max: usize,
}

impl Effort {
    /// For every projector's own tests, against a history of hundreds: few runs, because all tests pay for them, and small
    /// batches, so that there are many borders.
    pub const TEST: Self = Self { runs: 4, batch_max: 40 };
    /// For a history of a hundred thousand: batches as large as those of a view that catches up, and fifty kills a run.
    pub const FULL: Self = Self { runs: 2, batch_max: 4_000 };
}

/// How a folder can be filled.
#[derive(Clone, Copy)]
enum Way {
    AtOnce,
    OneByOne,
    RandomBatches,
    RandomKills,
    Redelivery,
}

const ONCE: [Way; 2] = [Way::AtOnce, Way::OneByOne];
const RANDOM: [Way; 3] = [Way::RandomBatches, Way::RandomKills, Way::Redelivery];

impl Way {
    const fn is_random(self) -> bool {
        match self {
            Self::AtOnce | Self::OneByOne => false,
            Self::RandomBatches | Self::RandomKills | Self::Redelivery => true,
        }
    }

    /// The law that it is held against.
    const fn law(self) -> &'static str {
        match self {
            Self::AtOnce => "rebuild = rebuild",
            Self::OneByOne => "rebuild = incremental",
            Self::RandomBatches => "rebuild = random batches",
            Self::RandomKills => "rebuild = random kills",
            Self::Redelivery => "rebuild = redelivery",
        }
    }
}

/// Asserts that a view is the fold of its commits and of nothing else: built at once, commit by commit, in random batches,
/// through kills at random points, with redeliveries, and in memory, it is the same to the last byte, its companion included.
pub fn laws<P: Projector>(make: impl Fn() -> P, commits: &[Recorded]) {
    let broken = broken_laws(&|| Arc::new(make()), commits, Effort::TEST);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The laws that a projector breaks, each in a sentence that names law, seed and first key; none if it is honest.
pub fn broken_laws(make: &dyn Fn() -> Arc<dyn Projector>, commits: &[Recorded], effort: Effort) -> Vec<String> {
    // Built at once from its rows alone; in every other way also by what a reading of the log finds out for all views.
    let (items, linked) = (super::items(commits), super::linked(commits));
    let first = Run::new(make);
    let mut fixed = StdRng::seed_from_u64(0);
    let reference = first.at_once(&items);
    let mut broken: Vec<String> = alone(&reference, make().as_ref(), commits).into_iter().collect();
    let mut hold = |way: Way, seed: u64, random: &mut StdRng| {
        let run = Run::new(make);
        let found = run.fill(way, if way.is_random() { &linked } else { &items }, random, effort.batch_max);
        broken.extend(difference(way.law(), seed, &reference, &found));
    };
    for way in ONCE {
        hold(way, 0, &mut fixed);
    }
    for seed in 0..effort.runs {
        let mut random = StdRng::seed_from_u64(seed);
        for way in RANDOM {
            hold(way, seed, &mut random);
        }
    }
    broken
}

/// What can be said of one folder without another one.
fn alone(reference: &Applier, projector: &dyn Projector, commits: &[Recorded]) -> Option<String> {
    let snapshot = reference.store().snapshot();
    let degraded = must(entity::degraded(&snapshot), "read what is degraded");
    if let Some(parked) = degraded.parked.first() {
        return Some(format!("a realistic history parks nothing, but: {parked:?}"));
    }
    let rows = must(snapshot.digest(Family::Rows), "digest").keys;
    if rows == 0 && !commits.is_empty() {
        return Some("no row was written: the laws would prove nothing".to_owned());
    }
    // A projector that keeps something in memory may refuse here what it accepted there.
    match fold_commits(projector, commits) {
        Err(error) => return Some(format!("law broken: rebuild = in memory: {error}")),
        Ok(folded) if !same_rows(&snapshot, &folded) => return Some("law broken: rebuild = in memory".to_owned()),
        Ok(_) => {}
    }
    let opened = projector.companion().map(|empty| must(Following::open(empty, reference.store()), "open a companion"));
    let differs = opened.map(|opened| opened.fingerprint()) != reference.fingerprint();
    differs.then(|| "law broken: companion at open = companion that followed".to_owned())
}

fn same_rows(snapshot: &Snapshot, folded: &FoldedRows) -> bool {
    let (mut rows, mut same) = (0, 0);
    let walked = snapshot.for_each(&KeyRange::all(), Direction::Forward, |key, value| {
        rows += 1;
        same += usize::from(RowSource::get(folded, key).is_ok_and(|found| found.as_deref() == Some(value)));
        ControlFlow::Continue(())
    });
    must(walked, "read rows");
    rows == same && rows == folded.len()
}

fn difference(law: &str, seed: u64, expected: &Applier, found: &Applier) -> Option<String> {
    let (left, right) = (expected.store().snapshot(), found.store().snapshot());
    let meta = |snapshot: &Snapshot| must(snapshot.digest(Family::Meta), "digest");
    let what = if let Some((key, how)) = must(first_difference(&left, &right), "compare") {
        format!("key {key:02x?} differs: {how:?} (live = built at once)")
    } else if meta(&left) != meta(&right) {
        "what the runtime keeps differs".to_owned()
    } else if expected.position() != found.position() {
        "position differs".to_owned()
    } else if expected.fingerprint() != found.fingerprint() {
        "companion differs".to_owned()
    } else {
        return None;
    };
    Some(format!("law broken: {law} (seed {seed}): {what}"))
}

/// One folder, built in one way.
struct Run<'a> {
    make: &'a dyn Fn() -> Arc<dyn Projector>,
    folder: TempDir,
}

impl<'a> Run<'a> {
    fn new(make: &'a dyn Fn() -> Arc<dyn Projector>) -> Self {
        Self { make, folder: must(TempDir::new(), "make a folder") }
    }

    fn open(&self) -> Applier {
        open(&self.folder.path().join("view"), (self.make)())
    }

    fn fill(&self, way: Way, items: &[Item], random: &mut StdRng, batch_max: usize) -> Applier {
        match way {
            Way::AtOnce => self.at_once(items),
            Way::OneByOne => self.one_by_one(items),
            Way::RandomBatches => self.batches(items, random, batch_max),
            Way::RandomKills => self.kills(items, random, batch_max),
            Way::Redelivery => self.redelivery(items, random, batch_max),
        }
    }

    fn at_once(&self, items: &[Item]) -> Applier {
        let mut applier = self.open();
        must(applier.apply(items), "apply");
        applier
    }

    fn one_by_one(&self, items: &[Item]) -> Applier {
        let mut applier = self.open();
        for item in items {
            must(applier.apply(std::slice::from_ref(item)), "apply");
        }
        applier
    }

    fn batches(&self, items: &[Item], random: &mut StdRng, batch_max: usize) -> Applier {
        let mut applier = self.open();
        // As a view that has a long way to go, which remembers what was put.
        applier.aim(Position::new(FAR_COMMITS + items.len() as u64));
        let mut rest = items;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(random.random_range(1..=batch_max.min(rest.len())));
            must(applier.apply(batch), "apply");
            rest = after;
        }
        applier
    }

    /// Before some batches the work on a batch is lost: with the process (another projector resumes from the checkpoint), or
    /// without it (the same projector sees the commits again).
    fn kills(&self, items: &[Item], random: &mut StdRng, batch_max: usize) -> Applier {
        let mut applier = self.open();
        while let Some(rest) = remaining(&applier, items) {
            let batch = &rest[..random.random_range(1..=batch_max.min(rest.len()))];
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
        applier
    }

    /// Now and then everything since some earlier commit comes again.
    fn redelivery(&self, items: &[Item], random: &mut StdRng, batch_max: usize) -> Applier {
        let mut applier = self.open();
        let mut done = 0;
        while done < items.len() {
            let next = (done + random.random_range(1..=batch_max)).min(items.len());
            let from = if random.random_bool(0.3) { 0 } else { random.random_range(0..=done) };
            must(applier.apply(&items[from..next]), "apply");
            done = next;
        }
        must(applier.apply(items), "apply");
        applier
    }
}

/// A folder for tests: small buffers, so that a short history already has several files.
pub(crate) fn open(path: &Path, projector: Arc<dyn Projector>) -> Applier {
    let options = Options { write_buffer_bytes: 1 << 20, ..Options::default() };
    let store = must(ReadStore::open(path, &options), "open a store");
    must(Applier::resume(projector, store, HISTORY_STREAM_CREATED_AT), "resume")
}

/// What the log would give after the checkpoint; `None` at its end.
fn remaining<'i>(applier: &Applier, items: &'i [Item]) -> Option<&'i [Item]> {
    let position: Position = applier.position();
    let from = items.partition_point(|item| item.sequence() <= position.sequence());
    (from < items.len()).then(|| &items[from..])
}
