//! The laws hold for an honest projector, and catch those that are not: a law that catches nothing proves nothing.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use relevo_domain::{EntityId, Event, Recorded, TenantId};
use relevo_projection::testing::{fold, history, laws};
use relevo_projection::{Projector, Rows};

use crate::projectors::{
    TOY, With, counting_in_memory, in_hash_order, one_behind, refusing_every_fifth, writing_nothing,
};

/// What the laws say about a projector that breaks one.
fn verdict<P: Projector>(make: impl Fn() -> P) -> String {
    let commits = history(7, 120);
    let caught = catch_unwind(AssertUnwindSafe(|| laws(make, &commits))).err().unwrap();
    match caught.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn an_honest_projector_obeys() {
    for seed in [1, 2] {
        laws(|| TOY, &history(seed, 300));
    }
    laws(|| TOY, &[]);
}

#[test]
fn rows_that_are_too_large_for_one_batch_are_written_in_several() {
    // 30 MiB, and a batch is written at 8.
    let large = |rows: &mut dyn Rows, commit: &Recorded| {
        let size = if commit.sequence.is_multiple_of(4) { 1 << 20 } else { 10 };
        rows.put(commit.sequence.to_be_bytes().to_vec(), vec![7; size]);
        Ok(())
    };
    let (_folder, view) = fold(With("large", large), &history(1, 120));
    let snapshot = view.snapshot().unwrap();
    assert_eq!((snapshot.position().sequence(), snapshot.digest().unwrap().digest.keys), (120, 120));
}

#[test]
fn a_counter_in_memory_is_caught() {
    let verdict = verdict(counting_in_memory);
    assert!(verdict.contains("law broken: rebuild = random kills") && verdict.contains("key ["), "{verdict}");
}

#[test]
fn work_that_is_kept_in_memory_is_caught() {
    let verdict = verdict(one_behind);
    assert!(verdict.contains("law broken: rebuild = random kills"), "{verdict}");
}

#[test]
fn another_order_of_reading_is_caught() {
    assert!(verdict(in_hash_order).contains("law broken: rebuild = rebuild"));
}

#[test]
fn a_projector_that_parks_a_realistic_history_is_caught() {
    assert!(verdict(refusing_every_fifth).contains("parks nothing"));
}

#[test]
fn a_projector_that_writes_nothing_is_caught() {
    assert!(verdict(writing_nothing).contains("no row was written"));
}

#[test]
fn a_history_is_repeatable_complete_gapless_and_chained() {
    assert_eq!(history(3, 200), history(3, 200));
    assert_eq!(history(3, 200)[..150], history(3, 150)[..]);
    assert_ne!(history(3, 200), history(4, 200));
    for seed in 0..20 {
        let commits = history(seed, 300);
        let names: BTreeSet<_> = commits.iter().flat_map(|commit| &commit.commit.events).map(Event::name).collect();
        // 36 of conversations, 7 of contacts, 1 of identities, 7 of channels (one is called like a conversation's), 7 of workspaces,
        // 4 of bulks.
        assert_eq!(names.len(), 61, "seed {seed}: {names:?}");
        let mut heads = std::collections::BTreeMap::<(TenantId, EntityId), (u64, [u8; 32])>::new();
        for (index, recorded) in commits.iter().enumerate() {
            let commit = &recorded.commit;
            assert_eq!(recorded.sequence, index as u64 + 1);
            let head = heads.entry((commit.tenant.clone(), commit.entity)).or_default();
            assert_eq!((commit.first_version, commit.previous_hash), (head.0 + 1, head.1));
            *head = (commit.last_version(), recorded.hash);
        }
        let tenants: BTreeSet<_> = heads.keys().map(|(tenant, _)| tenant).collect();
        assert_eq!(tenants.len(), 3);
    }
}

#[tokio::test]
async fn a_folded_view_can_be_read() {
    let commits = history(1, 80);
    let (_folder, view) = fold(TOY, &commits);
    let snapshot = view.snapshot().unwrap();
    assert_eq!((snapshot.position().sequence(), snapshot.version()), (80, 1));
    assert_eq!(view.digest().await.unwrap(), snapshot.digest().unwrap());
    assert!(snapshot.digest().unwrap().digest.keys > 20);
}
