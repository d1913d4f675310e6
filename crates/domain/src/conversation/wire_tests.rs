//! What is on its way to the provider at a moment: what an answer to a pause lists, and nothing else.

use std::time::Duration;

use super::decide_tests::{Given, NOON, opened_and, text};
use super::send_tests::{failure, id, queued, reported, started};
use super::*;
use crate::actor::Actor;
use crate::id::MessageId;
use crate::time::Timestamp;

const SECOND: Duration = Duration::from_secs(1);

fn received() -> ConversationEvent {
    ConversationEvent::MessageReceived(text(MessageKind::Text))
}

fn failed(n: u8, attempt: u32) -> ConversationEvent {
    ConversationEvent::SendFailed { message: id(n), attempt, failure: failure(), retry_at: Some(NOON) }
}

fn listed(given: &Given, now: Timestamp) -> Vec<MessageId> {
    let opened = given.0.opened.as_ref();
    opened.map(|opened| opened.on_the_wire(Author::Bot, now).map(|pending| pending.id).collect()).unwrap_or_default()
}

/// What the report makes of the conversation.
fn after(given: &Given, command: &Command) -> Given {
    let decided = given.when_by(None, Actor::Provider, command);
    let Ok(Decision::Append(events)) = decided else { panic!("{decided:?}") };
    let evolve = |state: State, event: &ConversationEvent| state.evolve(event, NOON, &Actor::Provider);
    Given::from(events.iter().fold(given.0.clone(), evolve))
}

#[test]
fn a_claim_is_on_the_wire_until_its_call_is_over_for_certain() {
    let given = opened_and([received(), queued(1, Author::Bot), queued(2, Author::Bot), started(1, 1)]);
    let over = NOON + SECOND + CALL_OVER_AFTER;
    assert_eq!(listed(&given, NOON), [id(1)]);
    assert_eq!(listed(&given, over - Duration::from_millis(1)), [id(1)]);
    assert_eq!(listed(&given, over), []);
}

#[test]
fn what_staff_write_waits_or_is_unknown_is_not_the_bots_on_the_wire() {
    let unknown = ConversationEvent::SendOutcomeUnknown { message: id(1), attempt: 1 };
    let given = opened_and([received(), queued(1, Author::Bot), started(1, 1), unknown, queued(2, Author::Bot)]);
    assert_eq!(listed(&given, NOON), []);
    let given = opened_and([received(), queued(1, Author::Staff), started(1, 1)]);
    assert_eq!(listed(&given, NOON), []);
}

#[test]
fn a_report_of_the_attempt_before_does_not_hide_the_one_that_is_being_made() {
    let twice = [received(), queued(1, Author::Bot), started(1, 1), failed(1, 1), started(1, 2)];
    let reported = after(&opened_and(twice), &reported(1, DeliveryStatus::Delivered));
    assert_eq!(listed(&reported, NOON), [id(1)], "a sender is about to call");
}

#[test]
fn a_report_of_the_only_attempt_says_that_the_provider_took_it() {
    let once = [received(), queued(1, Author::Bot), started(1, 1)];
    let reported = after(&opened_and(once), &reported(1, DeliveryStatus::Sent));
    assert_eq!(reported.0.opened.map(|opened| opened.outbox), Some(Vec::new()));
}
