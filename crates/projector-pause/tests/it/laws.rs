//! The laws that every projector obeys, on a made-up history with every event.

use relevo_domain::Timestamp;
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{fold, history, laws};
use relevo_projector_pause::{PauseProjector, Query, Sort, counts, paused};

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| PauseProjector, &history(2, 2_000));
}

#[test]
fn counts_are_what_the_lists_say() {
    let (_folder, view) = fold(PauseProjector, &history(5, 2_000));
    let snapshot = view.snapshot().unwrap();
    let mut seen = 0;
    for tenant in ["demo", "demo-b", "peluqueria-sol"] {
        let caller = supervisor(tenant);
        let listed = |reason| {
            let query = Query {
                reason,
                automatic: None,
                channels: &[],
                longer_than: None,
                waiting_longer_than: None,
                sort: Sort::Since,
                visible: &caller,
                now: Timestamp::default(),
                after: None,
                limit: 200,
            };
            paused(&snapshot, &caller.tenant, &query).unwrap().rows
        };
        let counts = counts(&snapshot, &caller.tenant, &caller).unwrap();
        for count in &counts {
            let automatic = listed(Some(count.reason)).iter().filter(|row| row.pause.automatic).count() as u64;
            let manual = listed(Some(count.reason)).len() as u64 - automatic;
            assert_eq!((count.manual, count.automatic), (manual, automatic));
        }
        let all = listed(None).len() as u64;
        assert_eq!(counts.iter().map(|count| count.manual + count.automatic).sum::<u64>(), all);
        seen += all;
    }
    assert!(seen > 0, "a history in which nothing is paused proves nothing");
}
