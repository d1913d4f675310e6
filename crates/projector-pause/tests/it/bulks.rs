//! Bulks as they are listed: how far, what became of each, who sees them, and when they will be finished.

use std::collections::HashSet;
use std::time::Duration;

use relevo_domain::bulk::{Asker, BulkEvent, Changed, Chosen, Counts, OneResult, Outcome, What};
use relevo_domain::conversation::{CatchUp, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::{Actor, AgentId, Caller, EntityId, EntityKind, Event, Position, Role, Scope, Timestamp};
use relevo_projection::testing::story::{agent, staff, supervisor};
use relevo_projection::testing::{Story, fold, history};
use relevo_projector_pause::{PauseProjector, bulk, bulk_results, bulks};

use crate::support::Folded;

const PAUSE: What = What::Pause { reason: PauseReason::Other, terms: PauseTerms { until: None, locked: false } };

fn id(n: u8) -> EntityId {
    EntityId::new(EntityKind::Bulk, [n; 16])
}

fn started(what: What, total: u32, who: &str) -> BulkEvent {
    BulkEvent::Started {
        what,
        total,
        list: [1; 32],
        chosen: Chosen::Filter,
        position: Position::new(1),
        by: Asker { role: Role::Agent, name: AgentId::new(who).unwrap(), scope: Scope::Tenant },
        personal: NotePersonal { text: Some("cierre".to_owned()) },
    }
}

fn one(n: u8, outcome: Outcome) -> OneResult {
    let changed =
        (outcome == Outcome::ChangedSince).then_some(Changed { by: Actor::System, at: Timestamp::from_millis(5) });
    OneResult { conversation: EntityId::new(EntityKind::Conversation, [n; 16]), outcome, version: n.into(), changed }
}

fn progressed(from: u32, results: Vec<OneResult>) -> BulkEvent {
    BulkEvent::Progressed { from, results, worker: "w".to_owned(), until: Timestamp::default() }
}

fn taken() -> BulkEvent {
    BulkEvent::Taken { worker: "w".to_owned(), until: Timestamp::default() }
}

fn tell(story: &mut Story, bulk: EntityId, actor: Actor, events: Vec<BulkEvent>) {
    story.commit(bulk, actor, events.into_iter().map(Event::Bulk).collect());
}

/// Laura's bulk of four, half-way; Martín's, finished and taken back by Carla.
fn story() -> Story {
    let mut story = Story::new();
    tell(&mut story, id(1), staff("laura"), vec![started(PAUSE, 4, "laura")]);
    tell(&mut story, id(1), Actor::System, vec![taken()]);
    story.wait(Duration::from_secs(3));
    let results = vec![one(1, Outcome::Paused), one(2, Outcome::Already), one(3, Outcome::Paused)];
    tell(&mut story, id(1), Actor::System, vec![progressed(0, results)]);
    tell(&mut story, id(2), staff("martin"), vec![started(PAUSE, 1, "martin")]);
    let counts = Counts { paused: 1, ..Counts::default() };
    let end = vec![progressed(0, vec![one(1, Outcome::Paused)]), BulkEvent::Finished { counts }];
    tell(&mut story, id(2), Actor::System, end);
    let undo = What::Undo { of: id(2), catch_up: CatchUp::Know };
    tell(&mut story, id(3), staff("carla"), vec![started(undo, 1, "carla")]);
    tell(&mut story, id(3), Actor::System, vec![progressed(0, vec![one(1, Outcome::ChangedSince)])]);
    story
}

fn laura() -> Caller {
    agent("demo", "laura", &[], &[])
}

#[test]
fn a_bulk_says_how_far_it_is_and_by_whom_it_is_taken_back() {
    let folded = Folded::of(&story());
    let carla = supervisor("demo");
    let half = bulk(&folded.snapshot, &carla, id(1)).unwrap().unwrap();
    assert_eq!((half.total, half.done, half.finished_at), (4, 3, None));
    assert_eq!(half.counts, Counts { paused: 2, already: 1, ..Counts::default() });
    assert!(half.seconds_left.is_some_and(|left| (1..=2).contains(&left)), "{half:?}");
    assert_eq!((half.by.as_str(), half.note.as_deref(), half.undone_by), ("laura", Some("cierre"), None));
    let done = bulk(&folded.snapshot, &carla, id(2)).unwrap().unwrap();
    assert!(done.finished_at.is_some());
    assert_eq!((done.seconds_left, done.undone_by), (Some(0), Some(id(3))));
    let undo = bulk(&folded.snapshot, &carla, id(3)).unwrap().unwrap();
    assert_eq!(undo.what, What::Undo { of: id(2), catch_up: CatchUp::Know });
}

#[test]
fn results_are_in_the_order_of_the_list_by_pages_and_by_outcome() {
    let folded = Folded::of(&story());
    let carla = supervisor("demo");
    let results = |n, among, after: Option<_>, limit| {
        bulk_results(&folded.snapshot, &carla, id(n), among, after.as_ref(), limit).unwrap().unwrap()
    };
    let versions = |page: &relevo_projector_pause::BulkPage<relevo_projector_pause::BulkResult>| {
        page.rows.iter().map(|row| row.version).collect::<Vec<_>>()
    };
    let first = results(1, None, None, 2);
    assert_eq!(versions(&first), [1, 2]);
    let last = results(1, None, first.next, 2);
    assert_eq!((versions(&last), last.next), (vec![3], None));
    assert_eq!(versions(&results(1, Some(Outcome::Paused), None, 9)), [1, 3]);
    assert_eq!(versions(&results(1, Some(Outcome::Error), None, 9)), Vec::<u64>::new());
    let changed = results(3, Some(Outcome::ChangedSince), None, 9);
    assert_eq!(changed.rows[0].changed, Some(Changed { by: Actor::System, at: Timestamp::from_millis(5) }));
}

#[test]
fn an_agent_sees_their_own_and_nobody_another_tenants() {
    let folded = Folded::of(&story());
    let ids = |caller: &Caller, limit| {
        let page = bulks(&folded.snapshot, caller, None, limit).unwrap();
        (page.rows.iter().map(|bulk| bulk.id).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(ids(&supervisor("demo"), 9).0, [id(3), id(2), id(1)], "the newest first");
    assert_eq!(ids(&laura(), 9).0, [id(1)]);
    assert_eq!(ids(&supervisor("demo-b"), 9).0, []);
    let (first, next) = ids(&supervisor("demo"), 1);
    let rest = bulks(&folded.snapshot, &supervisor("demo"), next.as_ref(), 9).unwrap();
    assert_eq!((first, rest.rows.len(), rest.next), (vec![id(3)], 2, None));
    assert!(bulk(&folded.snapshot, &laura(), id(2)).unwrap().is_none());
    assert!(bulk_results(&folded.snapshot, &laura(), id(2), None, None, 9).unwrap().is_none());
    assert!(bulk(&folded.snapshot, &supervisor("demo-b"), id(1)).unwrap().is_none());
}

#[test]
fn counts_are_what_the_results_say() {
    let (_folder, view) = fold(PauseProjector, &history(5, 3_000));
    let snapshot = view.snapshot().unwrap();
    let mut seen = 0;
    for tenant in ["demo", "demo-b", "peluqueria-sol"] {
        let caller = supervisor(tenant);
        for listed in bulks(&snapshot, &caller, None, 200).unwrap().rows {
            let page = bulk_results(&snapshot, &caller, listed.id, None, None, 200).unwrap().unwrap();
            let counts = page.rows.iter().fold(Counts::default(), |counts, one| counts.with(one.outcome));
            assert_eq!((listed.counts, listed.done), (counts, counts.total()));
            let kinds: HashSet<Outcome> = page.rows.iter().map(|one| one.outcome).collect();
            for outcome in kinds {
                let among = bulk_results(&snapshot, &caller, listed.id, Some(outcome), None, 200).unwrap().unwrap();
                assert!(among.rows.iter().all(|one| one.outcome == outcome) && !among.rows.is_empty());
            }
            seen += page.rows.len();
        }
    }
    assert!(seen > 10, "{seen}");
}
