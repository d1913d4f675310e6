//! The projection runtime: reads the log once, in order, and lets a projector write rows.
//!
//! Rows and checkpoint go in one RocksDB write batch, so a view is always exactly the fold of a prefix of the log. A
//! projector never sees checkpoints, batches, threads or the log. Life of a commit: `hub` reads it for all views into
//! a `ring`, from which each view's `driver` takes it in batches by its own `feed`; `applier` checks that its entity has no hole and
//! calls the projector on `rows` (`cache` has those that were read lately), and the batch is written with its `checkpoint`; then
//! `view` gives the readers the rows together with the view's `companion`, what it keeps in memory. `build` does the same for a
//! new folder beside the live one, for `rebuild` and `verify`, by a reading of its own.

pub mod answers;
pub mod merged;
mod met;
pub mod projector;
pub mod row;
pub mod waiting;

mod applier;
mod build;
mod cache;
mod chains;
mod checkpoint;
mod companion;
mod driver;
mod entity;
mod error;
mod feed;
mod folder;
mod hub;
mod rebuild;
mod ring;
mod rows;
mod runtime;
mod source;
mod verify;
mod view;
mod wishes;

#[cfg(any(test, feature = "test-util"))]
pub mod testing;

pub use build::Progress;
pub use checkpoint::Divergence;
pub use companion::{Companion, Frozen};
pub use entity::{Degraded, EntityRow, Parked, Undecodable, entity_key, follows};
pub use error::{MaintenanceError, StaleRead, StartError, ViewError};
pub use projector::{ApplyError, Projector, Rows};
pub use runtime::{Options, Runtime, ViewStatus, Views};
pub use source::{FoldedRows, RowSource, Visit, fold_commits};
pub use verify::{Difference, FirstDifference, Verification};
pub use view::{View, ViewDigest, ViewSnapshot, ViewState};
