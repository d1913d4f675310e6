//! Pauses: how long they last, and which conversations needed one.

use std::time::Duration;

use relevo_domain::Actor;
use relevo_domain::conversation::{ConversationEvent, Detection, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::detection::{Act, Rule};
use relevo_projection::testing::Story;
use relevo_projector_metrics::{Bucket, Figure, ShareBand, ShareFigure};

use crate::support::{Folded, TOGETHER, assign, days, open, pause, reopen, resolve, resume};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn a_pause_is_measured_to_its_first_end_with_reason_manner_and_band() {
    let mut story = Story::new();
    let waits = [(1, 4), (2, 15), (3, 30), (4, 31)];
    for (number, minutes) in waits {
        let id = open(&mut story, number);
        pause(&mut story, id, PauseReason::Complaint, number == 4);
        story.wait(MINUTE * minutes);
        if number % 2 == 0 { resolve(&mut story, id, "") } else { resume(&mut story, id) }
    }
    let lines = Folded::of(&story).lines("pause_resolution");
    assert_eq!(
        lines,
        [
            "wa-main - - | complaint automatic resolved over_30m | 1×1860s",
            "wa-main - - | complaint manual resolved 5_to_15m | 1×900s",
            "wa-main - - | complaint manual resumed 15_to_30m | 1×1800s",
            "wa-main - - | complaint manual resumed under_5m | 1×240s",
        ]
    );
    assert_eq!(
        Folded::of(&story).lines("pauses"),
        ["wa-main - - | complaint automatic | 1", "wa-main - - | complaint manual | 3",]
    );
}

#[test]
fn a_pause_that_survives_a_resolution_is_measured_once() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    pause(&mut story, id, PauseReason::BotError, false);
    assert_eq!(Folded::of(&story).minutes("pause_resolution"), None, "it has not ended");
    story.wait(MINUTE * 10);
    resolve(&mut story, id, "");
    story.wait(MINUTE * 100);
    reopen(&mut story, id);
    story.wait(MINUTE * 100);
    resume(&mut story, id);
    assert_eq!(Folded::of(&story).minutes("pause_resolution"), Some((1, 10)));
}

/// The commit of the message that was found, as the decider writes it.
#[test]
fn what_relevo_notices_by_itself_pauses_automatically_for_its_reason_and_is_no_intervention() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    let found = Detection {
        rule: Rule::Complaint,
        act: Act::Pause,
        reason: PauseReason::Complaint,
        messages: Vec::new(),
        count: 1,
        personal: NotePersonal::default(),
    };
    let pause = ConversationEvent::BotPaused {
        reason: PauseReason::Complaint,
        automatic: true,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    };
    story.tell(id, Actor::Customer, [ConversationEvent::SituationDetected(Box::new(found)), pause]);
    story.wait(MINUTE * 4);
    resume(&mut story, id);
    let folded = Folded::of(&story);
    assert_eq!(folded.lines("pauses"), ["wa-main - - | complaint automatic | 1"]);
    assert_eq!(folded.lines("pause_resolution"), ["wa-main - - | complaint automatic resumed under_5m | 1×240s"]);
    assert_eq!(folded.share("intervention"), Some(ShareFigure { n: 1, count: 0 }));
}

#[test]
fn intervention_is_a_share_of_the_conversations_that_the_customer_wrote_in() {
    let mut story = Story::new();
    assert_eq!(Folded::of(&story).share("intervention"), None, "nobody in the cohort is undefined");
    for number in 1..=10 {
        let id = open(&mut story, number);
        if number != 10 {
            story.customer(id, "hola");
        }
    }
    let share = |story: &Story| Folded::of(story).share("intervention");
    assert_eq!(share(&story), Some(ShareFigure { n: 9, count: 0 }));
    let id = |number: u8| relevo_domain::EntityId::new(relevo_domain::EntityKind::Conversation, [number; 16]);
    pause(&mut story, id(1), PauseReason::Complaint, false);
    resume(&mut story, id(1));
    pause(&mut story, id(1), PauseReason::Complaint, false);
    assert_eq!(share(&story), Some(ShareFigure { n: 9, count: 1 }), "a conversation counts once");
    pause(&mut story, id(2), PauseReason::Echo, true);
    assert_eq!(share(&story), Some(ShareFigure { n: 9, count: 1 }), "an automatic pause is no intervention");
    pause(&mut story, id(10), PauseReason::ProactiveMessage, false);
    assert_eq!(share(&story), Some(ShareFigure { n: 9, count: 1 }), "nobody wrote there yet");
    story.customer(id(10), "hola");
    let figure = share(&story).unwrap();
    assert_eq!(
        (figure, figure.basis_points(), figure.band()),
        (ShareFigure { n: 10, count: 2 }, 2000, ShareBand::Over15)
    );
}

#[test]
fn an_intervention_counts_for_the_day_when_its_conversation_began() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    assign(&mut story, id, "-", "ventas");
    story.customer(id, "hola");
    story.wait(MINUTE * 60 * 24 * 3);
    assign(&mut story, id, "laura", "soporte");
    pause(&mut story, id, PauseReason::Complaint, false);
    let folded = Folded::of(&story);
    let found = folded.ask("intervention", days("2026-01-01", "2026-01-04", "UTC"), Bucket::Day, TOGETHER).unwrap();
    let figures: Vec<_> = found[0].points.iter().map(|point| point.figure.clone()).collect();
    let nobody = Figure::Share(None);
    let one = Figure::Share(Some(ShareFigure { n: 1, count: 1 }));
    assert_eq!(figures, [one, nobody.clone(), nobody.clone(), nobody]);
    assert_eq!(folded.lines("intervention"), ["wa-main ventas - | 1/1"], "for the team that had it then");
    let facts = folded.facts("intervention");
    assert_eq!(facts.iter().map(|fact| fact.value).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(facts[1].supersedes, Some(facts[0].id.clone()));
}
