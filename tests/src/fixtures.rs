//! The corpus of provider payloads, where it is at hand.

use std::path::PathBuf;

/// The corpus folder, from `RELEVO_FIXTURES` or beside the checkout; `None` (and a word about it) if it is not there.
pub fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = std::env::var_os("RELEVO_FIXTURES").map_or_else(beside, PathBuf::from);
    if folder.join("EXPECTED.tsv").is_file() {
        return Some(folder);
    }
    #[expect(clippy::print_stderr, reason = "a skipped corpus must be seen")]
    {
        eprintln!("SKIPPED: no payload corpus at {}", folder.display());
    }
    None
}

/// What one payload must be counted as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub file: String,
    pub messages: u64,
    pub statuses: u64,
    pub other_updates: u64,
}

/// The rows of EXPECTED.tsv whose file is in one of `folders`.
pub fn expected(folder: &std::path::Path, folders: &[&str]) -> Vec<Expected> {
    let table = std::fs::read_to_string(folder.join("EXPECTED.tsv")).unwrap();
    let number = |cell: Option<&str>| cell.unwrap_or_default().parse().unwrap_or(0);
    table
        .lines()
        .skip(1)
        .filter(|line| folders.iter().any(|folder| line.starts_with(&format!("{folder}/"))))
        .map(|line| {
            let mut cells = line.split('\t');
            Expected {
                file: cells.next().unwrap_or_default().to_owned(),
                messages: number(cells.next()),
                statuses: number(cells.next()),
                other_updates: number(cells.next()),
            }
        })
        .collect()
}
