//! How long customers wait for a person, and what is no response.

use std::time::Duration;

use relevo_domain::conversation::{
    Author, ConversationEvent, EpisodeCause, MessageFlags, NotePersonal, PauseReason, PauseTerms, ReopenCause,
};
use relevo_domain::{Actor, EntityId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::staff;

use crate::support::{Folded, open};

const MINUTE: Duration = Duration::from_mins(1);

/// How many first responses there are, and their mean in minutes.
fn measured(story: &Story) -> Option<(u64, u64)> {
    Folded::of(story).january().first_response.map(|figure| (figure.n, figure.mean_ms / 60_000))
}

fn resolve(story: &mut Story, id: EntityId, episode: u32) {
    let personal = NotePersonal::default();
    story.tell(id, staff("laura"), [ConversationEvent::Resolved { episode, reason: None, personal }]);
}

#[test]
fn it_is_from_the_first_message_of_the_episode_to_the_first_of_the_business_once() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    story.wait(MINUTE * 2);
    story.customer(id, "¿hay alguien?");
    assert_eq!(measured(&story), None, "nothing measured is undefined, not zero");
    story.wait(MINUTE * 3);
    story.phone(id, "buenas");
    assert_eq!(measured(&story), Some((1, 5)));
    story.wait(MINUTE);
    story.customer(id, "gracias");
    story.wait(MINUTE * 50);
    story.phone(id, "de nada");
    assert_eq!(measured(&story), Some((1, 5)), "only the first counts");
}

#[test]
fn a_new_episode_is_measured_anew_a_reopening_is_not() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    story.wait(MINUTE * 4);
    story.phone(id, "buenas");
    resolve(&mut story, id, 1);
    let reopened = ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage };
    story.wait(MINUTE).tell(id, Actor::Customer, [reopened]);
    story.customer(id, "otra cosa");
    story.wait(MINUTE * 30);
    story.phone(id, "diga");
    assert_eq!(measured(&story), Some((1, 4)));
    resolve(&mut story, id, 1);
    let started = ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::CustomerMessage };
    story.wait(MINUTE * 6000).tell(id, Actor::Customer, [started]);
    story.customer(id, "hola de nuevo");
    story.wait(MINUTE * 6);
    story.phone(id, "buenas");
    assert_eq!(measured(&story), Some((2, 5)), "4 and 6 minutes");
}

#[test]
fn what_the_business_wrote_before_the_customer_is_no_response() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.phone(id, "¡Promoción!");
    let asked = story.wait(MINUTE * 10).now();
    story.customer(id, "me interesa");
    assert_eq!(measured(&story), None);
    // Written before the customer wrote, but reported after.
    story.at(asked - MINUTE);
    story.phone(id, "¿seguís ahí?");
    assert_eq!(measured(&story), None);
    story.at(asked + MINUTE * 7);
    story.phone(id, "te cuento");
    assert_eq!(measured(&story), Some((1, 7)));
}

#[test]
fn an_automatic_reply_of_the_customer_starts_nothing() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let mut automatic = story.message(Author::Customer, "Estoy de vacaciones");
    automatic.flags = MessageFlags { automatic: true, ..MessageFlags::default() };
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(automatic))]);
    story.wait(MINUTE * 60);
    story.customer(id, "hola");
    story.wait(MINUTE * 2);
    story.phone(id, "buenas");
    assert_eq!(measured(&story), Some((1, 2)));
}

#[test]
fn a_note_and_a_pause_are_no_response() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    let personal = NotePersonal { text: Some("ya contesto".to_owned()) };
    let message = relevo_domain::MessageId::new([7; 16]);
    let pause = ConversationEvent::BotPaused {
        reason: PauseReason::HumanTakeover,
        automatic: false,
        terms: PauseTerms::default(),
        personal: personal.clone(),
    };
    story.wait(MINUTE).tell(id, staff("laura"), [pause, ConversationEvent::NoteAdded { message, personal }]);
    assert_eq!(measured(&story), None);
}

#[test]
fn it_counts_on_the_day_of_the_answer() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    story.wait(MINUTE * 60 * 24);
    story.phone(id, "perdón");
    let folded = Folded::of(&story);
    assert_eq!(folded.report("2026-01-01", "2026-01-01", "UTC").first_response, None);
    assert_eq!(folded.report("2026-01-02", "2026-01-02", "UTC").first_response.map(|figure| figure.n), Some(1));
}

#[test]
fn medians_of_many_days_are_of_the_merged_distribution() {
    let mut story = Story::new();
    // 1 to 100 minutes, spread over days.
    for minutes in 1..=100u8 {
        let id = open(&mut story, minutes);
        story.customer(id, "hola");
        story.wait(MINUTE * u32::from(minutes));
        story.phone(id, "buenas");
        story.wait(MINUTE * 300);
    }
    let figure = Folded::of(&story).january().first_response.unwrap();
    assert_eq!((figure.n, figure.mean_ms), (100, 50 * 60_000 + 30_000));
    for (found, exact) in [(figure.p50_ms, 50 * 60_000u64), (figure.p90_ms, 90 * 60_000)] {
        assert!(found.abs_diff(exact) * 32 <= exact, "{found} instead of {exact}");
    }
}

#[test]
fn an_unanswered_resolution_ends_the_wait_and_a_reopening_begins_it_anew() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    story.wait(MINUTE * 30);
    resolve(&mut story, id, 1);
    story.wait(MINUTE * 600);
    story.phone(id, "¿cómo le fue?");
    assert_eq!(measured(&story), None, "nobody waits for it");
    let reopened = ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage };
    story.wait(MINUTE).tell(id, Actor::Customer, [reopened]);
    story.customer(id, "¿hola?");
    story.wait(MINUTE * 6);
    story.phone(id, "diga");
    assert_eq!(measured(&story), Some((1, 6)), "not since before the resolution");
    let folded = Folded::of(&story);
    assert_eq!(folded.minutes("first_response_any"), Some((1, 6)), "a person is anybody too");
}

#[test]
fn it_is_from_the_oldest_message_and_a_message_that_comes_after_its_answer_starts_nothing() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let asked = story.now() + MINUTE * 30;
    story.at(asked);
    story.customer(id, "¿hay alguien?");
    // Written first, told second.
    story.at(asked - MINUTE * 3);
    story.customer(id, "hola");
    story.at(asked + MINUTE * 2);
    story.phone(id, "buenas");
    assert_eq!(measured(&story), Some((1, 5)));

    let mut story = Story::new();
    let id = open(&mut story, 1);
    let said = story.now() + MINUTE * 30;
    story.at(said);
    story.phone(id, "buenas");
    story.at(said - MINUTE);
    story.customer(id, "hola");
    story.at(said + MINUTE * 60);
    story.phone(id, "¿sigue ahí?");
    assert_eq!(measured(&story), None, "not an hour: it was answered before");
}
