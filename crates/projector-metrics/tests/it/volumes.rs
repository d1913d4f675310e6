//! What is counted, and under which channel.

use std::time::Duration;

use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::conversation::{
    Author, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, EpisodeCause, Medium,
    MessageKind, NotePersonal, PauseReason, PauseTerms, ReopenCause, ResumeCause,
};
use relevo_domain::{Actor, ChannelId, EntityId, EntityKind, Event, MessageId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{content, staff, supervisor};
use relevo_projector_metrics::{PauseCount, Query, Volumes, metrics};

use crate::support::{Folded, date, demo, import, open, reopen, resolve, zone_of};

fn report(status: DeliveryStatus, at: relevo_domain::Timestamp) -> DeliveryReport {
    let personal = DeliveryReportPersonal::default();
    DeliveryReport { message: MessageId::new([9; 16]), status, reported_at: at, error_code: None, personal }
}

#[test]
fn a_day_of_a_hairdresser_is_counted() {
    let mut story = Story::new();
    let now = story.now();
    let id = open(&mut story, 1);
    let message = story.customer(id, "Hola, ¿tienen turno?");
    story.phone(id, "Sí");
    let personal = NotePersonal::default();
    let pause = |reason, automatic| ConversationEvent::BotPaused {
        reason,
        automatic,
        terms: PauseTerms::default(),
        personal: personal.clone(),
    };
    story.tell(id, Actor::PhoneApp, [pause(PauseReason::Echo, true)]);
    story.tell(
        id,
        staff("laura"),
        [ConversationEvent::BotResumed {
            cause: ResumeCause::Staff,
            catch_up: relevo_domain::conversation::CatchUp::Know,
            personal: personal.clone(),
        }],
    );
    story.tell(id, staff("laura"), [pause(PauseReason::Echo, false)]);
    for status in [DeliveryStatus::Sent, DeliveryStatus::Read, DeliveryStatus::Sent] {
        story.tell(id, Actor::Provider, [ConversationEvent::DeliveryReported(report(status, now))]);
    }
    let resolved = || ConversationEvent::Resolved { episode: 1, reason: None, personal: personal.clone() };
    story.tell(id, staff("laura"), [resolved()]);
    story.tell(id, Actor::Customer, [ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage }]);
    story.tell(id, staff("laura"), [resolved()]);
    let episode = ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::CustomerMessage };
    story.tell(id, Actor::Customer, [episode]);
    // None of these is a message.
    let edit = ConversationEvent::MessageEdited { message, content: Box::new(content(MessageKind::Text, "Hola")) };
    let note = ConversationEvent::NoteAdded { message: MessageId::new([7; 16]), personal };
    story.tell(id, Actor::Customer, [edit, ConversationEvent::MessageRevoked { message }, note]);

    let report = Folded::of(&story).january();
    let wanted = Volumes {
        messages_in: 1,
        messages_out: 1,
        conversations_opened: 1,
        episodes_started: 2,
        resolved: 2,
        reopened: 1,
    };
    assert_eq!(report.totals, wanted);
    assert_eq!(report.days[0].volumes, wanted);
    assert!(report.days[1..].iter().all(|day| day.volumes == Volumes::default()));
    assert_eq!(report.days.len(), 31, "quiet days included");
    assert_eq!(report.pauses, [PauseCount { reason: PauseReason::Echo, manual: 1, automatic: 1 }]);
    let statuses: Vec<_> = report.statuses.iter().map(|status| (status.status.as_str(), status.count)).collect();
    assert_eq!(statuses, [("read", 1), ("sent", 2)]);
    assert_eq!((report.hours.len(), report.hours[12].messages_in, report.hours[13].messages_in), (24, 1, 0));
}

