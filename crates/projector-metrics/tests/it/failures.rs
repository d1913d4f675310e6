//! What failed: for good, or until the next attempt; and what a provider says of it afterwards.

use std::time::Duration;

use relevo_domain::conversation::{
    AcceptedPersonal, Body, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, FailureClass,
    Outgoing, SendFailure,
};
use relevo_domain::{Actor, EntityId, MessageId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{outgoing, staff};

use crate::support::{Folded, open};

const SECOND: Duration = Duration::from_secs(1);
const RETRIED: &str = "wa-main - laura | transient 131000 retried | 1";
const REPORTED: &str = "wa-main - laura | reported 131026 final | 1";
const ALIAS: MessageId = MessageId::new([9; 16]);

fn failures(story: &Story) -> Vec<String> {
    Folded::of(story).lines("send_failures")
}

fn tries(story: &mut Story, id: EntityId, message: MessageId, attempt: u32) {
    let (claim, until) = ("claim".to_owned(), story.now());
    story.tell(id, Actor::System, [ConversationEvent::SendStarted { message, attempt, claim, until }]);
}

/// The attempt failed, and there will be another one.
fn fails(story: &mut Story, id: EntityId, message: MessageId, attempt: u32) {
    let failure = SendFailure { class: FailureClass::Transient, code: Some("131000".to_owned()), detail: None };
    let retry_at = Some(story.now() + SECOND);
    story.tell(id, Actor::System, [ConversationEvent::SendFailed { message, attempt, failure, retry_at }]);
}

fn takes(story: &mut Story, id: EntityId, message: MessageId, attempt: u32, name: &str) {
    let personal = AcceptedPersonal { provider_id: name.to_owned() };
    let accepted = ConversationEvent::MessageAccepted { message, attempt, alias: ALIAS, personal };
    story.tell(id, Actor::System, [accepted]);
}

fn reports_failed(story: &mut Story, id: EntityId, message: MessageId, name: &str) {
    let personal = DeliveryReportPersonal { provider_id: name.to_owned(), ..DeliveryReportPersonal::default() };
    let (status, error_code) = (DeliveryStatus::Failed, Some("131026".to_owned()));
    let report = DeliveryReport { message, status, reported_at: story.now(), error_code, personal };
    story.tell(id, Actor::Provider, [ConversationEvent::DeliveryReported(report)]);
}

/// A message whose first attempt failed, as it seemed.
fn failed_once() -> (Story, EntityId, MessageId) {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let message = story.queue(id, "laura", "hola");
    tries(&mut story, id, message, 1);
    fails(&mut story, id, message, 1);
    (story, id, message)
}

#[test]
fn what_is_reported_failed_after_it_was_taken_has_failed_once() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let message = story.queue(id, "laura", "hola");
    let alias = story.accept(id, message);
    assert_eq!(failures(&story), [] as [&str; 0]);
    // Whatever the answer called it: there was one attempt.
    reports_failed(&mut story, id, alias, "wamid.1");
    reports_failed(&mut story, id, message, "wamid.2");
    assert_eq!(failures(&story), [REPORTED]);
}

#[test]
fn a_failure_that_is_reported_between_two_attempts_is_the_end() {
    let (mut story, id, message) = failed_once();
    assert_eq!(failures(&story), [RETRIED]);
    reports_failed(&mut story, id, message, "wamid.1");
    assert_eq!(failures(&story), [REPORTED, RETRIED]);
}

#[test]
fn a_failure_of_an_earlier_attempt_is_not_the_end_of_a_later_one() {
    for (name, expected) in
        [("wamid.1", vec![RETRIED]), ("wamid.2", vec![REPORTED, RETRIED]), ("", vec![REPORTED, RETRIED])]
    {
        for report_first in [true, false] {
            let (mut story, id, message) = failed_once();
            tries(&mut story, id, message, 2);
            if report_first {
                reports_failed(&mut story, id, message, name);
                assert_eq!(failures(&story), [RETRIED], "{name}: it is being tried");
            }
            takes(&mut story, id, message, 2, "wamid.2");
            if !report_first {
                reports_failed(&mut story, id, message, name);
            }
            assert_eq!(failures(&story), expected, "{name} {report_first}");
        }
    }
}

#[test]
fn what_the_provider_said_first_counts_when_it_turns_out_to_be_about_this_one() {
    // By its own name, before Relevo knew it.
    let (mut story, id, message) = failed_once();
    tries(&mut story, id, message, 2);
    reports_failed(&mut story, id, ALIAS, "wamid.2");
    assert_eq!(failures(&story), [RETRIED]);
    takes(&mut story, id, message, 2, "wamid.2");
    assert_eq!(failures(&story), [REPORTED, RETRIED]);
    // By ours, and then nobody ever heard an answer.
    let (mut story, id, message) = failed_once();
    tries(&mut story, id, message, 2);
    reports_failed(&mut story, id, message, "wamid.2");
    story.tell(id, Actor::System, [ConversationEvent::SendOutcomeUnknown { message, attempt: 2 }]);
    assert_eq!(failures(&story), [REPORTED, RETRIED]);
}

#[test]
fn another_attempt_that_fails_says_so_itself() {
    let (mut story, id, message) = failed_once();
    tries(&mut story, id, message, 2);
    reports_failed(&mut story, id, message, "wamid.1");
    fails(&mut story, id, message, 2);
    assert_eq!(failures(&story), ["wa-main - laura | transient 131000 retried | 2"]);
}

#[test]
fn every_attempt_at_a_mail_has_the_same_name() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let message = MessageId::new([7; 16]);
    let mail = Body::Mail(Box::default());
    let queued = Outgoing { body: mail, ..outgoing(message, "") };
    story.tell(id, staff("laura"), [ConversationEvent::MessageQueued(Box::new(queued))]);
    tries(&mut story, id, message, 1);
    fails(&mut story, id, message, 1);
    tries(&mut story, id, message, 2);
    takes(&mut story, id, message, 2, "<a@example.com>");
    reports_failed(&mut story, id, message, "<bounce@example.net>");
    assert_eq!(failures(&story), [REPORTED, RETRIED]);
}
