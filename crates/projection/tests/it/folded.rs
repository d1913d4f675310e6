//! Rows that are folded in memory are the rows of the view, and are read in the same way.

use std::ops::ControlFlow;

use proptest::prelude::*;
use relevo_projection::testing::{fold, history};
use relevo_projection::{ApplyError, FoldedRows, RowSource, Rows, fold_commits};
use relevo_readstore::{Batch, Direction, Entry, Family, KeyRange, Options, ReadStore};

use crate::projectors::{TOY, failing_at};

fn all(source: &dyn RowSource) -> Vec<Entry> {
    source.scan(&KeyRange::all(), Direction::Forward, usize::MAX).unwrap()
}

#[test]
fn folded_rows_are_the_rows_of_the_view() {
    let commits = history(6, 400);
    let folded = fold_commits(&TOY, &commits).unwrap();
    let (_folder, view) = fold(TOY, &commits);
    let snapshot = view.snapshot().unwrap();
    assert!(folded.len() > 50 && !folded.is_empty());
    assert_eq!(all(&folded), all(&snapshot));
    assert_eq!(all(snapshot.rows()), all(&snapshot));
    assert_eq!(fold_commits(&TOY, &[]), Ok(FoldedRows::new()));
}

#[test]
fn a_hole_and_a_refused_commit_are_errors_not_half_a_past() {
    let commits = history(6, 60);
    let entity = commits.iter().find(|recorded| recorded.commit.first_version > 1).unwrap().commit.entity;
    let first = commits.iter().position(|recorded| recorded.commit.entity == entity).unwrap();
    let mut holed = commits.clone();
    holed.remove(first);
    assert!(matches!(fold_commits(&TOY, &holed), Err(ApplyError::BadRow(_))));
    let refusing = failing_at(30, ApplyError::BadRow("unreadable".to_owned()));
    assert_eq!(fold_commits(&refusing, &commits), Err(ApplyError::BadRow("unreadable".to_owned())));
}

fn visited(source: &dyn RowSource, range: &KeyRange, direction: Direction, limit: usize) -> Vec<Entry> {
    let mut rows = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    source.visit(range, direction, visit).unwrap();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rows_in_memory_are_read_as_rows_of_a_store(
        rows in prop::collection::btree_map("[ab]{0,3}", any::<u8>(), 0..12),
        start in "[ab]{0,3}",
        end in prop::option::of("[ab]{0,3}"),
        limit in 1..6usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = ReadStore::open(folder.path(), &Options::default()).unwrap();
        let (mut batch, mut folded) = (Batch::new(), FoldedRows::new());
        for (key, value) in rows {
            batch.put(Family::Rows, key.clone(), vec![value]);
            folded.put(key.into_bytes(), vec![value]);
        }
        store.write(batch).unwrap();
        let snapshot = store.snapshot();
        let range = KeyRange { start: start.clone().into_bytes(), end: end.map(String::into_bytes) };
        for direction in [Direction::Forward, Direction::Reverse] {
            let expected = snapshot.scan(&range, direction, limit).unwrap();
            prop_assert_eq!(&RowSource::scan(&folded, &range, direction, limit).unwrap(), &expected);
            prop_assert_eq!(&visited(&folded, &range, direction, limit), &expected);
            prop_assert_eq!(&visited(&snapshot, &range, direction, limit), &expected);
        }
        prop_assert_eq!(RowSource::get(&folded, start.as_bytes()).unwrap(), snapshot.get(start.as_bytes()).unwrap());
    }
}