#[test]
fn a_report_that_no_conversation_has_counts_but_belongs_to_no_channel() {
    let mut story = Story::new();
    let now = story.now();
    let id = open(&mut story, 1);
    story.customer(id, "hola");
    let account = EntityId::new(EntityKind::Channel, [1; 16]);
    let loose = ChannelEvent::DeliveryReported(report(DeliveryStatus::Failed, now));
    let update =
        ChannelEvent::ProviderUpdated { field: "calls".to_owned(), personal: ProviderUpdatePersonal::default() };
    story.commit(account, Actor::Provider, vec![Event::Channel(loose), Event::Channel(update)]);
    let folded = Folded::of(&story);
    assert_eq!(folded.january().statuses.len(), 1);
    let caller = supervisor("demo");
    let query = Query {
        from: date("2026-01-01"),
        to: date("2026-01-01"),
        zone: zone_of("UTC"),
        channel: Some(ChannelId::new("wa-main").unwrap()),
        visible: &caller,
    };
    let report = metrics(&folded.snapshot, &demo(), &query).unwrap();
    assert_eq!((report.statuses.len(), report.totals.messages_in), (0, 1));
}

#[test]
fn a_channel_has_its_own_figures() {
    let mut story = Story::new();
    for (number, channel) in [(1, "wa-main"), (2, "wa-main"), (3, "wa")] {
        let id = story.open(number, channel, Medium::WhatsApp, "Ana");
        story.customer(id, "hola");
    }
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    for (channel, messages) in [("wa-main", 2), ("wa", 1), ("sms", 0)] {
        let query = Query {
            from: date("2026-01-01"),
            to: date("2026-01-01"),
            zone: zone_of("UTC"),
            channel: Some(ChannelId::new(channel).unwrap()),
            visible: &caller,
        };
        assert_eq!(metrics(&folded.snapshot, &demo(), &query).unwrap().totals.messages_in, messages, "{channel}");
    }
}

#[test]
fn words_that_a_provider_invents_are_bounded_and_still_counted() {
    let mut story = Story::new();
    let now = story.now();
    let id = open(&mut story, 1);
    for number in 0..100 {
        let status = DeliveryStatus::Other(format!("word-{number}"));
        story.tell(id, Actor::Provider, [ConversationEvent::DeliveryReported(report(status, now))]);
    }
    let statuses = Folded::of(&story).january().statuses;
    assert_eq!(statuses.iter().map(|status| status.count).sum::<u64>(), 100);
    assert_eq!(statuses.len(), 33);
    assert_eq!(statuses.iter().find(|status| status.status == "other").map(|status| status.count), Some(68));
}

#[test]
fn history_counts_nowhere_until_somebody_reopens_it() {
    let mut story = Story::new();
    let id = import(&mut story, 1);
    let mut more = story.message(Author::Customer, "Hola");
    more.flags.imported = true;
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(more))]);
    let folded = Folded::of(&story);
    assert_eq!(folded.january().totals, Volumes::default());
    assert_eq!(folded.january().pauses, []);
    for metric in ["resolution_first", "pause_resolution", "first_response_human"] {
        assert_eq!(folded.duration(metric), None, "{metric}");
    }
    assert_eq!((folded.lines("backlog"), folded.facts("backlog").len()), (vec![], 0));

    story.wait(Duration::from_hours(1));
    reopen(&mut story, id);
    story.customer(id, "¿Hay turno?");
    story.wait(Duration::from_mins(3));
    story.phone(id, "Sí");
    story.wait(Duration::from_mins(2));
    resolve(&mut story, id, "sold");
    let folded = Folded::of(&story);
    let wanted = Volumes {
        messages_in: 1,
        messages_out: 1,
        conversations_opened: 1,
        episodes_started: 1,
        resolved: 1,
        reopened: 0,
    };
    assert_eq!(folded.january().totals, wanted);
    assert_eq!(folded.minutes("first_response_human"), Some((1, 3)));
    assert_eq!(folded.minutes("resolution_first"), Some((1, 5)));
    assert_eq!(folded.lines("episodes_started"), ["mail - - | customer_message | 1"]);
}
