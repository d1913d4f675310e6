//! Bulks: one wish for many conversations. Here they begin; [`BulkWorker`] works them off.
//!
//! The conversations are listed once, and the list is stored as a file of the tenant before the bulk is on the log: any node can go
//! on with it. What is done to each conversation is that conversation's own command, under an id that is derived from the bulk: who
//! does it again finds it done.

mod one;
mod start;
mod worker;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_domain::bulk::{Job, State};
use relevo_domain::{Caller, EntityId, EntityKind, Position};
use relevo_eventlog::Blobs;
use relevo_proto::query::v1::ConversationFilter;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::decision::{Entity, EntityState};
use crate::send::Keys;

pub use start::{Begun, BulkStart, BulkUndo, Bulks};
pub use worker::{BulkWorker, BulkWorkerParts};

/// Bytes of an id in a list.
const ID_BYTES: usize = 16;

/// Finds what a filter of the inbox shows; the query side has the views that know.
#[async_trait]
pub trait Matching: Send + Sync + 'static {
    /// All conversations that match and that the caller may see, in one moment that includes `min_position`; `None`: all whatever
    /// their status. An error is as the caller is to read it.
    async fn matching(
        &self,
        caller: &Caller,
        filter: Option<ConversationFilter>,
        min_position: &str,
    ) -> Result<Matched, Status>;
}

/// What a filter shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    pub conversations: Vec<EntityId>,
    /// What was known.
    pub position: Position,
}

/// What bulks need from outside. Cheap to clone.
#[derive(Clone)]
pub struct BulkPorts {
    pub keys: Keys,
    pub blobs: Blobs,
    pub matching: Arc<dyn Matching>,
}

impl fmt::Debug for BulkPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkPorts").finish_non_exhaustive()
    }
}

/// The list as it is stored: the bytes of the ids, one after the other.
fn list_of(conversations: &[EntityId]) -> (Bytes, [u8; 32]) {
    let bytes: Vec<u8> = conversations.iter().flat_map(|id| *id.bytes()).collect();
    let hash = Sha256::digest(&bytes).into();
    (Bytes::from(bytes), hash)
}

/// The conversations of a stored list; `None` for one that is not as it was stored.
fn read_list(bytes: &[u8], total: u32) -> Option<Vec<EntityId>> {
    let (ids, rest) = bytes.as_chunks::<ID_BYTES>();
    let whole = rest.is_empty() && ids.len() == total as usize;
    whole.then(|| ids.iter().map(|id| EntityId::new(EntityKind::Conversation, *id)).collect())
}

fn hex(hash: [u8; 32]) -> String {
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

pub(crate) fn bulk_of(entity: &Entity) -> State {
    match &entity.state {
        EntityState::Bulk(state) => state.clone(),
        EntityState::Conversation(_)
        | EntityState::Contact(_)
        | EntityState::Identity(_)
        | EntityState::Channel(_)
        | EntityState::Workspace(_) => State::default(),
    }
}

pub(crate) fn job_of(entity: &Entity) -> Option<Job> {
    bulk_of(entity).job
}

/// Whether a bulk exists for the caller: their own, and every one for who sees the tenant.
fn sees(caller: &Caller, job: &Job) -> bool {
    caller.role.sees_tenant() || caller.name == job.by.name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_as_stored_and_no_other_is_taken_for_it() {
        let ids: Vec<EntityId> = (0..3).map(|n| EntityId::new(EntityKind::Conversation, [n; 16])).collect();
        let (bytes, hash) = list_of(&ids);
        assert_eq!(read_list(&bytes, 3), Some(ids));
        assert_eq!(read_list(&bytes, 2), None);
        assert_eq!(read_list(&bytes[1..], 3), None);
        assert_eq!(read_list(&[], 0), Some(Vec::new()));
        assert_eq!((hex(hash).len(), hash), (64, <[u8; 32]>::from(Sha256::digest(&bytes))));
    }
}
