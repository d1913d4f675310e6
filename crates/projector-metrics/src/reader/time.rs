//! Stretches of time: spans of a zone divided into hours or days, exactly, whatever its clocks do.

use std::collections::HashMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use relevo_domain::Timestamp;

use super::ReadError;
use super::figure::Sum;
use crate::keys::{SLOT_MILLIS, slot_of};

/// The longest span, in days: a year with its leap day.
pub const DAYS_MAX: usize = 366;
/// The longest span by hours, in days: a month.
pub const HOURS_DAYS_MAX: usize = 31;

/// Room above the longest span in slots: a day of a zone whose clocks go back has more than 96.
const SLACK_SLOTS: usize = 8;
const SLOTS_PER_DAY: usize = 96;

/// From when to when, in which zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// First quarter of an hour. Rounded down to one.
    pub from: Timestamp,
    /// Where it ends, excluded. Rounded up to a quarter of an hour.
    pub to: Timestamp,
    /// Whose hours and days.
    pub zone: TimeZone,
}

/// How a span is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Bucket {
    /// Not at all.
    #[default]
    Whole,
    /// Hours of the zone's clock; the first and the last may be cut off by the span.
    Hour,
    /// Days of the zone, which may have 23 or 25 hours; the first and the last may be cut off by the span.
    Day,
    /// The 24 hours of the clock, each over all days. Not for gauges: their figure is of the whole span.
    HourOfDay,
}

/// One part of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
    /// The zone's day, for days.
    pub day: Option<Date>,
    /// The hour of the clock, 0 to 23, for hours of the day: the stretch is then the whole span.
    pub hour_of_day: Option<u8>,
}

/// A span's parts, and which one each slot belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    stretches: Vec<Stretch>,
    first_slot: i64,
    end_slot: i64,
    /// Which stretch, for every slot.
    of_slot: Vec<u32>,
}

/// What the slots of one stretch have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Common {
    Nothing,
    Day(Date),
    /// The same hour comes twice when clocks go back: then its offset tells them apart.
    Hour(Date, i8, Offset),
    HourOfDay(i8),
}

impl Span {
    /// Whole days of a zone, both included.
    pub fn days(from: Date, to: Date, zone: TimeZone) -> Result<Self, ReadError> {
        let start = |day: Date| -> Result<Timestamp, ReadError> {
            let start = day.to_zoned(zone.clone()).map_err(|_range| ReadError::Days)?;
            Ok(Timestamp::from_millis(start.timestamp().as_millisecond()))
        };
        let end = to.tomorrow().map_err(|_range| ReadError::Days)?;
        let span = Self { from: start(from)?, to: start(end)?, zone: zone.clone() };
        if to < from { Err(ReadError::Days) } else { Ok(span) }
    }
}

impl Points {
    pub(crate) fn of(span: &Span, bucket: Bucket) -> Result<Self, ReadError> {
        let first_slot = slot_of(span.from.as_millis());
        let end_slot = slot_of(span.to.as_millis().saturating_sub(1)).saturating_add(1);
        let days = if bucket == Bucket::Hour { HOURS_DAYS_MAX } else { DAYS_MAX };
        let slots = usize::try_from(end_slot.saturating_sub(first_slot)).map_err(|_negative| ReadError::Days)?;
        if span.to <= span.from || slots > days * SLOTS_PER_DAY + SLACK_SLOTS {
            return Err(ReadError::Days);
        }
        let mut points = Self { stretches: Vec::new(), first_slot, end_slot, of_slot: Vec::with_capacity(slots) };
        let mut known: HashMap<Common, u32> = HashMap::new();
        if bucket == Bucket::HourOfDay {
            let whole = (time_of(first_slot)?, time_of(end_slot)?);
            for hour in 0..24 {
                known.insert(Common::HourOfDay(hour), points.push(whole, None, Some(hour.unsigned_abs())));
            }
        }
        for slot in first_slot..end_slot {
            let (from, to) = (time_of(slot)?, time_of(slot + 1)?);
            let (common, day) = bucket.common(&span.zone, from)?;
            let index = match known.get(&common) {
                Some(index) => *index,
                None => points.push((from, to), day, None),
            };
            known.insert(common, index);
            if bucket != Bucket::HourOfDay {
                points.stretches[index as usize].to = to;
            }
            points.of_slot.push(index);
        }
        Ok(points)
    }

    fn push(&mut self, (from, to): (Timestamp, Timestamp), day: Option<Date>, hour_of_day: Option<u8>) -> u32 {
        self.stretches.push(Stretch { from, to, day, hour_of_day });
        self.stretches.len() as u32 - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.stretches.len()
    }

    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    pub(crate) const fn first_slot(&self) -> i64 {
        self.first_slot
    }

    /// Excluded.
    pub(crate) const fn end_slot(&self) -> i64 {
        self.end_slot
    }

    /// Index of the stretch of a slot.
    pub(crate) fn of_slot(&self, slot: i64) -> Option<usize> {
        let index = usize::try_from(slot.checked_sub(self.first_slot)?).ok()?;
        self.of_slot.get(index).map(|stretch| *stretch as usize)
    }

    /// The slot at which each stretch ends, excluded.
    pub(crate) fn ends(&self) -> Vec<i64> {
        self.stretches.iter().map(|stretch| slot_of(stretch.to.as_millis())).collect()
    }

    /// Something empty for each stretch.
    pub(super) fn each(&self) -> Vec<Sum> {
        vec![Sum::default(); self.stretches.len()]
    }
}

impl Bucket {
    fn common(self, zone: &TimeZone, at: Timestamp) -> Result<(Common, Option<Date>), ReadError> {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).map_err(|_range| ReadError::Days)?;
        let offset = zone.to_offset(at);
        let local: DateTime = offset.to_datetime(at);
        Ok(match self {
            Self::Whole => (Common::Nothing, None),
            Self::Day => (Common::Day(local.date()), Some(local.date())),
            Self::Hour => (Common::Hour(local.date(), local.hour(), offset), Some(local.date())),
            Self::HourOfDay => (Common::HourOfDay(local.hour()), None),
        })
    }
}

fn time_of(slot: i64) -> Result<Timestamp, ReadError> {
    slot.checked_mul(SLOT_MILLIS).map(Timestamp::from_millis).ok_or(ReadError::Days)
}
