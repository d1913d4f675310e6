//! Days and hours of time zones: whole, without gaps, also when clocks change.

use relevo_domain::EntityId;
use relevo_projection::testing::Story;
use relevo_projection::testing::story::supervisor;
use relevo_projector_metrics::{DAYS_MAX, Query, ReadError, Report, metrics};

use crate::support::{Folded, date, demo, open, time, zone_of};

fn written_at(times: &[&str]) -> (Story, EntityId) {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    for at in times {
        story.at(time(at));
        story.customer(id, "hola");
    }
    (story, id)
}

fn by_day(report: &Report) -> Vec<(String, u64)> {
    report.days.iter().map(|day| (day.day.to_string(), day.volumes.messages_in)).collect()
}

#[test]
fn a_message_belongs_to_the_day_of_the_tenant() {
    // Buenos Aires is three hours behind.
    let (story, _) = written_at(&["2026-03-02T02:59:59.999Z", "2026-03-02T03:00:00Z"]);
    let folded = Folded::of(&story);
    let report = folded.report("2026-03-01", "2026-03-02", "America/Argentina/Buenos_Aires");
    assert_eq!(by_day(&report), [("2026-03-01".to_owned(), 1), ("2026-03-02".to_owned(), 1)]);
    assert_eq!((report.hours[23].messages_in, report.hours[0].messages_in), (1, 1));
    let utc = folded.report("2026-03-01", "2026-03-02", "UTC");
    assert_eq!(by_day(&utc), [("2026-03-01".to_owned(), 0), ("2026-03-02".to_owned(), 2)]);
}

#[test]
fn zones_that_differ_by_half_and_quarter_hours_are_exact() {
    for zone in ["Asia/Kolkata", "Asia/Kathmandu"] {
        let offset = if zone == "Asia/Kolkata" { "+05:30" } else { "+05:45" };
        let before = format!("2026-03-01T23:59:59{offset}");
        let after = format!("2026-03-02T00:00:00{offset}");
        let (story, _) = written_at(&[&before, &after]);
        let report = Folded::of(&story).report("2026-03-01", "2026-03-02", zone);
        assert_eq!(by_day(&report), [("2026-03-01".to_owned(), 1), ("2026-03-02".to_owned(), 1)], "{zone}");
        assert_eq!((report.hours[23].messages_in, report.hours[0].messages_in), (1, 1), "{zone}");
    }
}

#[test]
fn days_of_23_and_25_hours_lose_and_double_nothing() {
    // Madrid 2026: 29 March has no 02:00–03:00, 25 October has it twice.
    let hours = |day: &str, count: i64| -> Vec<String> {
        let start: jiff::Timestamp = day.parse().unwrap();
        (0..count).map(|hour| (start + jiff::SignedDuration::from_hours(hour)).to_string()).collect()
    };
    for (start, count, day, next) in [
        ("2026-03-28T23:00:00Z", 23, "2026-03-29", "2026-03-30"),
        ("2026-10-24T22:00:00Z", 25, "2026-10-25", "2026-10-26"),
    ] {
        let times = hours(start, count + 1);
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let (story, _) = written_at(&times);
        let report = Folded::of(&story).report(day, next, "Europe/Madrid");
        assert_eq!(by_day(&report), [(day.to_owned(), count.unsigned_abs()), (next.to_owned(), 1)]);
        let twice = report.hours[2].messages_in;
        assert_eq!(twice, if count == 25 { 2 } else { 0 });
    }
}

#[test]
fn times_before_1970_are_days_too() {
    let (story, _) = written_at(&["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"]);
    let report = Folded::of(&story).report("1969-12-31", "1970-01-01", "UTC");
    assert_eq!(by_day(&report), [("1969-12-31".to_owned(), 1), ("1970-01-01".to_owned(), 1)]);
}

#[test]
fn days_out_of_order_or_too_many_are_refused() {
    let (story, _) = written_at(&[]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let ask = |from: &str, to: &str| {
        let query = Query { from: date(from), to: date(to), zone: zone_of("UTC"), channel: None, visible: &caller };
        metrics(&folded.snapshot, &demo(), &query).map(|report| report.days.len())
    };
    assert_eq!(ask("2028-01-01", "2028-12-31"), Ok(DAYS_MAX));
    assert_eq!(ask("2028-01-01", "2029-01-01"), Err(ReadError::Days));
    assert_eq!(ask("2026-01-02", "2026-01-01"), Err(ReadError::Days));
    assert_eq!(ask("2026-01-02", "9999-12-31"), Err(ReadError::Days));
    assert_eq!(ask("9999-12-31", "9999-12-31"), Err(ReadError::Days));
}
