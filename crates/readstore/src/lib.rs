//! Key-value stores for views: the only crate that names `RocksDB`.
//!
//! A store is a folder with two families: `rows` (what a view shows) and `meta` (how far it has come). Everything in it was
//! derived from the log and can be derived again, so writes are not synced and a broken folder is deleted, never repaired.
//! Nothing here knows commits, views or projectors.

mod batch;
mod buffers;
mod caches;
mod error;
pub mod key;
mod range;
mod snapshot;
mod store;

pub use batch::Batch;
pub use buffers::{Pace, WriteBuffers};
pub use caches::{BlockCache, RowCache};
pub use error::{OpenError, StoreError};
pub use key::{Key, KeyError, KeyReader};
pub use range::{Direction, Entry, KeyRange};
pub use snapshot::Snapshot;
pub use store::{Digest, Family, Options, ReadStore};
