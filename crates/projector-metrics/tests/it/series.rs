//! Series: spans, stretches, splits, and what is refused.

use std::time::Duration;

use relevo_domain::conversation::Medium;
use relevo_domain::{ChannelId, TeamId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, supervisor};
use relevo_projector_metrics::{
    Bucket, DEFINITIONS, Figure, HOURS_DAYS_MAX, Only, ReadError, Selection, Span, Split, definition, series,
};

use crate::support::{ALL_APART, Folded, TOGETHER, assign, days, demo, january, open, time, zone_of};

const MINUTE: Duration = Duration::from_mins(1);

fn counts(folded: &Folded, span: Span, bucket: Bucket) -> Vec<u64> {
    let found = folded.ask("messages_in", span, bucket, TOGETHER).unwrap();
    let count = |figure: &Figure| match figure {
        Figure::Sum(count) => *count,
        other => panic!("{other:?}"),
    };
    found[0].points.iter().map(|point| count(&point.figure)).collect()
}

#[test]
fn nothing_is_nought_for_sums_and_undefined_for_what_is_measured() {
    let folded = Folded::of(&Story::new());
    for metric in DEFINITIONS {
        let figure = folded.figure(metric.name);
        let quiet = [Figure::Sum(0), Figure::Duration(None), Figure::Share(None), Figure::Gauge(0)];
        assert!(quiet.contains(&figure), "{}: {figure:?}", metric.name);
        assert!(folded.lines(metric.name).is_empty(), "{}", metric.name);
    }
}

#[test]
fn the_hour_that_comes_twice_is_two_and_the_one_that_does_not_come_is_none() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    // Madrid, 25 October 2026: 02:30 comes twice. 29 March: 02:30 does not come.
    for at in ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00"] {
        story.at(time(at));
        story.customer(id, "hola");
    }
    let folded = Folded::of(&story);
    let autumn = counts(&folded, days("2026-10-25", "2026-10-25", "Europe/Madrid"), Bucket::Hour);
    assert_eq!((autumn.len(), &autumn[..5]), (25, [0, 0, 1, 2, 0].as_slice()));
    let spring = counts(&folded, days("2026-03-29", "2026-03-29", "Europe/Madrid"), Bucket::Hour);
    assert_eq!(spring.len(), 23);
    let by_clock = counts(&folded, days("2026-10-25", "2026-10-25", "Europe/Madrid"), Bucket::HourOfDay);
    assert_eq!((by_clock.len(), by_clock[2]), (24, 3));
}

#[test]
fn a_span_of_instants_is_cut_at_quarters_and_the_days_at_its_edges_are_parts() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    for at in ["2026-03-01T11:59:59Z", "2026-03-01T12:00:00Z", "2026-03-02T12:14:00Z", "2026-03-02T12:15:00Z"] {
        story.at(time(at));
        story.customer(id, "hola");
    }
    let folded = Folded::of(&story);
    let span = Span { from: time("2026-03-01T12:10:00Z"), to: time("2026-03-02T12:01:00Z"), zone: zone_of("UTC") };
    assert_eq!(counts(&folded, span.clone(), Bucket::Day), [1, 1]);
    let found = folded.ask("messages_in", span, Bucket::Day, TOGETHER).unwrap();
    let stretches: Vec<_> = found[0].points.iter().map(|point| (point.stretch.from, point.stretch.to)).collect();
    let midnight = time("2026-03-02T00:00:00Z");
    assert_eq!(stretches, [(time("2026-03-01T12:00:00Z"), midnight), (midnight, time("2026-03-02T12:15:00Z")),]);
}

