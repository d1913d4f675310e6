//! The metrics, one file for each group: what it means (its definition) and how it is observed.
//!
//! A metric is a pure function of (what it remembers of the conversation, one event): it reads and changes its own part of the
//! conversation's row and states facts. Metrics see whose the conversation was *before* the event; the two that follow the
//! state itself (backlog, open time) are shown the state after the commit. To add a metric: its file, its line in
//! `DEFINITIONS`, its call below.
//!
//! To whom a fact is attributed: a message of the business to its sender (nobody, if it was written on the phone, or by Relevo
//! itself); everything else to whom the conversation was assigned then. The team is the one that had it then. What is assigned later changes nothing.

pub(crate) mod backlog;
pub(crate) mod delivery;
pub(crate) mod intervention;
pub(crate) mod open_time;
pub(crate) mod pause;
pub(crate) mod resolution;
pub(crate) mod response;
pub(crate) mod sent;
pub(crate) mod volume;

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::conversation::message::Author;

use crate::facts::Facts;
use crate::row::ConversationRow;

/// One event of a conversation, and when it happened.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) event: &'a ConversationEvent,
    /// The commit's `occurred_at` in milliseconds.
    pub(crate) at: i64,
    /// The event's free word (reason of a resolution, status of a report) as a label has it.
    pub(crate) word: &'a str,
}

/// Every metric of a conversation but of what it sends and what is reported, which have rows of their own ([`sent`],
/// [`delivery`]).
pub(crate) fn observe(talk: &mut ConversationRow, moment: Moment<'_>, facts: &mut Facts<'_>) {
    volume::observe(talk, moment, facts);
    // History is no episode: nobody waits in it, and nothing is resolved.
    if !talk.imported {
        response::observe(talk, moment, facts);
        resolution::observe(talk, moment, facts);
    }
    pause::observe(talk, moment, facts);
    intervention::observe(talk, moment, facts);
}

/// The metrics that follow the state, once a commit.
pub(crate) fn settle(talk: &mut ConversationRow, facts: &mut Facts<'_>) {
    backlog::settle(talk, facts);
    open_time::settle(talk, facts);
}

/// Who speaks for the business in a public message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Voice {
    /// Word of the label `by`.
    pub(crate) word: &'static str,
    pub(crate) human: bool,
    /// Whether it can be a response: what Relevo sends by itself is none.
    pub(crate) responds: bool,
}

/// The voice of an author of messages to the customer; `None` for the customer. Every kind of author that the log learns has to
/// be placed here.
pub(crate) const fn voice(author: Author) -> Option<Voice> {
    match author {
        Author::PhoneApp => Some(Voice { word: "phone_app", human: true, responds: true }),
        Author::Staff => Some(Voice { word: "staff", human: true, responds: true }),
        Author::Bot => Some(Voice { word: "bot", human: false, responds: true }),
        Author::System => Some(Voice { word: "system", human: false, responds: false }),
        Author::Customer => None,
    }
}

/// The voice that has this word.
pub(crate) fn voice_of(word: &str) -> Option<Voice> {
    let all = [Author::PhoneApp, Author::Staff, Author::Bot, Author::System].map(voice);
    all.into_iter().flatten().find(|voice| voice.word == word)
}

/// From one time to another in milliseconds; clocks that disagree make no negative duration.
pub(crate) fn span(from: i64, to: i64) -> i64 {
    to.saturating_sub(from).max(0)
}
