//! Pages of conversations in any order, and the place of one in a list.

use relevo_domain::workspace::command::TAGS_MAX;
use relevo_domain::{Caller, EntityId, EntityKind, TagId, TenantId, Timestamp};
use relevo_projection::{RowSource, ViewSnapshot};

use super::{Conversation, Cursor, Filter, ListQuery, ReadError, Shower, Sort, bad, load, load_many, visible_row};
use crate::columns::{Access, Columns, Plan, TenantColumns, members, select};
use crate::keys;
use crate::reader::query::LIST_LIMIT_MAX;
use crate::row::{ConversationRow, TagRow};
use crate::search::{self, Hits, Person, Words};

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Conversation>,
    /// Present if there is more.
    pub next: Option<Cursor>,
    /// How many conversations the whole list has; exact unless the search was cut.
    pub total: u64,
    /// A word of the search begins more terms than were looked at: the list has only conversations that match, but may be
    /// without some.
    pub search_truncated: bool,
}

/// A conversation and its place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub key: Cursor,
    pub conversation: Conversation,
}

/// A page of the conversations that match and that the caller may see.
pub fn list(view: &ViewSnapshot, tenant: &TenantId, query: &ListQuery<'_>) -> Result<Page, ReadError> {
    let nothing = Page { rows: Vec::new(), next: None, total: 0, search_truncated: false };
    let Some(columns) = columns_of(view, tenant)? else { return Ok(nothing) };
    let limit = query.limit.clamp(1, LIST_LIMIT_MAX);
    let Some(access) = Access::of(query.visible, tenant, columns) else { return Ok(nothing) };
    let Some(plan) = plan(view, tenant, query.filter, access.clone(), query.now, columns)? else { return Ok(nothing) };
    let words = words_of(query.filter);
    let hits =
        words.map(|words| search::search(view, tenant, Person { columns, access: &access }, &words)).transpose()?;
    let search_truncated = hits.as_ref().is_some_and(Hits::truncated);
    // One more than asked for, so that a page without a successor has no cursor.
    let found = select(columns, &plan, hits.as_ref(), query.sort, query.after, limit + 1);
    let next = if found.places.len() > limit { found.places.get(limit - 1).copied() } else { None };
    let ids: Vec<EntityId> = found.places.iter().take(limit).map(|place| place.conversation).collect();
    let keys: Vec<_> = ids.iter().map(|id| keys::conversation(tenant, *id)).collect();
    let mut rows: Vec<(EntityId, ConversationRow)> = Vec::with_capacity(ids.len());
    for (id, row) in ids.into_iter().zip(load_many(view, "conversation", &keys)?) {
        rows.push((id, row.ok_or_else(|| bad("conversation of a column"))?));
    }
    let rows = Shower::new(view, tenant, query.now).show_all(rows)?;
    Ok(Page { rows, next, total: found.total, search_truncated })
}

/// All conversations of a list at once, in no order: what a bulk is made of.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Matching {
    pub conversations: Vec<EntityId>,
    /// As [`Page::search_truncated`]: some that match may be missing.
    pub truncated: bool,
}

/// The ids of all conversations that match and that the caller may see.
pub fn matching(
    view: &ViewSnapshot,
    tenant: &TenantId,
    filter: &Filter,
    visible: &Caller,
    now: Timestamp,
) -> Result<Matching, ReadError> {
    let Some(columns) = columns_of(view, tenant)? else { return Ok(Matching::default()) };
    let Some(access) = Access::of(visible, tenant, columns) else { return Ok(Matching::default()) };
    let Some(plan) = plan(view, tenant, filter, access.clone(), now, columns)? else { return Ok(Matching::default()) };
    let words = words_of(filter);
    let hits =
        words.map(|words| search::search(view, tenant, Person { columns, access: &access }, &words)).transpose()?;
    let truncated = hits.as_ref().is_some_and(Hits::truncated);
    Ok(Matching { conversations: members(columns, &plan, hits.as_ref()), truncated })
}

/// One conversation and its place in the list of this filter and sort, if it is in that list now. Of a search that is cut it
/// finds more than [`list`]: it looks at the conversation's own contact.
pub fn place(
    view: &ViewSnapshot,
    tenant: &TenantId,
    filter: &Filter,
    sort: Sort,
    visible: &Caller,
    now: Timestamp,
    id: EntityId,
) -> Result<Option<Placed>, ReadError> {
    let Some(columns) = columns_of(view, tenant)? else { return Ok(None) };
    let Some(row) = visible_row(view, tenant, id, visible)? else { return Ok(None) };
    let Some(access) = Access::of(visible, tenant, columns) else { return Ok(None) };
    let Some(plan) = plan(view, tenant, filter, access.clone(), now, columns)? else { return Ok(None) };
    let key = columns.table().row(row.ordinal).ok_or_else(|| bad("number of a conversation"))?.place(sort);
    if !plan.matches(columns, row.ordinal) {
        return Ok(None);
    }
    if let Some(words) = words_of(filter) {
        let contact = row.contact.as_slice().try_into().map_err(|_length| bad("contact"))?;
        let person = Person { columns, access: &access };
        if !search::finds(view, tenant, person, &words, EntityId::new(EntityKind::Contact, contact))? {
            return Ok(None);
        }
    }
    let conversation = Shower::new(view, tenant, now).show(id, row)?;
    Ok(Some(Placed { key, conversation }))
}

/// The tenant's columns; `None` while it has no conversations.
pub(super) fn columns_of<'v>(
    view: &'v ViewSnapshot,
    tenant: &TenantId,
) -> Result<Option<&'v TenantColumns>, ReadError> {
    Ok(view.companion::<Columns>().ok_or(ReadError::Building)?.of(tenant))
}

fn plan(
    source: &dyn RowSource,
    tenant: &TenantId,
    filter: &Filter,
    access: Access,
    now: Timestamp,
    columns: &TenantColumns,
) -> Result<Option<Plan>, ReadError> {
    // A workspace has at most so many tags: of a longer list of them, the rest repeats or is unknown.
    let mut tags: Vec<TagId> = Vec::new();
    for tag in filter.tags.iter().take(TAGS_MAX) {
        if load::<TagRow>(source, "tag", &keys::tag(tenant, *tag))?.is_some() {
            tags.push(*tag);
        }
    }
    Ok(Plan::of(filter, &tags, access, columns, now.as_millis()))
}

/// The words of a filter; `None` if it does not search.
fn words_of(filter: &Filter) -> Option<Words> {
    filter.search.as_deref().filter(|search| !search.trim().is_empty()).map(Words::of)
}
