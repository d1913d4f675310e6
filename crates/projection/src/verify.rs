//! Proving that a view is what the log says: built again in a temporary folder up to the live view's position, and compared.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use relevo_domain::Position;
use relevo_readstore::{Digest, Direction, Entry as Row, Family, KeyRange, ReadStore, Snapshot, StoreError};

use crate::applier::Applier;
use crate::build::{Builder, Clock, Progress};
use crate::checkpoint::{CheckError, Checkpoint, check};
use crate::error::MaintenanceError;
use crate::folder::remove;
use crate::rebuild::blocking;
use crate::runtime::{Entry, Views};
use crate::view::ViewSnapshot;

/// Rows that are read at a time while two views are compared.
const PAGE_ROWS: usize = 1_024;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    Same { digest: Digest, position: Position },
    Different(Difference),
}

/// Two views of one log at one position that are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub position: Position,
    pub live: Digest,
    pub rebuilt: Digest,
    /// The first key, in key order, by which they differ.
    pub first_key: Vec<u8>,
    pub first: FirstDifference,
}

/// What differs at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstDifference {
    /// The log does not lead to this row.
    OnlyLive,
    /// The live view lacks this row.
    OnlyRebuilt,
    /// Both have the row, with other values.
    Value,
}

impl Difference {
    /// The first differing key in lower-case hex.
    pub fn first_key_hex(&self) -> String {
        self.first_key.iter().fold(String::new(), |mut text, byte| {
            // Writing to a `String` cannot fail.
            write!(text, "{byte:02x}").ok();
            text
        })
    }
}

impl Views {
    /// Builds the view again from the log, up to exactly the position of a snapshot of the live one, and compares every row.
    pub async fn verify(
        &self,
        name: &str,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Verification, MaintenanceError> {
        let entry = self.entry(name)?;
        let _alone = entry.maintenance.try_lock().map_err(|_held| MaintenanceError::Busy(entry.view.name()))?;
        entry.ready()?;
        tokio::select! {
            () = self.shared.token.cancelled() => Err(MaintenanceError::Cancelled),
            verified = self.verify_beside(entry, &mut progress) => verified,
        }
    }

    async fn verify_beside(
        &self,
        entry: &Entry,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Verification, MaintenanceError> {
        let live = entry.view.snapshot().map_err(MaintenanceError::View)?;
        if live.version() != entry.projector.version() {
            return Err(MaintenanceError::NotReady(entry.view.name()));
        }
        let created_at = match Checkpoint::load_at(live.rows()).map_err(MaintenanceError::Store)? {
            Some(checkpoint) => match check(&checkpoint, self.shared.log.as_ref()).await {
                Ok(identity) => identity.created_at,
                Err(CheckError::Diverged(divergence)) => return Err(MaintenanceError::Diverged(divergence)),
                Err(CheckError::Log(error)) => return Err(MaintenanceError::Log(error)),
            },
            None => self.shared.log.identity().await.map_err(MaintenanceError::Log)?.created_at,
        };
        let (path, options) = (entry.layout.verify_path(), self.shared.options.store.clone());
        let opened = blocking(move || {
            // What a killed verification left would be taken for a beginning of this one.
            remove(&path)?;
            ReadStore::open(path, &options).map_err(MaintenanceError::Open)
        });
        let store = opened.await??;
        store.remove_when_closed(true);
        let applier = Applier::rows_only(Arc::clone(&entry.projector), store, created_at)?;
        let builder = Builder {
            hub: Arc::clone(&self.shared.hub),
            token: self.shared.token.clone(),
            clock: Clock::start(Position::START),
        };
        let applier = builder.catch_up(applier, live.position(), progress).await?;
        let rebuilt = applier.store().snapshot();
        blocking(move || compare(&live, &rebuilt)).await?.map_err(MaintenanceError::Store)
    }
}

fn compare(live: &ViewSnapshot, rebuilt: &Snapshot) -> Result<Verification, StoreError> {
    let position = live.position();
    let (digest, other) = (live.rows().digest(Family::Rows)?, rebuilt.digest(Family::Rows)?);
    Ok(match first_difference(live.rows(), rebuilt)? {
        None => Verification::Same { digest, position },
        Some((first_key, first)) => {
            Verification::Different(Difference { position, live: digest, rebuilt: other, first_key, first })
        }
    })
}

/// The first key by which two snapshots differ, and how.
pub(crate) fn first_difference(
    live: &Snapshot,
    rebuilt: &Snapshot,
) -> Result<Option<(Vec<u8>, FirstDifference)>, StoreError> {
    let (mut live, mut rebuilt) = (Pages::new(live), Pages::new(rebuilt));
    loop {
        let (key, order) = match (live.next()?, rebuilt.next()?) {
            (None, None) => return Ok(None),
            (Some(row), None) => (row.0, FirstDifference::OnlyLive),
            (None, Some(row)) => (row.0, FirstDifference::OnlyRebuilt),
            (Some(mine), Some(theirs)) if mine == theirs => continue,
            (Some(mine), Some(theirs)) => match mine.0.cmp(&theirs.0) {
                Ordering::Less => (mine.0, FirstDifference::OnlyLive),
                Ordering::Greater => (theirs.0, FirstDifference::OnlyRebuilt),
                Ordering::Equal => (mine.0, FirstDifference::Value),
            },
        };
        return Ok(Some((key, order)));
    }
}

/// All rows of a snapshot, a page in memory at a time.
struct Pages<'a> {
    snapshot: &'a Snapshot,
    rest: KeyRange,
    page: VecDeque<Row>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, rest: KeyRange::all(), page: VecDeque::new(), ended: false }
    }

    fn next(&mut self) -> Result<Option<Row>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let rows = self.snapshot.scan(&self.rest, Direction::Forward, PAGE_ROWS)?;
            self.ended = rows.len() < PAGE_ROWS;
            if let Some((last, _)) = rows.last() {
                self.rest = KeyRange::all().after(last);
            }
            self.page = rows.into();
        }
        Ok(self.page.pop_front())
    }
}
