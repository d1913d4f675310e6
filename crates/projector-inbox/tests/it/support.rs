//! What the tests of this view share: fold a story, ask for pages.

use relevo_domain::{Caller, EntityId, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{Story, fold};
use relevo_projector_inbox::{
    Conversation, Cursor, Filter, InboxProjector, ListQuery, Page, Sort, Status, ThreadEntry, conversation, list,
    matching, thread,
};
use tempfile::TempDir;

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: ViewSnapshot,
    _folder: TempDir,
}

/// A question to a list that owns its filter.
#[derive(Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) visible: &'a Caller,
    pub(crate) now: Timestamp,
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: usize,
}

impl Ask<'_> {
    pub(crate) fn of(&self, view: &ViewSnapshot, tenant: &TenantId) -> Page {
        let Self { filter, sort, visible, now, after, limit } = self;
        let query = ListQuery { filter, sort: *sort, visible, now: *now, after: *after, limit: *limit };
        let page = list(view, tenant, &query).unwrap();
        let all = matching(view, tenant, filter, visible, *now).unwrap();
        assert_eq!((all.conversations.len() as u64, all.truncated), (page.total, page.search_truncated));
        assert!(page.rows.iter().all(|row| all.conversations.contains(&row.conversation)));
        page
    }
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(InboxProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap(), _folder: folder }
    }

    pub(crate) fn list(&self, ask: &Ask<'_>) -> Page {
        ask.of(&self.snapshot, &ask.visible.tenant)
    }

    /// As a supervisor of `demo` sees it.
    pub(crate) fn conversation(&self, id: EntityId) -> Conversation {
        self.conversation_at(id, NOON)
    }

    pub(crate) fn conversation_at(&self, id: EntityId, now: Timestamp) -> Conversation {
        let found = conversation(&self.snapshot, &demo(), id, &supervisor("demo"), now).unwrap();
        found.expect("the conversation exists")
    }

    /// The whole thread, as a supervisor of `demo` sees it.
    pub(crate) fn thread(&self, id: EntityId) -> Vec<ThreadEntry> {
        let page = thread(&self.snapshot, &demo(), id, &supervisor("demo"), None, 200).unwrap();
        let page = page.expect("the conversation exists");
        assert_eq!(page.next, None);
        page.entries
    }
}

/// When stories begin.
pub(crate) const NOON: Timestamp = Timestamp::from_seconds(1_767_225_600 + 12 * 3_600);

pub(crate) fn demo() -> TenantId {
    TenantId::new("demo").unwrap()
}

/// The first page of what is open or pending.
pub(crate) fn everything(visible: &Caller) -> Ask<'_> {
    Ask { filter: Filter::default(), sort: Sort::LastActivity, visible, now: NOON, after: None, limit: 50 }
}

/// The first page with this filter.
pub(crate) fn with(visible: &Caller, filter: Filter) -> Ask<'_> {
    Ask { filter, ..everything(visible) }
}

/// A filter for every status.
pub(crate) fn any_status() -> Filter {
    Filter { statuses: Status::ALL.to_vec(), ..Filter::default() }
}

/// The conversations' numbers in a story.
pub(crate) fn numbers(page: &Page) -> Vec<u8> {
    page.rows.iter().map(|row| row.conversation.bytes()[0]).collect()
}