#[test]
fn parts_put_together_are_the_whole() {
    let mut story = Story::new();
    for (number, channel, team) in [(1, "wa-main", "ventas"), (2, "wa-main", "-"), (3, "mail", "ventas")] {
        let id = story.open(number, channel, Medium::WhatsApp, "Ana");
        assign(&mut story, id, "-", team);
        story.wait(MINUTE);
        story.customer(id, "hola");
        story.wait(MINUTE * u32::from(number) * 3);
        story.phone(id, "buenas");
    }
    let folded = Folded::of(&story);
    assert_eq!(
        folded.lines("first_response_human"),
        [
            "mail ventas - | phone_app | 1×540s",
            "wa-main - - | phone_app | 1×360s",
            "wa-main ventas - | phone_app | 1×180s",
        ]
    );
    assert_eq!(folded.minutes("first_response_human"), Some((3, 6)));
    let split = Split { team: true, ..TOGETHER };
    let by_team = folded.ask("first_response_human", january(), Bucket::Whole, split).unwrap();
    let teams: Vec<_> = by_team.iter().map(|series| (series.team.as_deref(), series.channel.as_deref())).collect();
    assert_eq!(teams, [(Some(""), None), (Some("ventas"), None)]);
    let caller = supervisor("demo");
    for (only, expected) in [
        (Only { channel: Some(ChannelId::new("wa-main").unwrap()), ..Only::default() }, 2),
        (Only { team: Some(TeamId::new("ventas").unwrap()), ..Only::default() }, 2),
        (Only { team: Some(TeamId::new("soporte").unwrap()), ..Only::default() }, 0),
    ] {
        let metrics = vec![definition("messages_in").unwrap()];
        let (span, bucket, split) = (january(), Bucket::Whole, TOGETHER);
        let asked = Selection { metrics, span, bucket, split, only, visible: &caller };
        let found = series(&folded.snapshot, &demo(), &asked).unwrap();
        assert_eq!(found[0].points[0].figure, Figure::Sum(expected));
    }
}

#[test]
fn spans_that_are_too_long_or_none_are_refused() {
    let folded = Folded::of(&Story::new());
    let ask = |span: Span, bucket| folded.ask("messages_in", span, bucket, TOGETHER).map(|found| found[0].points.len());
    let span = |from: i64, to: i64| Span {
        from: Timestamp::from_millis(from),
        to: Timestamp::from_millis(to),
        zone: zone_of("UTC"),
    };
    assert_eq!(ask(days("2026-01-01", "2026-01-31", "UTC"), Bucket::Hour), Ok(HOURS_DAYS_MAX * 24));
    assert_eq!(ask(days("2026-01-01", "2026-02-01", "UTC"), Bucket::Hour), Err(ReadError::Days));
    assert_eq!(ask(days("2026-01-01", "2026-12-31", "UTC"), Bucket::Day), Ok(365));
    for (from, to) in [(5, 5), (10, 5), (i64::MIN, i64::MAX), (i64::MAX - 1, i64::MAX), (i64::MIN, i64::MIN + 1)] {
        assert_eq!(ask(span(from, to), Bucket::Day), Err(ReadError::Days), "{from} {to}");
    }
}

#[test]
fn more_points_than_anybody_looks_at_are_refused() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    for number in 0..70 {
        assign(&mut story, id, &format!("agent-{number}"), "-");
        story.customer(id, "hola");
        story.wait(MINUTE * 15);
    }
    let folded = Folded::of(&story);
    for metric in ["messages_in", "backlog"] {
        let ask = |bucket| folded.ask(metric, january(), bucket, ALL_APART).map(|found| found.len());
        assert_eq!(ask(Bucket::Hour), Err(ReadError::TooMany), "{metric}");
        // At the end of a day only two of them ever had something.
        assert_eq!(ask(Bucket::Day), Ok(if metric == "backlog" { 2 } else { 70 }), "{metric}");
    }
}

#[test]
fn series_are_for_who_sees_the_whole_tenant() {
    let folded = Folded::of(&Story::new());
    for caller in [supervisor("demo-b"), agent("demo", "laura", &[], &["ventas"])] {
        let (metrics, span) = (vec![definition("messages_in").unwrap()], january());
        let (bucket, split, only) = (Bucket::Whole, TOGETHER, Only::default());
        let asked = Selection { metrics, span, bucket, split, only, visible: &caller };
        assert_eq!(series(&folded.snapshot, &demo(), &asked), Err(ReadError::Forbidden));
    }
}
