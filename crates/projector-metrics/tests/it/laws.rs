//! The laws that every projector obeys, on a made-up history with every event.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use relevo_domain::Event;
use relevo_domain::conversation::{Body, ConversationEvent};
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{fold, history, laws};
use relevo_projector_metrics::{MetricsProjector, Query, metrics};

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| MetricsProjector, &history(2, 1_200));
}

#[test]
fn figures_are_what_a_count_of_the_log_says() {
    let commits = history(5, 2_000);
    let (_folder, view) = fold(MetricsProjector, &commits);
    let snapshot = view.snapshot().unwrap();
    for tenant in ["demo", "demo-b", "peluqueria-sol"] {
        let caller = supervisor(tenant);
        let (from, to) = ("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap());
        let query = Query { from, to, zone: TimeZone::UTC, channel: None, visible: &caller };
        let report = metrics(&snapshot, &caller.tenant, &query).unwrap();
        let own = commits.iter().filter(|recorded| recorded.commit.tenant == caller.tenant);
        let mut named: BTreeMap<&str, u64> = BTreeMap::new();
        own.flat_map(|recorded| &recorded.commit.events).for_each(|event| *named.entry(event.name()).or_default() += 1);
        let own = commits.iter().filter(|recorded| recorded.commit.tenant == caller.tenant);
        named.insert("written", written(own.flat_map(|recorded| &recorded.commit.events)));
        let totals = report.totals;
        for (name, found) in [
            ("MessageReceived", totals.messages_in),
            ("written", totals.messages_out),
            ("ConversationOpened", totals.conversations_opened),
            ("EpisodeStarted", totals.episodes_started),
            ("Resolved", totals.resolved),
            ("Reopened", totals.reopened),
            ("DeliveryReported", report.statuses.iter().map(|status| status.count).sum()),
            ("BotPaused", report.pauses.iter().map(|pause| pause.manual + pause.automatic).sum()),
        ] {
            assert_eq!(found, named.get(name).copied().unwrap_or(0), "{tenant}: {name}");
        }
        assert_eq!(report.hours.iter().map(|hour| hour.messages_in).sum::<u64>(), totals.messages_in);
    }
}

/// Echoes, and what was sent with Relevo and taken, without reactions.
fn written<'e>(events: impl Iterator<Item = &'e Event>) -> u64 {
    let (mut messages, mut taken, mut echoes) = (BTreeSet::new(), BTreeSet::new(), 0);
    for event in events {
        match event {
            Event::Conversation(ConversationEvent::MessageEchoed(_)) => echoes += 1,
            Event::Conversation(ConversationEvent::MessageQueued(queued))
                if !matches!(queued.body, Body::Reaction { .. }) =>
            {
                messages.insert(queued.id);
            }
            Event::Conversation(ConversationEvent::MessageAccepted { message, .. }) => {
                taken.insert(*message);
            }
            _ => {}
        }
    }
    echoes + messages.intersection(&taken).count() as u64
}
