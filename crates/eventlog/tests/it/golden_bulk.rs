//! Bulks in the event corpus.

use relevo_domain::bulk::{Asker, BulkEvent, Changed, Chosen, Counts, OneResult, Outcome, What};
use relevo_domain::conversation::{CatchUp, PauseReason, PauseTerms};
use relevo_domain::{Actor, ChannelId, EntityId, EntityKind, Event, Position, Role, Scope, TeamId, Timestamp};
use relevo_eventlog::codec;

use crate::golden::{agent, commit, note};

fn started(what: What, scope: Scope) -> BulkEvent {
    BulkEvent::Started {
        what,
        total: 3,
        list: [4; 32],
        chosen: Chosen::Filter,
        position: Position::new(77),
        by: Asker { role: Role::Agent, name: agent(), scope },
        personal: note(),
    }
}

fn granted() -> Scope {
    Scope::Granted {
        channels: [ChannelId::new("wa-main").unwrap()].into(),
        teams: [TeamId::new("ventas").unwrap()].into(),
    }
}

fn one(n: u8, outcome: Outcome) -> OneResult {
    let changed = (outcome == Outcome::ChangedSince)
        .then(|| Changed { by: Actor::Staff(agent()), at: Timestamp::from_millis(1_790_000_000_003) });
    OneResult { conversation: EntityId::new(EntityKind::Conversation, [n; 16]), outcome, version: n.into(), changed }
}

/// One of each.
pub(crate) fn events() -> [BulkEvent; 4] {
    let (worker, until) = ("node-1".to_owned(), Timestamp::from_millis(1_790_000_010_000));
    let terms = PauseTerms { until: Some(Timestamp::from_millis(1_790_000_600_000)), locked: false };
    let results = (1..).zip(Outcome::ALL).map(|(n, outcome)| one(n, outcome)).collect();
    let counts = Counts { paused: 1, resumed: 2, already: 3, forbidden: 4, errors: 5, changed_since: 6 };
    [
        started(What::Pause { reason: PauseReason::Other, terms }, granted()),
        BulkEvent::Taken { worker: worker.clone(), until },
        BulkEvent::Progressed { from: 500, results, worker, until },
        BulkEvent::Finished { counts },
    ]
}

/// One of each kind, on all terms.
pub(crate) fn every_kind() -> Vec<BulkEvent> {
    let of = EntityId::new(EntityKind::Bulk, [9; 16]);
    let kinds = [
        What::Pause { reason: PauseReason::Complaint, terms: PauseTerms { until: None, locked: true } },
        What::Resume { catch_up: CatchUp::Answer },
        What::Undo { of, catch_up: CatchUp::Answer },
    ];
    kinds.map(|what| started(what, Scope::Tenant)).into()
}

pub(crate) const fn variants(event: &BulkEvent) -> usize {
    match event {
        BulkEvent::Started { .. }
        | BulkEvent::Taken { .. }
        | BulkEvent::Progressed { .. }
        | BulkEvent::Finished { .. } => 4,
    }
}

/// A golden holds one kind of bulk; all of them must come back.
#[test]
fn every_kind_of_bulk_comes_back() {
    let of = EntityId::new(EntityKind::Bulk, [9; 16]);
    let kinds = [
        What::Pause { reason: PauseReason::Complaint, terms: PauseTerms { until: None, locked: true } },
        What::Pause { reason: PauseReason::Complaint, terms: PauseTerms::default() },
        What::Resume { catch_up: CatchUp::Know },
        What::Resume { catch_up: CatchUp::Answer },
        What::Undo { of, catch_up: CatchUp::Answer },
    ];
    let none = BulkEvent::Progressed {
        from: 0,
        results: Vec::new(),
        worker: String::new(),
        until: Timestamp::from_millis(-1),
    };
    for event in kinds.map(|what| started(what, Scope::Tenant)).into_iter().chain([none]) {
        let whole = commit(Event::Bulk(event));
        assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
    }
}
