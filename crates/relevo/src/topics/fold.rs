//! The facts of a tenant, folded from the log once more, for spans that are older than what the metrics view keeps.
//!
//! Rows go to a folder of their own that is removed afterwards. The live view is not touched.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use prost::Message as _;
use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_projection::{ApplyError, EntityRow, Rows, entity_key, follows};
use relevo_projector_metrics::{MetricFact, MetricsProjector};
use relevo_readstore::{Batch, Direction, Entry, Family, KeyRange, Options, ReadStore, StoreError};

/// What the metrics remember of one tenant's commits so far.
pub(super) struct Fold {
    tenant: TenantId,
    store: ReadStore,
    /// Entities with a hole, or a commit that could not be applied: the view leaves out what follows of them, and so does this.
    parked: HashSet<EntityId>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FoldError {
    #[error("scratch rows: {0}")]
    Store(#[from] StoreError),
    #[error("scratch rows: {0}")]
    Open(#[from] relevo_readstore::OpenError),
    #[error(transparent)]
    Apply(ApplyError),
}

impl Fold {
    /// Begins in a folder that must be empty.
    pub(super) fn new(folder: &Path, tenant: TenantId) -> Result<Self, FoldError> {
        let store = ReadStore::open(folder, &Options::default())?;
        store.remove_when_closed(true);
        Ok(Self { tenant, store, parked: HashSet::new() })
    }

    /// Applies the next commit of the log, and answers with the facts of these metrics that it made.
    pub(super) fn facts(
        &mut self,
        recorded: &Recorded,
        metrics: &[&'static str],
    ) -> Result<Vec<MetricFact>, FoldError> {
        let entity = recorded.commit.entity;
        if recorded.commit.tenant != self.tenant || self.parked.contains(&entity) {
            return Ok(Vec::new());
        }
        let key = entity_key(&self.tenant, &entity);
        let last = self.store.get_in(Family::Meta, &key)?;
        let last = last.map(|stored| EntityRow::decode(stored.as_slice())).transpose();
        let last = last.map_err(|_invalid| StoreError::Corrupted("row of meta is not readable".to_owned()))?;
        if follows(last.as_ref(), recorded).is_err() {
            self.parked.insert(entity);
            return Ok(Vec::new());
        }
        let mut scratch = Scratch { store: &self.store, changes: BTreeMap::new() };
        let facts = match MetricsProjector::observe(&mut scratch, recorded) {
            Ok(facts) => facts,
            Err(ApplyError::BadRow(_)) => {
                self.parked.insert(entity);
                return Ok(Vec::new());
            }
            Err(error @ ApplyError::Store(_)) => return Err(FoldError::Apply(error)),
        };
        let mut batch = scratch.into_batch();
        batch.put(Family::Meta, key, EntityRow::after(recorded).encode_to_vec());
        self.store.write(batch)?;
        Ok(facts.into_iter().filter(|fact| metrics.contains(&fact.metric.as_str())).collect())
    }
}

/// The rows with one commit's changes over them.
struct Scratch<'a> {
    store: &'a ReadStore,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Scratch<'_> {
    fn into_batch(self) -> Batch {
        let mut batch = Batch::new();
        for (key, value) in self.changes {
            match value {
                Some(value) => batch.put(Family::Rows, key, value),
                None => batch.delete(Family::Rows, key),
            }
        }
        batch
    }
}

impl Rows for Scratch<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ApplyError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.store.get(key).map_err(store_failed),
        }
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert(key, Some(value));
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.changes.insert(key, None);
    }

    fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<Entry>, ApplyError> {
        let changed = self.changes.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let changed: BTreeMap<_, _> = changed.collect();
        // Each changed key can hide one stored row.
        let wanted = limit.saturating_add(changed.len());
        let stored = self.store.scan(&KeyRange::prefix(prefix), Direction::Forward, wanted).map_err(store_failed)?;
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = stored.into_iter().collect();
        for (key, value) in changed {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().take(limit).collect())
    }
}

fn store_failed(error: StoreError) -> ApplyError {
    ApplyError::Store(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use relevo_projection::testing::{fold, history};
    use relevo_projector_metrics::{facts_after, heads, metric_names};

    use super::*;

    #[test]
    fn what_follows_a_hole_is_left_out_as_in_the_view() {
        let mut commits = history(3, 600);
        let tenant = commits[0].commit.tenant.clone();
        let whole = commits.clone();
        // A commit in the middle of an entity's life is not there, as if nobody could decode it.
        let hole = (100..500).find(|at| {
            let gone = &whole[*at].commit;
            let same = |later: &&Recorded| later.commit.entity == gone.entity && later.commit.tenant == gone.tenant;
            let talks = gone.events.iter().any(|event| event.name() == "MessageReceived");
            gone.tenant == tenant && talks && gone.first_version > 1 && whole[at + 1..].iter().filter(same).count() > 3
        });
        commits.remove(hole.unwrap());
        let metrics: Vec<&'static str> = metric_names().collect();
        let folded = |commits: &[Recorded]| {
            let folder = tempfile::tempdir().unwrap();
            let mut fold = Fold::new(folder.path(), tenant.clone()).unwrap();
            let facts = commits.iter().flat_map(|recorded| fold.facts(recorded, &metrics).unwrap());
            facts.map(|fact| fact.id).collect::<BTreeSet<_>>()
        };
        let (_folder, view) = fold(MetricsProjector, &commits);
        let snapshot = view.snapshot().unwrap();
        let heads = heads(&snapshot).unwrap().into_iter().filter(|head| head.tenant == tenant);
        let shown = heads.flat_map(|head| facts_after(&snapshot, &tenant, head.metric, None, usize::MAX).unwrap());
        let shown: BTreeSet<String> = shown.map(|fact| fact.id).collect();
        assert_eq!(folded(&commits), shown);
        let all = folded(&whole).len();
        assert!(shown.len() > 50 && shown.len() < all, "{} of {all}", shown.len());
    }
}
