//! All views from an empty folder, next to the store alone.

use std::time::Instant;

use crate::parts::Options;
use crate::report::{Row, Section, Target, shown};

const COMMITS: usize = 200_000;
const BRIEF_COMMITS: usize = 3_000;
const SHARE: f64 = 0.5;

/// Builds all views of a made-up history.
pub async fn run(options: &Options) -> std::io::Result<Section> {
    let began = Instant::now();
    std::fs::create_dir_all(&options.folder)?;
    let folder = tempfile::Builder::new().prefix("rebuild-").tempdir_in(&options.folder)?;
    let built = crate::rebuild::run(folder.path(), options.pick(COMMITS, BRIEF_COMMITS), options.seed).await;
    let mut section = options.section("rebuild", "Rebuild of all views", began);
    let row = Row::new("rebuild of all views", built.commits_per_s, "commits/s", "none");
    let row = row.against(built.raw_per_s, "raw RocksDB batches of the same keys");
    section.rows = vec![if options.short { row } else { row.should(Target::RatioAtLeast(SHARE)) }];
    section.text = format!(
        "{} commits of a made-up history through {} views, from nothing until all are live; the log is in memory as stored bytes, decoded and \
         checked as from a server. Raw: the batches that the views wrote ({} batches, {} keys, {} MB), written by as many threads as there \
         are cores. CPU: {:.1} s for the views, {:.1} s for the store alone.",
        shown(built.commits as f64),
        built.views,
        shown(built.batches as f64),
        shown(built.keys as f64),
        built.bytes >> 20,
        built.cpu_s,
        built.raw_cpu_s
    ) + "\n"
        + &profiled(options).await?;
    Ok(section)
}

/// Once more, sampled: no figure is taken from it.
async fn profiled(options: &Options) -> std::io::Result<String> {
    let recording = options.record("rebuild", std::process::id());
    if recording.is_none() {
        return Ok(String::new());
    }
    let folder = tempfile::Builder::new().prefix("rebuild-").tempdir_in(&options.folder)?;
    crate::rebuild::run(folder.path(), options.pick(COMMITS / 4, BRIEF_COMMITS), options.seed).await;
    options.drawn("rebuild", "rebuild, with the history's making and the raw batches", recording)
}
