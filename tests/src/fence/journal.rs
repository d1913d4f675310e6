//! The log of a model's world: the real log in memory, which is copied before it is written to, so that worlds can part.

use std::rc::Rc;

use relevo_domain::conversation::State;
use relevo_domain::{Commit, CommitId, EntityId, EntityKind, Event, Recorded, contact};
use relevo_eventlog::{Append, Log as _, MemoryLog, Outcome};

use super::scene;

/// A log, with the state of its entity behind each commit.
pub struct Journal {
    log: MemoryLog,
    entries: Vec<Rc<Entry>>,
}

/// One commit, and what it made of its entity.
pub struct Entry {
    pub recorded: Recorded,
    state: Folded,
}

enum Folded {
    Conversation(Box<State>),
    Contact(contact::State),
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
}

/// The log in memory waits for nothing but its own pauses.
fn now<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

impl Journal {
    pub fn on(log: MemoryLog) -> Rc<Self> {
        Rc::new(Self { log, entries: Vec::new() })
    }

    /// Sequence of the last commit.
    pub fn last(&self) -> u64 {
        self.entries.len() as u64
    }

    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().map(Rc::as_ref)
    }

    /// Appends to a copy, as the real log decides. The journal is shared by every world that has come this far.
    pub fn append(&self, batch: Vec<Append>) -> (Rc<Self>, Outcome) {
        let log = self.log.truncated(self.entries.len());
        self.append_on(log, batch)
    }

    /// Appends in place: for a single walk, with the faults that the log itself draws.
    pub fn append_here(&self, batch: Vec<Append>) -> (Rc<Self>, Outcome) {
        self.append_on(self.log.clone(), batch)
    }

    fn append_on(&self, log: MemoryLog, batch: Vec<Append>) -> (Rc<Self>, Outcome) {
        let outcome = now(log.append(batch)).unwrap();
        let mut next = Self { log, entries: self.entries.clone() };
        while let Some(recorded) = now(next.log.get(next.last() + 1)).unwrap() {
            let state = next.folded(&recorded);
            next.entries.push(Rc::new(Entry { recorded, state }));
        }
        (Rc::new(next), outcome)
    }

    fn folded(&self, recorded: &Recorded) -> Folded {
        let commit = &recorded.commit;
        let at = self.last();
        if commit.entity.kind() == EntityKind::Contact {
            let state = commit.events.iter().fold(self.contact(commit.entity, at), |state, event| match event {
                Event::Contact(event) => state.evolve(event),
                Event::Conversation(_)
                | Event::Identity(_)
                | Event::Channel(_)
                | Event::Workspace(_)
                | Event::Bulk(_) => state,
            });
            return Folded::Contact(state);
        }
        let state = commit.events.iter().fold(self.conversation(commit.entity, at), |state, event| match event {
            Event::Conversation(event) => state.evolve(event, commit.occurred_at, &commit.actor),
            Event::Contact(_) | Event::Identity(_) | Event::Channel(_) | Event::Workspace(_) | Event::Bulk(_) => state,
        });
        Folded::Conversation(Box::new(state))
    }

    /// The last commit of an entity among the first `at`.
    pub fn entry(&self, entity: EntityId, at: u64) -> Option<&Entry> {
        let until = usize::try_from(at).unwrap().min(self.entries.len());
        self.entries[..until].iter().rev().find(|entry| entry.recorded.commit.entity == entity).map(Rc::as_ref)
    }

    pub fn sequence(&self, entity: EntityId, at: u64) -> u64 {
        self.entry(entity, at).map_or(0, |entry| entry.recorded.sequence)
    }

    /// What the leader says: the same as [`Journal::sequence`] of the end, asked of the log.
    pub fn last_of(&self, entity: EntityId) -> u64 {
        now(self.log.last_of(&scene::tenant(), &entity)).unwrap()
    }

    pub fn conversation(&self, entity: EntityId, at: u64) -> State {
        match self.entry(entity, at).map(|entry| &entry.state) {
            Some(Folded::Conversation(state)) => (**state).clone(),
            Some(Folded::Contact(_)) | None => State::default(),
        }
    }

    pub fn contact(&self, entity: EntityId, at: u64) -> contact::State {
        match self.entry(entity, at).map(|entry| &entry.state) {
            Some(Folded::Contact(state)) => state.clone(),
            Some(Folded::Conversation(_)) | None => contact::State::default(),
        }
    }
}

impl Entry {
    /// The conversation behind this commit.
    pub const fn conversation(&self) -> Option<&State> {
        match &self.state {
            Folded::Conversation(state) => Some(state),
            Folded::Contact(_) => None,
        }
    }

    pub fn says(&self, what: impl Fn(&Event) -> bool) -> bool {
        self.recorded.commit.events.iter().any(what)
    }
}

/// A commit of these events behind the entity's commit `base`.
pub fn draft(journal: &Journal, base: u64, command: Commit) -> Append {
    let before = journal.entry(command.entity, base);
    let first_version = before.map_or(0, |entry| entry.recorded.commit.last_version()) + 1;
    let previous_hash = before.map_or([0; 32], |entry| entry.recorded.hash);
    Append { commit: Commit { first_version, previous_hash, ..command }, expected: base }
}

/// An id of a commit that no other commit of the world has.
pub const fn commit_id(n: u64) -> CommitId {
    CommitId::new((n as u128).to_be_bytes())
}
