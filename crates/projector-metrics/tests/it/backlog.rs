//! The backlog at moments.

use std::time::Duration;

use relevo_domain::conversation::event::OpenCause;
use relevo_domain::conversation::{ConversationEvent, NotePersonal};
use relevo_domain::{EntityId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::staff;
use relevo_projector_metrics::{Bucket, Figure, Span, Split};

use crate::support::{Folded, TOGETHER, assign, days, new_episode, open, reopen, resolve, time, zone_of};

const HOUR: Duration = Duration::from_hours(1);

fn levels(folded: &Folded, span: Span, bucket: Bucket, split: Split) -> Vec<(String, Vec<i64>)> {
    let found = folded.ask("backlog", span, bucket, split).unwrap();
    let level = |figure: &Figure| match figure {
        Figure::Gauge(level) => *level,
        other => panic!("{other:?}"),
    };
    let of = |series: &relevo_projector_metrics::Series| {
        let names = [&series.team, &series.agent].into_iter().flatten().cloned();
        let name: Vec<_> = names.chain(series.labels.iter().map(|(_, value)| value.clone())).collect();
        (name.join(" "), series.points.iter().map(|point| level(&point.figure)).collect())
    };
    found.iter().map(of).collect()
}

fn at(folded: &Folded, moment: Timestamp) -> i64 {
    let span = Span { from: moment - HOUR, to: moment, zone: zone_of("UTC") };
    levels(folded, span, Bucket::Whole, TOGETHER)[0].1[0]
}

#[test]
fn any_moment_has_its_own_backlog() {
    let mut story = Story::new();
    let start = story.now();
    let ids: Vec<EntityId> = (1..=3).map(|number| open(&mut story, number)).collect();
    story.wait(HOUR);
    resolve(&mut story, ids[0], "");
    story.wait(HOUR * 24 * 400);
    reopen(&mut story, ids[0]);
    resolve(&mut story, ids[1], "");
    resolve(&mut story, ids[2], "");
    story.wait(HOUR * 24 * 4000);
    new_episode(&mut story, ids[1], 2);
    let folded = Folded::of(&story);
    let year = HOUR * 24 * 365;
    let moments = [
        (start - HOUR * 24 * 3650, 0),
        (start, 0),
        (start + HOUR, 3),
        (start + HOUR * 2, 2),
        (start + year, 2),
        (start + HOUR * 24 * 401, 1),
        (start + HOUR * 24 * 4399, 1),
        (start + HOUR * 24 * 4402, 2),
        (start + year * 50, 2),
    ];
    for (moment, expected) in moments {
        assert_eq!(at(&folded, moment), expected, "{moment:?}");
    }
}

#[test]
fn days_end_with_what_was_left_in_the_zone() {
    let mut story = Story::new();
    story.at(time("2026-03-01T20:00:00-03:00"));
    let first = open(&mut story, 1);
    story.at(time("2026-03-01T23:59:00-03:00"));
    open(&mut story, 2);
    story.at(time("2026-03-02T00:00:00-03:00"));
    resolve(&mut story, first, "");
    let folded = Folded::of(&story);
    let span = days("2026-02-28", "2026-03-03", "America/Argentina/Buenos_Aires");
    assert_eq!(levels(&folded, span, Bucket::Day, TOGETHER), [(String::new(), vec![0, 2, 1, 1])]);
}

#[test]
fn status_team_and_agent_are_those_of_the_moment() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(HOUR);
    assign(&mut story, id, "-", "ventas");
    story.wait(HOUR);
    assign(&mut story, id, "laura", "ventas");
    story.wait(HOUR);
    let personal = NotePersonal::default();
    story.tell(id, staff("laura"), [ConversationEvent::MarkedPending { personal: personal.clone() }]);
    story.wait(HOUR);
    story.tell(id, staff("laura"), [ConversationEvent::Snoozed { until: None, preset: None, personal }]);
    story.wait(HOUR);
    story.tell(id, staff("laura"), [ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage }]);
    story.wait(HOUR);
    resolve(&mut story, id, "");
    let folded = Folded::of(&story);
    let span = Span { from: time("2026-01-01T12:00:00Z"), to: time("2026-01-01T19:00:00Z"), zone: zone_of("UTC") };
    let split = Split { team: true, agent: true, labels: true, ..TOGETHER };
    let expected = [
        ("  open", [1, 0, 0, 0, 0, 0, 0]),
        ("ventas  open", [0, 1, 0, 0, 0, 0, 0]),
        ("ventas laura open", [0, 0, 1, 0, 0, 1, 0]),
        ("ventas laura pending", [0, 0, 0, 1, 0, 0, 0]),
        ("ventas laura snoozed", [0, 0, 0, 0, 1, 0, 0]),
    ];
    let expected: Vec<_> = expected.map(|(name, levels)| (name.to_owned(), levels.to_vec())).into();
    assert_eq!(levels(&folded, span.clone(), Bucket::Hour, split), expected);
    assert_eq!(levels(&folded, span, Bucket::Hour, TOGETHER)[0].1, [1, 1, 1, 1, 1, 1, 0]);
}

#[test]
fn a_clock_that_goes_back_makes_no_moment_with_less_than_none() {
    let mut story = Story::new();
    let now = story.now();
    let id = open(&mut story, 1);
    // Our clock is behind the provider's.
    story.at(now - HOUR * 2);
    resolve(&mut story, id, "");
    let folded = Folded::of(&story);
    for hours in 0..6 {
        assert_eq!(at(&folded, now - HOUR * 3 + HOUR * hours), 0);
    }
    assert!(folded.facts("backlog").iter().all(|fact| fact.at >= now));
}

#[test]
fn repeating_a_resolution_counts_nothing_twice() {
    let mut story = Story::new();
    let now = story.now();
    let id = open(&mut story, 1);
    resolve(&mut story, id, "");
    resolve(&mut story, id, "");
    reopen(&mut story, id);
    assert_eq!(at(&Folded::of(&story), now + HOUR), 1);
}
