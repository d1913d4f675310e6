//! Waiting cycles after the first response.

use std::time::Duration;

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::conversation::message::{Author, MessageFlags};
use relevo_domain::{Actor, EntityId};
use relevo_projection::testing::Story;

use crate::support::{Folded, new_episode, open, reopen, resolve};

const MINUTE: Duration = Duration::from_mins(1);

/// A customer whose first message was answered after three minutes.
fn answered() -> (Story, EntityId) {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    story.wait(MINUTE * 3);
    story.phone(id, "buenas");
    story.wait(MINUTE);
    (story, id)
}

fn measured(story: &Story) -> Option<(u64, u64)> {
    Folded::of(story).minutes("next_response")
}

#[test]
fn each_cycle_is_measured_from_its_first_message_and_the_first_response_is_not_one() {
    let (mut story, id) = answered();
    assert_eq!(measured(&story), None);
    story.customer(id, "¿precio?");
    story.wait(MINUTE * 4);
    story.customer(id, "¿hola?");
    story.wait(MINUTE * 6);
    story.phone(id, "200");
    assert_eq!(measured(&story), Some((1, 10)));
    story.wait(MINUTE);
    story.phone(id, "con envío");
    assert_eq!(measured(&story), Some((1, 10)), "what nobody waits for is no response");
    story.wait(MINUTE);
    story.customer(id, "ok");
    story.wait(MINUTE * 2);
    story.phone(id, "gracias");
    assert_eq!(measured(&story), Some((2, 6)));
}

#[test]
fn a_resolution_ends_the_wait_and_a_reopening_begins_another() {
    let (mut story, id) = answered();
    story.customer(id, "¿sigue ahí?");
    story.wait(MINUTE * 5);
    resolve(&mut story, id, "");
    story.wait(MINUTE * 600);
    reopen(&mut story, id);
    story.customer(id, "no me respondieron");
    story.wait(MINUTE * 7);
    story.phone(id, "perdón");
    assert_eq!(measured(&story), Some((1, 7)), "not since before the resolution");
}

#[test]
fn a_new_episode_begins_with_a_first_response() {
    let (mut story, id) = answered();
    resolve(&mut story, id, "");
    story.wait(MINUTE * 6000);
    new_episode(&mut story, id, 2);
    story.customer(id, "hola de nuevo");
    story.wait(MINUTE * 8);
    story.phone(id, "buenas");
    let folded = Folded::of(&story);
    assert_eq!((folded.minutes("next_response"), folded.minutes("first_response_human")), (None, Some((2, 5))));
}

#[test]
fn what_was_written_before_the_last_response_was_answered_by_it() {
    let (mut story, id) = answered();
    let now = story.now();
    // Told late: it was written two minutes before the response that was already told.
    story.at(now - MINUTE * 3);
    story.customer(id, "¿hola?");
    story.at(now + MINUTE * 30);
    story.phone(id, "algo más");
    assert_eq!(measured(&story), None);
}

#[test]
fn a_response_that_is_older_than_the_message_does_not_answer_it() {
    let (mut story, id) = answered();
    let asked = story.now() + MINUTE * 10;
    story.at(asked);
    story.customer(id, "¿y?");
    story.at(asked - MINUTE * 2);
    story.phone(id, "les aviso");
    assert_eq!(measured(&story), None);
    story.at(asked + MINUTE * 9);
    story.phone(id, "listo");
    assert_eq!(measured(&story), Some((1, 9)));
}

#[test]
fn automatic_mail_waits_for_nobody() {
    let (mut story, id) = answered();
    let mut automatic = story.message(Author::Customer, "Fuera de la oficina");
    automatic.flags = MessageFlags { automatic: true, ..MessageFlags::default() };
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(automatic))]);
    story.wait(MINUTE * 40);
    story.phone(id, "ok");
    assert_eq!(measured(&story), None);
}

#[test]
fn an_answer_that_comes_late_leaves_what_was_written_after_it_waiting() {
    let (mut story, id) = answered();
    let asked = story.now();
    story.customer(id, "¿precio?");
    story.at(asked + MINUTE * 8);
    story.customer(id, "¿y con envío?");
    // Written between the two, but told after both.
    story.at(asked + MINUTE * 2);
    story.phone(id, "200");
    assert_eq!(measured(&story), Some((1, 2)));
    story.at(asked + MINUTE * 20);
    story.phone(id, "220");
    assert_eq!(measured(&story), Some((2, 7)), "2 and 12 minutes");
}

#[test]
fn a_first_answer_that_comes_late_leaves_the_next_cycle_waiting() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let asked = story.now();
    story.customer(id, "hola");
    story.at(asked + MINUTE * 10);
    story.customer(id, "¿precio?");
    story.at(asked + MINUTE * 4);
    story.phone(id, "buenas");
    story.at(asked + MINUTE * 16);
    story.phone(id, "200");
    let folded = Folded::of(&story);
    assert_eq!((folded.minutes("first_response_human"), folded.minutes("next_response")), (Some((1, 4)), Some((1, 6))));
}
