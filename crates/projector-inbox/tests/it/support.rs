//! What the tests of this view share: fold a story, ask for pages.

use relevo_domain::{Caller, EntityId, TenantId};
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{Story, fold};
use relevo_projector_inbox::{
    Conversation, InboxProjector, ListQuery, Page, Tab, ThreadEntry, conversation, list, thread,
};
use relevo_readstore::Snapshot;
use tempfile::TempDir;

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: Snapshot,
    _folder: TempDir,
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(InboxProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap().rows().clone(), _folder: folder }
    }

    pub(crate) fn list(&self, query: &ListQuery<'_>) -> Page {
        list(&self.snapshot, &query.visible.tenant, query).unwrap()
    }

    /// As a supervisor of `demo` sees it.
    pub(crate) fn conversation(&self, id: EntityId) -> Conversation {
        conversation(&self.snapshot, &demo(), id, &supervisor("demo")).unwrap().expect("the conversation exists")
    }

    /// The whole thread, as a supervisor of `demo` sees it.
    pub(crate) fn thread(&self, id: EntityId) -> Vec<ThreadEntry> {
        let page = thread(&self.snapshot, &demo(), id, &supervisor("demo"), None, 200).unwrap();
        let page = page.expect("the conversation exists");
        assert_eq!(page.next, None);
        page.entries
    }
}

pub(crate) fn demo() -> TenantId {
    TenantId::new("demo").unwrap()
}

/// The first page of what is open.
pub(crate) fn everything(visible: &Caller) -> ListQuery<'_> {
    ListQuery { statuses: Vec::new(), bot: None, tab: Tab::All, visible, after: None, limit: 50 }
}

/// The conversations' numbers in a story.
pub(crate) fn numbers(page: &Page) -> Vec<u8> {
    page.rows.iter().map(|row| row.conversation.bytes()[0]).collect()
}
