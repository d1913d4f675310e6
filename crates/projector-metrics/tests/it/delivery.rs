//! Delivery latencies, by the provider's times.

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus};
use relevo_domain::{Actor, EntityId, MessageId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projector_metrics::Bucket;

use crate::support::{ALL_APART, Folded, days, line, open};

const SECOND: Duration = Duration::from_secs(1);

fn told(story: &mut Story, id: EntityId, status: DeliveryStatus, at: Timestamp) {
    told_of(story, id, MessageId::new([9; 16]), status, at);
}

fn told_of(story: &mut Story, id: EntityId, message: MessageId, status: DeliveryStatus, at: Timestamp) {
    let personal = DeliveryReportPersonal::default();
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
fn a_delivery_counts_in_the_year_in_which_the_provider_dates_it() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let sent = story.now();
    told(&mut story, id, DeliveryStatus::Sent, sent);
    told(&mut story, id, DeliveryStatus::Delivered, sent - Duration::from_hours(13));
    let folded = Folded::of(&story);
    let lines = |from, to| {
        let found = folded.ask("delivery_to_delivered", days(from, to, "UTC"), Bucket::Whole, ALL_APART).unwrap();
        found.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(lines("2026-01-01", "2026-12-31"), [] as [&str; 0], "before everything that is on the log");
    assert_eq!(lines("2025-12-31", "2025-12-31"), ["wa-main - - | 1×0s"]);
}

/// A provider tells by our name what it cannot know, and by its own what is so.
#[test]
fn what_is_told_of_a_message_that_nobody_has_tried_to_send_is_about_no_message() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let sent = story.now();
    let own = story.queue(id, "laura", "hola");
    // Ids of stories count: this is the one that the acceptance will bring.
    let mut alias = story.clone();
    let alias = alias.accept(id, own);
    for message in [own, alias] {
        told_of(&mut story, id, message, DeliveryStatus::Sent, sent);
        told_of(&mut story, id, message, DeliveryStatus::Delivered, sent + SECOND);
        told_of(&mut story, id, message, DeliveryStatus::Read, sent + SECOND * 3);
    }
    story.accept(id, own);
    assert_eq!(seconds(&story), [Some((1, 1)), Some((1, 2))]);
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
