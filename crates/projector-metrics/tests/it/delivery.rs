//! Delivery latencies, by the provider's times.

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus};
use relevo_domain::{Actor, EntityId, MessageId, Timestamp};
use relevo_projection::testing::Story;

use crate::support::{Folded, open};

const SECOND: Duration = Duration::from_secs(1);

fn told(story: &mut Story, id: EntityId, status: DeliveryStatus, at: Timestamp) {
    let personal = DeliveryReportPersonal::default();
    let message = MessageId::new([9; 16]);
    let report = DeliveryReport { message, status, reported_at: at, error_code: None, personal };
    story.tell(id, Actor::Provider, [ConversationEvent::DeliveryReported(report)]);
}

fn seconds(story: &Story) -> [Option<(u64, u64)>; 2] {
    let folded = Folded::of(story);
    ["delivery_to_delivered", "delivery_to_read"]
        .map(|metric| folded.duration(metric).map(|figure| (figure.n, figure.mean_ms / 1000)))
}

#[test]
fn the_way_of_a_message_is_measured_once() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let sent = story.now();
    story.wait(SECOND * 100);
    told(&mut story, id, DeliveryStatus::Sent, sent);
    assert_eq!(seconds(&story), [None, None]);
    told(&mut story, id, DeliveryStatus::Delivered, sent + SECOND * 3);
    told(&mut story, id, DeliveryStatus::Read, sent + SECOND * 63);
    assert_eq!(seconds(&story), [Some((1, 3)), Some((1, 60))]);
    told(&mut story, id, DeliveryStatus::Read, sent + SECOND * 90);
    told(&mut story, id, DeliveryStatus::Delivered, sent + SECOND * 3);
    assert_eq!(seconds(&story), [Some((1, 3)), Some((1, 60))], "repeated reports change nothing");
    assert_eq!(Folded::of(&story).facts("delivery_to_read").len(), 1);
}

#[test]
fn reports_may_come_in_any_order() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let sent = story.now();
    story.wait(SECOND * 100);
    told(&mut story, id, DeliveryStatus::Read, sent + SECOND * 63);
    told(&mut story, id, DeliveryStatus::Delivered, sent + SECOND * 3);
    assert_eq!(seconds(&story), [None, Some((1, 60))]);
    told(&mut story, id, DeliveryStatus::Sent, sent + SECOND);
    assert_eq!(seconds(&story), [Some((1, 2)), Some((1, 60))]);
    // The provider had accepted it before: what was measured is corrected.
    told(&mut story, id, DeliveryStatus::Accepted, sent);
    assert_eq!(seconds(&story), [Some((1, 3)), Some((1, 60))]);
    let facts = Folded::of(&story).facts("delivery_to_delivered");
    assert_eq!((facts.len(), facts[1].supersedes.as_ref()), (2, Some(&facts[0].id)));
}

#[test]
fn times_that_contradict_each_other_give_nought() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let sent = story.now();
    told(&mut story, id, DeliveryStatus::Sent, sent);
    told(&mut story, id, DeliveryStatus::Delivered, sent - SECOND);
    assert_eq!(seconds(&story), [Some((1, 0)), None]);
}

#[test]
fn a_provider_that_names_another_century_is_clamped() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let now = story.now();
    told(&mut story, id, DeliveryStatus::Sent, Timestamp::from_millis(i64::MIN));
    told(&mut story, id, DeliveryStatus::Delivered, Timestamp::from_millis(i64::MAX));
    let days = Duration::from_hours(8 * 24).as_secs() + Duration::from_mins(5).as_secs();
    assert_eq!(seconds(&story), [Some((1, days)), None]);
    let facts = Folded::of(&story).facts("delivery_to_delivered");
    assert_eq!(facts[0].at, now + Duration::from_mins(5));
}

#[test]
fn a_message_that_failed_has_no_latency() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let sent = story.now();
    told(&mut story, id, DeliveryStatus::Sent, sent);
    told(&mut story, id, DeliveryStatus::Failed, sent + SECOND);
    assert_eq!(seconds(&story), [None, None]);
}
