//! Breaks everything on purpose: kills, torn files, full disks, clocks that jump, a log that is away, readers that do not read.
//!
//! Real processes, seeded. What was promised is compared with what the log holds; the checkers stand in [`promises`] and are shown to
//! fail. `make chaos` runs all of it, `tests/it/chaos.rs` a short form of each part.

pub mod away;
pub mod clocks;
pub mod disk;
pub mod kills;
pub mod load;
pub mod promises;
pub mod slow;
pub mod stored;
pub mod torn;

use promises::Findings;

/// What a part came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub part: &'static str,
    pub kills: u64,
    pub full_disks: u64,
    pub findings: Findings,
}

impl Report {
    pub const fn of(part: &'static str, kills: u64, findings: Findings) -> Self {
        Self { part, kills, full_disks: 0, findings }
    }

    /// Panics with everything that was found, if anything was.
    pub fn assert_none(&self) {
        assert!(self.findings.none(), "{}: {:#?}", self.part, self.findings);
    }
}
