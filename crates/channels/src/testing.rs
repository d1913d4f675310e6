//! What the tests of this crate share: where sample payloads are.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// The folder of shared sample payloads: `RELEVO_FIXTURES`, or `../shared/fixtures` beside the checkout.
pub(crate) fn fixtures() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join(std::env::var("RELEVO_FIXTURES").unwrap_or_else(|_| "../shared/fixtures".to_owned()));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no fixtures in {}", folder.display());
    None
}

/// One sample payload; `None` if the folder does not exist. A missing file in an existing folder is an error.
pub(crate) fn fixture(path: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(fixtures()?.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// A payload that is part of this project, from `testdata/`.
pub(crate) fn testdata(path: &str) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One row of the fixtures' `EXPECTED.tsv`.
pub(crate) struct Expected {
    pub(crate) file: String,
    pub(crate) messages: usize,
    pub(crate) statuses: usize,
    pub(crate) others: usize,
    pub(crate) types: BTreeSet<String>,
    pub(crate) senders: BTreeSet<String>,
    /// The cell ended in the middle of a list: not every sender is named.
    pub(crate) senders_cut: bool,
    pub(crate) quoted: Option<String>,
    pub(crate) note: String,
}

/// The rows of one folder; empty if there are no fixtures.
pub(crate) fn expected(folder: &str) -> Vec<Expected> {
    let Some(table) = fixture("EXPECTED.tsv") else { return Vec::new() };
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<Expected> = table.lines().filter(|line| line.starts_with(folder)).map(row).collect();
    assert!(!rows.is_empty(), "no row for {folder}");
    rows
}

/// The table cuts longer cells, in characters; the last number of a list then ends early.
const LONGEST_CELL: usize = 200;

fn row(line: &str) -> Expected {
    let mut cells = line.split('\t').map(str::trim);
    let mut next = || cells.next().unwrap_or_default().to_owned();
    let set = |cell: &str| cell.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
    let (file, messages, statuses, others) = (next(), next(), next(), next());
    let (types, senders, _group, quoted, note) = (next(), next(), next(), next(), next());
    let senders_cut = senders.len() >= LONGEST_CELL;
    let senders = if senders_cut { senders.rsplit_once(',').unwrap().0 } else { &senders };
    let number = |cell: &str| cell.parse().unwrap_or_else(|_| panic!("{cell:?} in {line}"));
    Expected {
        messages: number(&messages),
        statuses: number(&statuses),
        others: number(&others),
        types: set(&types),
        senders: set(senders),
        senders_cut,
        quoted: Some(quoted).filter(|quoted| !quoted.is_empty()),
        file,
        note,
    }
}

/// Snapshots lie beside the payloads that they are of.
pub(crate) fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
