//! The part of the event corpus that pausing on terms brought, and that all of its words come back from the log unchanged.

use relevo_domain::conversation::event::{
    Alert, ConversationEvent, Detection, NotePersonal, PauseReason, PauseTerms, ResumeCause,
};
use relevo_domain::conversation::{CatchUp, GivenTurn, TurnEnd};
use relevo_domain::detection::{Act, Rule};
use relevo_domain::{AgentId, Event, Timestamp};
use relevo_eventlog::codec;

use crate::golden::{agent, commit, message_id, note};

/// What the pause's further commands lead to.
pub(crate) fn events() -> [ConversationEvent; 8] {
    let until = Some(Timestamp::from_millis(1_790_003_600_000));
    [
        ConversationEvent::PauseChanged { terms: PauseTerms { until, locked: true }, personal: note() },
        ConversationEvent::Escalated { to: agent(), reason: PauseReason::Complaint, note: message_id(4) },
        ConversationEvent::SituationDetected(Box::new(Detection {
            rule: Rule::Complaint,
            act: Act::Pause,
            reason: PauseReason::Complaint,
            messages: vec![message_id(5), message_id(6)],
            count: 2,
            personal: note(),
        })),
        ConversationEvent::SuggestionClosed { suggestion: 7, accepted: true },
        ConversationEvent::BotTurnStarted(Box::new(GivenTurn {
            bot: AgentId::new("helper").unwrap(),
            from: 3,
            through: 8,
            context_through: 5,
            answer: true,
            attempt: 2,
            claim: "one".to_owned(),
            until: Timestamp::from_millis(1_790_000_060_000),
        })),
        ConversationEvent::BotTurnEnded { turn: 9, how: TurnEnd::Done },
        ConversationEvent::AlertRaised {
            alert: Alert::PausedTooLong,
            since: Timestamp::from_millis(1_790_000_000_000),
        },
        ConversationEvent::BotSignalled { until: Timestamp::from_millis(1_790_000_002_000) },
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
    let resumed = |cause| ConversationEvent::BotResumed { cause, catch_up: CatchUp::Know, personal: note() };
    events.extend([ResumeCause::Staff, ResumeCause::Timer].map(resumed));
    events.extend(CatchUp::ALL.map(|catch_up| ConversationEvent::BotResumed {
        cause: ResumeCause::Staff,
        catch_up,
        personal: note(),
    }));
    let escalated = |reason| ConversationEvent::Escalated { to: agent(), reason, note: message_id(9) };
    events.extend(PauseReason::ALL.map(escalated));
    for event in events {
        let whole = commit(Event::Conversation(event));
        assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
    }
}
