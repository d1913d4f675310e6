//! What the tests of this view share: fold a story, ask for pages.

use relevo_domain::conversation::{ConversationEvent, Medium, NotePersonal, PauseReason, PauseTerms, ResumeCause};
use relevo_domain::{Caller, EntityId, TenantId, Timestamp};
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{Story, fold};
use relevo_projector_pause::{Page, PauseProjector, PauseState, Query, Sort, counts, pause, paused};
use relevo_readstore::Snapshot;
use tempfile::TempDir;

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: Snapshot,
    /// The time of the story's end.
    pub(crate) now: Timestamp,
    _folder: TempDir,
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(PauseProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap().rows().clone(), now: story.now(), _folder: folder }
    }

    pub(crate) fn page(&self, query: &Query<'_>) -> Page {
        paused(&self.snapshot, &query.visible.tenant, query).unwrap()
    }

    /// The conversations' numbers of one page.
    pub(crate) fn numbers(&self, reason: Option<PauseReason>, visible: &Caller) -> Vec<u8> {
        numbers(&self.page(&self.query(reason, visible)))
    }

    /// The first page, the longest pause first.
    pub(crate) fn query<'a>(&self, reason: Option<PauseReason>, visible: &'a Caller) -> Query<'a> {
        Query {
            reason,
            automatic: None,
            channels: &[],
            longer_than: None,
            waiting_longer_than: None,
            sort: Sort::Since,
            visible,
            now: self.now,
            after: None,
            limit: 200,
        }
    }

    /// As a supervisor of `demo` sees it.
    pub(crate) fn state(&self, id: EntityId) -> PauseState {
        pause(&self.snapshot, &demo(), id, &supervisor("demo")).unwrap().expect("the conversation exists")
    }

    /// As `complaint=1+2`: manual and automatic.
    pub(crate) fn counts(&self, visible: &Caller) -> Vec<String> {
        let counts = counts(&self.snapshot, &visible.tenant, visible).unwrap();
        counts.iter().map(|count| format!("{}={}+{}", count.reason.as_str(), count.manual, count.automatic)).collect()
    }
}

pub(crate) fn numbers(page: &Page) -> Vec<u8> {
    page.rows.iter().map(|row| row.conversation.bytes()[0]).collect()
}

pub(crate) fn demo() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn open(story: &mut Story, number: u8) -> EntityId {
    story.open(number, "wa-main", Medium::WhatsApp, "Ana")
}

pub(crate) fn bot_paused(reason: PauseReason, automatic: bool, note: Option<&str>) -> ConversationEvent {
    ConversationEvent::BotPaused {
        reason,
        automatic,
        terms: PauseTerms::default(),
        personal: NotePersonal { text: note.map(str::to_owned) },
    }
}

pub(crate) fn bot_resumed(note: Option<&str>) -> ConversationEvent {
    ConversationEvent::BotResumed {
        cause: ResumeCause::Staff,
        catch_up: relevo_domain::conversation::CatchUp::Know,
        personal: NotePersonal { text: note.map(str::to_owned) },
    }
}
