//! The part of the event corpus that pausing on terms brought, and that all of its words come back from the log unchanged.

use relevo_domain::conversation::event::{ConversationEvent, NotePersonal, PauseReason, PauseTerms, ResumeCause};
use relevo_domain::{Event, Timestamp};
use relevo_eventlog::codec;

use crate::golden::{agent, commit, message_id, note};

/// What the pause's further commands lead to.
pub(crate) fn events() -> [ConversationEvent; 2] {
    let until = Some(Timestamp::from_millis(1_790_003_600_000));
    [
        ConversationEvent::PauseChanged { terms: PauseTerms { until, locked: true }, personal: note() },
        ConversationEvent::Escalated { to: agent(), reason: PauseReason::Complaint, note: message_id(4) },
    ]
}

#[test]
fn every_word_of_a_pause_comes_back() {
    let untils = [None, Some(Timestamp::from_millis(-1)), Some(Timestamp::from_millis(1_790_003_600_000))];
    let terms = untils.into_iter().flat_map(|until| [true, false].map(|locked| PauseTerms { until, locked }));
    let paused = |reason, terms| ConversationEvent::BotPaused { reason, automatic: false, terms, personal: note() };
    let mut events: Vec<ConversationEvent> =
        PauseReason::ALL.map(|reason| paused(reason, PauseTerms::default())).into();
    events.extend(terms.clone().map(|terms| paused(PauseReason::Other, terms)));
    events.extend(terms.map(|terms| ConversationEvent::PauseChanged { terms, personal: NotePersonal::default() }));
    let resumed = |cause| ConversationEvent::BotResumed { cause, personal: note() };
    events.extend([ResumeCause::Staff, ResumeCause::Timer].map(resumed));
    let escalated = |reason| ConversationEvent::Escalated { to: agent(), reason, note: message_id(9) };
    events.extend(PauseReason::ALL.map(escalated));
    for event in events {
        let whole = commit(Event::Conversation(event));
        assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
    }
}
