//! The log as the query side's port to the past: all commits of one entity, within a time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_eventlog::{Log, LogError};
use relevo_query::{History, HistoryError, When};

/// How long the commits of one entity may take to read: thousands of questions to a log that is near.
const READ_MAX: Duration = Duration::from_secs(20);

/// Reads entities from the log's leader.
pub(super) struct Past(pub(super) Arc<dyn Log>);

#[async_trait]
impl History for Past {
    async fn commits(
        &self,
        tenant: &TenantId,
        entity: EntityId,
        until: When,
        limit: usize,
    ) -> Result<Vec<Recorded>, HistoryError> {
        let wanted = |commit: &Recorded| until.has(commit);
        // One more tells that there are more.
        let commits = tokio::time::timeout(READ_MAX, self.0.beginning(tenant, &entity, limit + 1, &wanted)).await;
        let commits = commits
            .map_err(|_late| HistoryError::Unavailable(format!("entity was not read in {} s", READ_MAX.as_secs())))?
            .map_err(|error| match error {
                LogError::Undecodable { .. } => HistoryError::Unreadable(error.to_string()),
                LogError::Unavailable(_) | LogError::Full | LogError::TooLarge { .. } | LogError::Refused(_) => {
                    HistoryError::Unavailable(error.to_string())
                }
            })?;
        if commits.len() > limit { Err(HistoryError::TooLong { limit }) } else { Ok(commits) }
    }
}
