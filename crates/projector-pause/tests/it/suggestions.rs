//! What the detection found: why a bot is paused, and what is suggested until somebody answers, pauses, or the matter is over.

use std::time::Duration;

use relevo_domain::conversation::{
    AssignmentHow, ConversationEvent, Detection, EpisodeCause, Medium, NotePersonal, PauseReason,
};
use relevo_domain::detection::{Act, Rule};
use relevo_domain::{Actor, Caller, ChannelId, EntityId, MessageId, TeamId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, staff, supervisor};
use relevo_projector_pause::{Cursor, HistoryEntry, Suggestion, SuggestionQuery, suggestions};

use crate::support::{Folded, bot_paused, bot_resumed, open};

fn found(rule: Rule, act: Act) -> ConversationEvent {
    ConversationEvent::SituationDetected(Box::new(Detection {
        rule,
        act,
        reason: rule.reason(),
        messages: vec![MessageId::new([7; 16])],
        count: 1,
        personal: NotePersonal { text: Some("seguro medico".to_owned()) },
    }))
}

fn suggest(story: &mut Story, id: EntityId, rule: Rule) {
    story.wait(Duration::from_secs(1));
    story.tell(id, Actor::Customer, [found(rule, Act::Suggest)]);
}

struct Asked<'a> {
    rule: Option<Rule>,
    channels: &'a [ChannelId],
    after: Option<&'a Cursor>,
    limit: usize,
}

const ALL: Asked<'static> = Asked { rule: None, channels: &[], after: None, limit: 200 };

fn listed(story: &Story, visible: &Caller, asked: &Asked<'_>) -> (Vec<Suggestion>, Option<Cursor>) {
    let folded = Folded::of(story);
    let Asked { rule, channels, after, limit } = *asked;
    let query = SuggestionQuery { rule, channels, visible, now: folded.now, after, limit };
    let page = suggestions(&folded.snapshot, &visible.tenant, &query).unwrap();
    (page.rows, page.next)
}

/// As `1 complex_query`.
fn shown(story: &Story, visible: &Caller, asked: &Asked<'_>) -> Vec<String> {
    let row = |row: &Suggestion| format!("{} {}", row.conversation.bytes()[0], row.detected.rule.as_str());
    listed(story, visible, asked).0.iter().map(row).collect()
}

fn everything(story: &Story) -> Vec<String> {
    shown(story, &supervisor("demo"), &ALL)
}

#[test]
fn a_pause_that_was_detected_says_what_was_found() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let pause = bot_paused(PauseReason::Complaint, true, None);
    story.tell(id, Actor::Customer, [found(Rule::Complaint, Act::Pause), pause]);
    let state = Folded::of(&story).state(id);
    let pause = state.pause.expect("paused");
    let detected = pause.detected.clone().expect("detected");
    assert_eq!((detected.rule, detected.count), (Rule::Complaint, 1));
    assert_eq!((detected.messages, detected.phrase.as_deref()), (vec![MessageId::new([7; 16])], Some("seguro medico")));
    assert_eq!(pause.by, Actor::System, "Relevo did it, not the customer");
    assert_eq!(state.history, [HistoryEntry::Paused(pause)]);
    assert!(everything(&story).is_empty(), "it is no suggestion");

    // The next pause is somebody's own.
    story.tell(id, staff("sofia"), [bot_resumed(None)]);
    story.tell(id, staff("sofia"), [bot_paused(PauseReason::Other, false, None)]);
    assert_eq!(Folded::of(&story).state(id).pause.expect("paused").detected, None);
}

#[test]
fn suggestions_are_listed_oldest_first_by_rule_and_channel_and_in_pages() {
    let mut story = Story::new();
    let (one, two) = (open(&mut story, 1), story.open(2, "sms", Medium::Sms, "Ana"));
    suggest(&mut story, two, Rule::PriceQuestion);
    suggest(&mut story, one, Rule::ComplexQuery);
    suggest(&mut story, one, Rule::PriceQuestion);
    assert_eq!(everything(&story), ["2 price_question", "1 complex_query", "1 price_question"]);
    let visible = supervisor("demo");
    let prices = Asked { rule: Some(Rule::PriceQuestion), ..ALL };
    assert_eq!(shown(&story, &visible, &prices), ["2 price_question", "1 price_question"]);
    let main = [ChannelId::new("wa-main").unwrap()];
    assert_eq!(shown(&story, &visible, &Asked { channels: &main, ..prices }), ["1 price_question"]);

    let (mut seen, mut after) = (Vec::new(), None);
    for _page in 0..3 {
        let (rows, next) = listed(&story, &visible, &Asked { after: after.as_ref(), limit: 1, ..ALL });
        seen.extend(rows.into_iter().map(|row| row.number));
        after = next;
    }
    assert_eq!((seen.len(), after), (3, None));
}

#[test]
fn a_suggestion_goes_with_its_answer_a_pause_a_resolution_or_a_new_episode() {
    let start = ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::CustomerMessage };
    let resolve = ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() };
    for (end, left) in [
        (bot_paused(PauseReason::Other, false, None), 0),
        (resolve, 0),
        (start, 0),
        (ConversationEvent::SuggestionClosed { suggestion: 99, accepted: false }, 2),
    ] {
        let mut story = Story::new();
        let id = open(&mut story, 1);
        suggest(&mut story, id, Rule::ComplexQuery);
        suggest(&mut story, id, Rule::PriceQuestion);
        story.tell(id, staff("sofia"), [end.clone()]);
        assert_eq!(everything(&story).len(), left, "{}", end.name());
    }
    let mut story = Story::new();
    let id = open(&mut story, 1);
    suggest(&mut story, id, Rule::ComplexQuery);
    suggest(&mut story, id, Rule::PriceQuestion);
    let suggestion = listed(&story, &supervisor("demo"), &ALL).0[0].number;
    story.tell(id, staff("sofia"), [ConversationEvent::SuggestionClosed { suggestion, accepted: false }]);
    assert_eq!(everything(&story), ["1 price_question"]);
}

#[test]
fn only_who_may_see_the_conversation_sees_its_suggestions() {
    let mut story = Story::new();
    let (one, two) = (open(&mut story, 1), open(&mut story, 2));
    suggest(&mut story, one, Rule::ComplexQuery);
    suggest(&mut story, two, Rule::ComplexQuery);
    let (agent_id, team) = (None, Some(TeamId::new("ventas").unwrap()));
    story.tell(
        two,
        staff("sofia"),
        [ConversationEvent::Assigned { agent: agent_id, team, how: AssignmentHow::Manual }],
    );
    let elsewhere = agent("demo", "laura", &["sms"], &["ventas"]);
    let (main, sales) = (agent("demo", "laura", &["wa-main"], &[]), agent("demo", "laura", &["wa-main"], &["ventas"]));
    assert!(shown(&story, &elsewhere, &ALL).is_empty());
    assert_eq!(shown(&story, &main, &ALL), ["1 complex_query"]);
    assert_eq!(shown(&story, &sales, &ALL), ["1 complex_query", "2 complex_query"]);
    assert!(shown(&story, &supervisor("demo-b"), &ALL).is_empty());
}
