//! What a filter of the inbox shows, for whoever begins a bulk: the query side answers, the command side asks.

use async_trait::async_trait;
use relevo_command::{Matched, Matching};
use relevo_domain::Caller;
use relevo_proto::query::v1::ConversationFilter;
use relevo_query::Query;
use tonic::Status;

/// The filters of the inbox.
pub(super) struct Filters(pub(super) Query);

#[async_trait]
impl Matching for Filters {
    async fn matching(
        &self,
        caller: &Caller,
        filter: Option<ConversationFilter>,
        min_position: &str,
    ) -> Result<Matched, Status> {
        let (conversations, position) = self.0.matching(caller, filter, min_position).await?;
        Ok(Matched { conversations, position })
    }
}
