//! Projectors for tests: an honest one, and several that break a law each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Projector, Rows};
use relevo_readstore::Key;

pub(crate) const COUNTS: u8 = 1;
const LATEST: u8 = 2;
pub(crate) const NAMES: u8 = 3;

/// Counts events a tenant, and keeps the entities of each tenant by latest change, newest first: reads, writes, deletes and
/// scans, as real projectors do.
#[derive(Clone, Copy)]
pub(crate) struct Toy {
    pub(crate) version: u32,
}

pub(crate) const TOY: Toy = Toy { version: 1 };
/// Entities that are listed a tenant.
const LISTED_MAX: usize = 20;

impl Projector for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        let tenant = commit.commit.tenant.as_str();
        for event in &commit.commit.events {
            let key = Key::new(COUNTS).text(tenant).text(event.name()).finish();
            let count = read(rows, &key)?.unwrap_or(0) + u64::from(self.version);
            rows.put(key, count.to_be_bytes().to_vec());
        }
        let entity = commit.commit.entity.to_string();
        let known = Key::new(NAMES).text(tenant).text(&entity).finish();
        if let Some(before) = read(rows, &known)? {
            rows.delete(Key::new(LATEST).text(tenant).u64_desc(before).finish());
        }
        rows.put(known, commit.sequence.to_be_bytes().to_vec());
        rows.put(Key::new(LATEST).text(tenant).u64_desc(commit.sequence).finish(), entity.into_bytes());
        let listed = rows.scan(Key::new(LATEST).text(tenant).as_slice(), LISTED_MAX + 1)?;
        if let Some((last, _)) = listed.into_iter().nth(LISTED_MAX) {
            rows.delete(last);
        }
        Ok(())
    }
}

fn read(rows: &dyn Rows, key: &[u8]) -> Result<Option<u64>, ApplyError> {
    let number = |value: Vec<u8>| value.try_into().map(u64::from_be_bytes).map_err(|_length| bad("not a number"));
    rows.get(key)?.map(number).transpose()
}

fn bad(reason: &str) -> ApplyError {
    ApplyError::BadRow(reason.to_owned())
}

/// Anything that is only an `apply`.
#[derive(Clone)]
pub(crate) struct With<F>(pub(crate) &'static str, pub(crate) F);

impl<F> Projector for With<F>
where
    F: Fn(&mut dyn Rows, &Recorded) -> Result<(), ApplyError> + Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        self.0
    }

    fn version(&self) -> u32 {
        1
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        self.1(rows, commit)
    }
}

fn key(commit: &Recorded) -> Vec<u8> {
    Key::new(COUNTS).u64(commit.sequence).finish()
}

/// Broken: numbers rows by a counter of its own, which a crash resets and a lost batch advances.
pub(crate) fn counting_in_memory() -> impl Projector {
    let count = AtomicU64::new(0);
    With("broken", move |rows: &mut dyn Rows, commit: &Recorded| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        rows.put(key(commit), count.to_be_bytes().to_vec());
        Ok(())
    })
}

/// Broken: writes the commit before, when the next one comes; the last one before a crash is forgotten.
pub(crate) fn one_behind() -> impl Projector {
    let held: Mutex<Option<Recorded>> = Mutex::new(None);
    With("broken", move |rows: &mut dyn Rows, commit: &Recorded| {
        if let Some(before) = held.lock().unwrap().replace(commit.clone()) {
            rows.put(key(&before), vec![1]);
        }
        Ok(())
    })
}

/// Broken: walks what it has seen in an order that is another one in every process.
pub(crate) fn in_hash_order() -> impl Projector {
    let seen: Mutex<HashMap<Vec<u8>, u64>> = Mutex::default();
    With("broken", move |rows: &mut dyn Rows, commit: &Recorded| {
        let mut seen = seen.lock().unwrap();
        seen.insert(key(commit), commit.sequence);
        let first = seen.values().next().copied().unwrap_or(0);
        rows.put(key(commit), first.to_be_bytes().to_vec());
        Ok(())
    })
}

/// Broken: cannot read what it wrote itself.
pub(crate) fn refusing_every_fifth() -> impl Projector {
    With("broken", |rows: &mut dyn Rows, commit: &Recorded| {
        rows.put(key(commit), Vec::new());
        if commit.sequence.is_multiple_of(5) { Err(bad("unreadable")) } else { Ok(()) }
    })
}

/// Broken in another way: shows nothing.
pub(crate) fn writing_nothing() -> impl Projector {
    With("broken", |_: &mut dyn Rows, _: &Recorded| Ok(()))
}

/// The toy, failing as told at one sequence, after having written half of it.
pub(crate) fn failing_at(sequence: u64, error: ApplyError) -> impl Projector + Clone {
    let error = Arc::new(error);
    With("toy", move |rows: &mut dyn Rows, commit: &Recorded| {
        TOY.apply(rows, commit)?;
        if commit.sequence == sequence { Err((*error).clone()) } else { Ok(()) }
    })
}
