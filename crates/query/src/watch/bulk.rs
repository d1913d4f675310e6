//! A watched bulk: how far it is.

use std::time::Duration;

use relevo_domain::{Caller, EntityId, Position};
use relevo_projector_pause as pause;
use relevo_proto::query::v1 as wire;

use super::{Seen, Step, Watched};
use crate::error::QueryError;
use crate::{Query, access, render};

/// What is watched, and what was shown of it.
pub(crate) struct BulkWatch {
    query: Query,
    caller: Caller,
    bulk: EntityId,
    shown: Option<wire::Bulk>,
}

impl BulkWatch {
    pub(crate) const fn new(query: Query, caller: Caller, bulk: EntityId) -> Self {
        Self { query, caller, bulk, shown: None }
    }
}

impl Watched for BulkWatch {
    type Message = wire::WatchBulkResponse;

    /// A progress line that changes more often is not read.
    const INTERVAL: Duration = Duration::from_millis(200);

    fn look(&mut self, seen: &Seen<'_>) -> Result<Step<Self::Message>, QueryError> {
        let found = pause::bulk(seen.rows.rows(), &self.caller, self.bulk)?;
        let found = found.ok_or(QueryError::BulkNotFound { bulk: self.bulk })?;
        let bulk = render::bulk::bulk(self.query.names(&self.caller), found, access::reads_texts(self.caller.role));
        if self.shown.as_ref() == Some(&bulk) {
            return Ok(Step::Nothing);
        }
        self.shown = Some(bulk.clone());
        let position = seen.rows.position().to_string();
        Ok(Step::Say(wire::WatchBulkResponse { bulk: Some(bulk), position }))
    }

    fn heartbeat(&self, position: Position) -> Self::Message {
        wire::WatchBulkResponse { bulk: None, position: position.to_string() }
    }
}
