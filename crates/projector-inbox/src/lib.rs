//! The inbox view: which conversations are there, what was said in them, and who wrote. For agents and supervisors.
//!
//! Listens to every event of conversations, contacts, the workspace's tags and quick replies, and channels' templates. Ignores
//! identity bindings (they decide, they show nothing) and reports that belong nowhere (they have no thread). Assumes commits in log order and gapless versions per
//! entity, which the runtime checks; commits of a contact and of its conversations may come in any order. Time is always
//! `occurred_at`; nothing here knows what time it is.
//!
//! Work per commit is constant in the size of the tenant and of the thread; a contact's name is kept once and joined when it
//! is read, so that renaming somebody with thousands of mail threads writes one row.

mod keys;
mod row;

mod apply;
mod channel;
mod columns;
mod contact;
mod conversation;
mod count;
mod reader;
mod search;
mod thread;
mod workspace;

pub use reader::{
    Bot, BotFilter, CHANGED_OF_CONTACT_MAX, CHANGES_LIMIT_MAX, CONTACT_CONVERSATIONS_MAX, Changes, Contact,
    ContactLink, Conversation, Counters, Cursor, Customer, Escalation, Filter, LINKED_CONTACTS_MAX, LIST_LIMIT_MAX,
    ListQuery, Matching, Page, Pause, Placed, RaisedAlert, ReadError, SEARCH_CHARS_MAX, Sort, Status, THREAD_LIMIT_MAX,
    THREAD_PAGE_BYTES_MAX, Tab, TabCounts, Tag, ThreadChanges, ThreadCursor, ThreadEntry, ThreadPage, changed_since,
    channel_paused_since, contact, contact_conversations, conversation, counters, linked_to, list, matching, next_due,
    next_waiting, place, quick_replies, sees_contact, tags, templates, thread, thread_before, thread_changed_since,
    thread_message, touched_since,
};
pub use row::{
    AttachmentRow as Attachment, AttachmentStateCode as AttachmentState, AuthorCode as Author, CancelCode,
    DetectedRow as Detected, Entry, FailureRow as Failure, FlagsRow as Flags, IdentifierRow as Identifier, LooseKind,
    LooseRow as Loose, MailRow as Mail, MessageRow as Message, OutgoingRow as Outgoing, REPORTED,
    ReactionRow as Reaction, ReportRow as Report, SendState, StageCode as Stage, TimelineKind, TimelineRow as Timeline,
    TimesRow as Times,
};

use std::time::Duration;

use relevo_domain::Recorded;
use relevo_projection::{ApplyError, Companion, Projector, Rows};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "inbox";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 4;

/// How long a commit may wait for others before it is applied, while nobody waits for it: a list that is asked for without a position
/// is as old as this. Watches wait.
const LINGER: Duration = Duration::from_millis(2);

/// Writes the inbox view.
#[derive(Clone, Copy, Debug, Default)]
pub struct InboxProjector;

impl Projector for InboxProjector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        apply::commit(rows, commit)
    }

    fn companion(&self) -> Option<Box<dyn Companion>> {
        Some(Box::new(columns::ColumnsCompanion::default()))
    }
}
