//! Contacts: who somebody is, what they are known by, and their conversations.

use std::collections::HashSet;

use relevo_domain::{Caller, EntityId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use crate::error::{QueryError, Rule};
use crate::filter::search;
use crate::request::{Fields, PAGE_SIZE_DEFAULT};
use crate::{Query, moment, read, render};

/// Conversations that are shown of one person.
const CONVERSATIONS_MAX: usize = 200;

impl Query {
    pub(super) async fn contact(
        &self,
        caller: Caller,
        request: wire::GetContactRequest,
    ) -> Result<wire::GetContactResponse, QueryError> {
        let mut fields = Fields::default();
        let id = fields.contact(&request.contact_id);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let position = snapshot.position().to_string();

        let (query, now) = (self.clone(), (self.inner.ports.now)());
        read(move || {
            let contact = inbox::contact(&snapshot, &caller.tenant, id, &caller)?;
            let contact = contact.ok_or(QueryError::ContactNotFound { contact: id })?;
            let conversations = query.conversations_of(&snapshot, &caller, &contact, now)?;
            let contact = Some(render::conversation::contact(contact));
            Ok(wire::GetContactResponse { contact, conversations, position })
        })
        .await
    }

    /// The person's conversations under every contact, the latest message first.
    fn conversations_of(
        &self,
        rows: &ViewSnapshot,
        caller: &Caller,
        contact: &inbox::Contact,
        now: Timestamp,
    ) -> Result<Vec<wire::Conversation>, QueryError> {
        let mut ids = contact.conversations.clone();
        for link in &contact.linked {
            ids.extend(inbox::contact_conversations(rows, &caller.tenant, link.contact, caller)?);
        }
        let found = ids.into_iter().map(|id| inbox::conversation(rows, &caller.tenant, id, caller, now));
        let mut found: Vec<_> = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        found.sort_by_key(|row| (std::cmp::Reverse(row.last_activity), row.conversation));
        found.truncate(CONVERSATIONS_MAX);
        found.into_iter().map(|row| self.show(caller, rows, row)).collect()
    }

    pub(super) async fn search_for_contacts(
        &self,
        caller: Caller,
        request: wire::SearchContactsRequest,
    ) -> Result<wire::SearchContactsResponse, QueryError> {
        let mut fields = Fields::default();
        let words = search(&mut fields, "query", &request.query);
        if words.is_none() {
            fields.refuse("query", Rule::Required);
        }
        let limit = fields.page_size(request.page_size, PAGE_SIZE_DEFAULT);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let position = snapshot.position().to_string();

        let now = (self.inner.ports.now)();
        read(move || {
            let filter = inbox::Filter { statuses: inbox::Status::ALL.to_vec(), search: words, ..Default::default() };
            let (found, truncated) = matching(&snapshot, &caller, &filter, now, limit)?;
            let contacts = found.into_iter().map(|id| inbox::contact(&snapshot, &caller.tenant, id, &caller));
            let contacts = contacts.filter_map(Result::transpose).map(|contact| {
                let contact = contact?;
                Ok(render::conversation::contact(contact))
            });
            Ok(wire::SearchContactsResponse {
                contacts: contacts.collect::<Result<_, QueryError>>()?,
                truncated,
                position,
            })
        })
        .await
    }
}

/// The contacts of the first conversations that match, each once; and whether there may be more.
fn matching(
    rows: &ViewSnapshot,
    caller: &Caller,
    filter: &inbox::Filter,
    now: Timestamp,
    limit: usize,
) -> Result<(Vec<EntityId>, bool), QueryError> {
    let list = inbox::ListQuery {
        filter,
        sort: inbox::Sort::LastActivity,
        visible: caller,
        now,
        after: None,
        limit: inbox::LIST_LIMIT_MAX,
    };
    let page = inbox::list(rows, &caller.tenant, &list)?;
    let mut seen = HashSet::new();
    let mut found: Vec<_> = page.rows.iter().map(|row| row.contact).filter(|contact| seen.insert(*contact)).collect();
    let truncated = page.search_truncated || page.next.is_some() || found.len() > limit;
    found.truncate(limit);
    Ok((found, truncated))
}
