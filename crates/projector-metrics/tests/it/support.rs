//! What the tests of this view share: fold a story, ask for figures.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use relevo_domain::{EntityId, TenantId, Timestamp};
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{Story, fold};
use relevo_projector_metrics::{MetricsProjector, Query, Report, metrics};
use relevo_readstore::Snapshot;
use tempfile::TempDir;

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: Snapshot,
    _folder: TempDir,
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(MetricsProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap().rows().clone(), _folder: folder }
    }

    /// For a supervisor of `demo`.
    pub(crate) fn report(&self, from: &str, to: &str, zone: &str) -> Report {
        let caller = supervisor("demo");
        let query = Query { from: date(from), to: date(to), zone: zone_of(zone), channel: None, visible: &caller };
        metrics(&self.snapshot, &demo(), &query).unwrap()
    }

    /// All of January 2026 (UTC), when stories happen.
    pub(crate) fn january(&self) -> Report {
        self.report("2026-01-01", "2026-01-31", "UTC")
    }
}

pub(crate) fn demo() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// A time as people write it, with its offset.
pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// The customer of this number, who writes on WhatsApp.
pub(crate) fn open(story: &mut Story, number: u8) -> EntityId {
    story.open(number, "wa-main", relevo_domain::conversation::Medium::WhatsApp, "Ana")
}
