//! The laws that every projector obeys, on a made-up history with every event.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use relevo_domain::EntityKind;
use relevo_projection::ViewSnapshot;
use relevo_projection::testing::story::supervisor;
use relevo_projection::testing::{fold, history, laws};
use relevo_projector_inbox::{Conversation, Filter, InboxProjector, Tab, thread};

use crate::support::{Ask, any_status, with};

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| InboxProjector, &history(2, 1_000));
}

/// Everything that the pages of a query show.
fn all(snapshot: &ViewSnapshot, ask: &Ask<'_>) -> Vec<Conversation> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = Ask { after, ..ask.clone() }.of(snapshot, &ask.visible.tenant);
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

#[test]
fn every_conversation_is_listed_once_and_by_its_holder_and_every_reply_finds_its_thread() {
    let commits = history(5, 2_000);
    let (_folder, view) = fold(InboxProjector, &commits);
    let snapshot = view.snapshot().unwrap();
    for tenant in ["demo", "demo-b", "peluqueria-sol"] {
        let caller = supervisor(tenant);
        let query = |tab| Ask { limit: 5, ..with(&caller, Filter { tab, ..any_status() }) };
        let rows = all(&snapshot, &query(Tab::All));
        let opened: BTreeSet<_> = commits
            .iter()
            .filter(|recorded| recorded.commit.tenant == caller.tenant)
            .map(|recorded| recorded.commit.entity)
            .filter(|entity| entity.kind() == EntityKind::Conversation)
            .collect();
        assert_eq!(rows.iter().map(|row| row.conversation).collect::<BTreeSet<_>>(), opened);
        assert_eq!(rows.len(), opened.len());
        assert!(rows.is_sorted_by_key(|row| (Reverse(row.last_activity), row.conversation)));
        let mut held = all(&snapshot, &query(Tab::Unassigned));
        for agent in rows.iter().filter_map(|row| row.agent.clone()).collect::<BTreeSet<_>>() {
            held.extend(all(&snapshot, &query(Tab::Mine(agent))));
        }
        held.sort_by_key(|row| (Reverse(row.last_activity), row.conversation));
        assert_eq!(held, rows, "mine and unassigned together are all");
        for row in rows {
            let thread = thread(&snapshot, &caller.tenant, row.conversation, &caller, None, 200).unwrap().unwrap();
            assert!(!thread.entries.is_empty());
        }
    }
}
