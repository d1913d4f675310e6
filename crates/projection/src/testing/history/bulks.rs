//! Bulks: from the wish to the last result, some of them taken over by another node on the way.

use rand::RngExt as _;
use relevo_domain::bulk::{Asker, BulkEvent, Changed, Chosen, Counts, OneResult, Outcome, What};
use relevo_domain::conversation::{CatchUp, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::{Actor, AgentId, EntityId, EntityKind, Event, Position, Role, Scope, Timestamp};

use super::Writer;
use crate::testing::must;

/// The most conversations of a made-up bulk.
const MOST: u32 = 7;

impl Writer {
    /// A whole bulk of a tenant, and sometimes the one that takes it back.
    pub(super) fn bulk(&mut self, talk: usize) {
        let pause = What::Pause { reason: PauseReason::Other, terms: PauseTerms::default() };
        let what = if self.random.random_bool(0.7) { pause } else { What::Resume { catch_up: CatchUp::Answer } };
        let of = self.one_bulk(talk, what);
        if matches!(what, What::Pause { .. }) && self.random.random_bool(0.5) {
            self.one_bulk(talk, What::Undo { of, catch_up: CatchUp::Know });
        }
    }

    fn one_bulk(&mut self, talk: usize, what: What) -> EntityId {
        let tenant = self.talks[talk].tenant.clone();
        let id = EntityId::new(EntityKind::Bulk, self.random.random());
        let name = must(AgentId::new("laura"), "name");
        let total = self.random.random_range(0..=MOST);
        let started = BulkEvent::Started {
            what,
            total,
            list: self.random.random(),
            chosen: if matches!(what, What::Undo { .. }) { Chosen::Bulk } else { Chosen::Filter },
            position: Position::new(self.commits.len() as u64),
            by: Asker { role: Role::Supervisor, name: name.clone(), scope: Scope::Tenant },
            personal: NotePersonal { text: Some("cierre por feriado".to_owned()) },
        };
        self.commit(&tenant, id, Actor::Staff(name), vec![Event::Bulk(started)]);
        let (mut from, mut counts) = (0, Counts::default());
        while from < total {
            let worker = format!("node-{}", self.random.random_range(0..2));
            let until = Timestamp::from_millis(self.now + 10_000);
            let taken = BulkEvent::Taken { worker: worker.clone(), until };
            self.commit(&tenant, id, Actor::System, vec![Event::Bulk(taken)]);
            let many = self.random.random_range(1..=total - from);
            let results: Vec<OneResult> = (0..many).map(|_| self.one_result(what)).collect();
            counts = results.iter().fold(counts, |counts, one| counts.with(one.outcome));
            self.commit(
                &tenant,
                id,
                Actor::System,
                vec![Event::Bulk(BulkEvent::Progressed { from, results, worker, until })],
            );
            from += many;
        }
        self.commit(&tenant, id, Actor::System, vec![Event::Bulk(BulkEvent::Finished { counts })]);
        id
    }

    fn one_result(&mut self, what: What) -> OneResult {
        let conversation = self.talks[self.random.random_range(0..self.talks.len())].entity;
        let done = if matches!(what, What::Pause { .. }) { Outcome::Paused } else { Outcome::Resumed };
        let outcomes = [done, Outcome::Already, Outcome::Forbidden, Outcome::Error, Outcome::ChangedSince];
        let outcome = outcomes[self.random.random_range(0..outcomes.len())];
        let at = Timestamp::from_millis(self.now);
        let changed = (outcome == Outcome::ChangedSince).then_some(Changed { by: Actor::System, at });
        let version = if outcome == done { self.random.random_range(1..99) } else { 0 };
        OneResult { conversation, outcome, version, changed }
    }
}
