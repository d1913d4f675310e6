//! What a usual time to snooze for means at this moment, in the tenant's time zone.

use jiff::Unit;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use relevo_domain::Timestamp;
use relevo_domain::conversation::SnoozePreset;

/// When a working day begins, local time.
const MORNING_HOUR: i8 = 9;

/// The instant of a preset. Hours are hours whatever the clocks do; a morning is 09:00 on the wall: if the clocks jump over it, the
/// first instant after the gap, and if they show it twice, the first time. `None` only at the end of time.
pub(super) fn instant(preset: SnoozePreset, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let at = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
    let today = at.to_zoned(zone.clone()).date();
    let until = match preset {
        SnoozePreset::OneHour => at.checked_add(jiff::Span::new().hours(1)).ok()?,
        SnoozePreset::TwoHours => at.checked_add(jiff::Span::new().hours(2)).ok()?,
        SnoozePreset::FourHours => at.checked_add(jiff::Span::new().hours(4)).ok()?,
        SnoozePreset::TomorrowMorning => morning(today.tomorrow().ok()?, zone)?,
        // The first Monday after today.
        SnoozePreset::NextMonday => morning(today.nth_weekday(1, Weekday::Monday).ok()?, zone)?,
    };
    Some(Timestamp::from_millis(until.round(Unit::Millisecond).ok()?.as_millisecond()))
}

fn morning(day: Date, zone: &TimeZone) -> Option<jiff::Timestamp> {
    day.at(MORNING_HOUR, 0, 0, 0).to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: &str, local: &str) -> (Timestamp, TimeZone) {
        let zone = TimeZone::get(zone).unwrap();
        (instant_of(local, &zone), zone)
    }

    fn instant_of(local: &str, zone: &TimeZone) -> Timestamp {
        let local: jiff::civil::DateTime = local.parse().unwrap();
        Timestamp::from_millis(local.to_zoned(zone.clone()).unwrap().timestamp().as_millisecond())
    }

    /// What the wall shows when the preset's time comes.
    fn wall(preset: SnoozePreset, (now, zone): &(Timestamp, TimeZone)) -> String {
        let until = instant(preset, *now, zone).unwrap();
        let until = jiff::Timestamp::from_millisecond(until.as_millis()).unwrap();
        until.to_zoned(zone.clone()).datetime().to_string()
    }

    #[test]
    fn hours_are_hours_over_a_gap_and_over_an_overlap() {
        // Madrid: on 2026-03-29 at 02:00 the clocks go to 03:00, on 2026-10-25 at 03:00 back to 02:00.
        let spring = at("Europe/Madrid", "2026-03-29T01:30:00");
        assert_eq!(wall(SnoozePreset::OneHour, &spring), "2026-03-29T03:30:00");
        assert_eq!(wall(SnoozePreset::FourHours, &spring), "2026-03-29T06:30:00");
        let autumn = at("Europe/Madrid", "2026-10-25T01:30:00");
        assert_eq!(wall(SnoozePreset::TwoHours, &autumn), "2026-10-25T02:30:00");
        for (preset, hours) in [(SnoozePreset::OneHour, 1), (SnoozePreset::TwoHours, 2), (SnoozePreset::FourHours, 4)] {
            for (now, zone) in [&spring, &autumn] {
                let passed = instant(preset, *now, zone).unwrap().since(*now);
                assert_eq!(passed, std::time::Duration::from_hours(hours));
            }
        }
    }

    #[test]
    fn tomorrow_is_nine_on_the_wall_though_the_clocks_change_at_night() {
        for (zone, local, until, hours) in [
            ("Europe/Madrid", "2026-03-28T09:00:00", "2026-03-29T09:00:00", 23),
            ("Europe/Madrid", "2026-10-24T09:00:00", "2026-10-25T09:00:00", 25),
            ("America/Argentina/Buenos_Aires", "2026-12-31T23:59:00", "2027-01-01T09:00:00", 9),
            // In Beirut midnight itself is skipped.
            ("Asia/Beirut", "2026-03-28T23:30:00", "2026-03-29T09:00:00", 8),
        ] {
            let now = at(zone, local);
            assert_eq!(wall(SnoozePreset::TomorrowMorning, &now), until, "{zone}");
            let passed = instant(SnoozePreset::TomorrowMorning, now.0, &now.1).unwrap().since(now.0);
            assert_eq!(passed.as_secs() / 3600, hours, "{zone}");
        }
    }

    #[test]
    fn a_morning_that_the_clocks_skip_is_the_first_instant_after_it() {
        let zone = TimeZone::posix("STD5DST,M3.2.0/9,M11.1.0/10").unwrap();
        let gap = (instant_of("2026-03-07T12:00:00", &zone), zone.clone());
        assert_eq!(wall(SnoozePreset::TomorrowMorning, &gap), "2026-03-08T10:00:00");
        // On 2026-11-01 the clocks show 09:00 twice; the first one is 21 hours after noon of the day before.
        let twice = (instant_of("2026-10-31T12:00:00", &zone), zone);
        assert_eq!(wall(SnoozePreset::TomorrowMorning, &twice), "2026-11-01T09:00:00");
        let passed = instant(SnoozePreset::TomorrowMorning, twice.0, &twice.1).unwrap().since(twice.0);
        assert_eq!(passed, std::time::Duration::from_hours(21));
    }

    #[test]
    fn a_day_that_a_zone_never_had_is_the_next() {
        // Samoa went over the date line: there was no 2011-12-30.
        let now = at("Pacific/Apia", "2011-12-29T12:00:00");
        assert_eq!(wall(SnoozePreset::TomorrowMorning, &now), "2011-12-31T09:00:00");
    }

    #[test]
    fn next_monday_is_never_today() {
        for (local, monday) in [
            ("2026-11-15T23:00:00", "2026-11-16T09:00:00"),
            ("2026-11-16T08:00:00", "2026-11-23T09:00:00"),
            ("2026-11-16T10:00:00", "2026-11-23T09:00:00"),
            ("2026-11-17T00:00:00", "2026-11-23T09:00:00"),
        ] {
            assert_eq!(wall(SnoozePreset::NextMonday, &at("Europe/Madrid", local)), monday, "{local}");
        }
        // 02:00 in UTC on a Monday is still Sunday in Buenos Aires.
        let (now, _) = at("UTC", "2026-11-16T02:00:00");
        let zone = TimeZone::get("America/Argentina/Buenos_Aires").unwrap();
        assert_eq!(wall(SnoozePreset::NextMonday, &(now, zone)), "2026-11-16T09:00:00");
    }
}
