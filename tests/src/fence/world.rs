//! A world of the model: one log, two nodes that know it up to some point, a provider, and what was promised to whom.
//!
//! What is real here: the rules (`decide`, `evolve`), the log in memory with its compare-and-set, what a node answers without an
//! append (it confirms first), and the sender's look at its clock. What is modelled after the code and stands in one place each:
//! how a command is loaded, decided and appended (`relevo_command`: `execute`, `Sends::record`), how a sender goes from a look at its
//! view to the call and to the record (`relevo_sender`: `Lane`, `Attempt`), how two people become one (`ContactRequest`, intake).
//! One step is what no other step can come between; loading, deciding and appending are one, because a node that loads early and
//! appends late is a node whose knowledge is old, and old knowledge is a state of its own here.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use relevo_domain::conversation::{Bot, Command, ConversationEvent, Decision, Opened, Stage, State, decide};
use relevo_domain::{CommandId, Commit, EntityId, EntityKind, Event, MessageId, Timestamp, contact};
use relevo_eventlog::{Append, Faults, MemoryLog, Outcome};

use super::answering::Held;
use super::journal::{Journal, commit_id, draft};
use super::promise::{Promise, Violation};
use super::scene::{self, NOON, Who};
use super::sending::{Flight, Turn};

/// Rounds of loading, deciding and appending in one step; each one lost leaves the node with what is newest.
const ROUNDS_MAX: usize = 8;

/// What is run: the product, or something that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    Real,
    /// The sender looks whether the bot is paused, and then calls: no claim.
    CheckThenAct,
    /// A pause is answered from what the node happens to know.
    StalePause,
    /// A claim is answered from what the node happens to know.
    StaleClaim,
    /// The sender does not look at its clock before the call.
    NoClock,
    /// A bot is given what the node happens to know to be due: no claim.
    StaleTurn,
    /// A bot's reply is decided by what the node happens to know, and written behind whatever there is.
    LateReply,
}

/// What the log does with an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Luck {
    Good,
    /// It is stored, and nobody says so.
    Unsaid,
    /// It is lost, and nobody says so.
    Lost,
    /// It is stored some time after its writer has given up.
    Late,
}

impl Luck {
    pub const fn costs(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Unsaid | Self::Lost | Self::Late => 1,
        }
    }
}

/// What may still happen in this world, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub inbound: u8,
    pub replies: u8,
    pub staff: u8,
    pub pauses: u8,
    pub resumes: u8,
    pub resolves: u8,
    pub waits: u8,
    /// Three days and more.
    pub long_waits: u8,
    pub crashes: u8,
    pub unclear: u8,
    /// Attempts that the provider does not take, or says so.
    pub refusals: u8,
    /// Attempts that the provider says it does not take, and takes.
    pub lies: u8,
    pub reports: u8,
    pub links: u8,
    /// Turns that are given to bots.
    pub turns: u8,
    /// What bots write in turns.
    pub answers: u8,
    /// Turns that bots end, or hand over.
    pub deeds: u8,
}

/// A node: how far its views are, and what it has seen beyond them.
#[derive(Clone, Debug, Default)]
pub struct Node {
    pub view: u64,
    pub ahead: BTreeMap<EntityId, u64>,
    /// What its sender does for each conversation.
    pub turns: BTreeMap<u8, Turn>,
    /// Two people that it is about to make one.
    pub link: Option<Link>,
    /// A turn that it has taken and not given yet.
    pub giving: Option<Held>,
}

/// How two people turn out to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    /// A supervisor says so.
    Merge,
    /// An update shows it: the second person writes with a name of the first.
    Identity,
    /// Known since long; the first one's second conversation is opened by the customer.
    Opening,
    /// The same, opened by the bot.
    BotOpening,
}

/// A pause that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub conversation: u8,
    pub command: usize,
    pub answer: Option<Ready>,
}

/// The answer to a pause, on a node and not yet with who asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ready {
    pub node: usize,
    /// The conversation is paused from this commit on.
    pub since: u64,
    /// For "already so": the commit of the conversation that the answer is made from.
    pub from: Option<u64>,
}

/// What a record came to.
pub enum Recorded {
    Stored { events: Vec<ConversationEvent>, sequence: u64 },
    AlreadySo { base: u64 },
    Rejected,
    Unclear,
}

#[derive(Clone)]
pub struct World {
    pub variant: Variant,
    pub journal: Rc<Journal>,
    pub now: Timestamp,
    pub nodes: [Node; 2],
    pub asked: Vec<Asked>,
    pub promises: Vec<Promise>,
    pub wire: Vec<Flight>,
    /// How often the provider has taken each message.
    pub taken: BTreeMap<MessageId, u8>,
    pub lied: BTreeSet<MessageId>,
    pub late: Vec<Append>,
    /// Turns as bots were given them, those included that are over.
    pub held: Vec<Held>,
    pub left: Budget,
    pub commands: usize,
    pub messages: u8,
    /// Two people may turn out to be one.
    pub linked: bool,
    /// Bots are given turns.
    pub turned: bool,
    /// The log is this world's alone, and draws faults of its own.
    alone: bool,
}

impl World {
    /// Two people, each with a conversation in which they have just written. Both nodes know it.
    pub fn new(variant: Variant, left: Budget) -> Self {
        Self::on(MemoryLog::new(), false, variant, left)
    }

    /// The same on a log that draws what goes wrong.
    pub fn stormy(seed: u64, faults: Faults, variant: Variant, left: Budget) -> Self {
        let log = MemoryLog::with_faults(seed, Faults::default());
        let world = Self::on(log.clone(), true, variant, left);
        log.set_faults(faults);
        world
    }

    fn on(log: MemoryLog, alone: bool, variant: Variant, left: Budget) -> Self {
        let mut world = Self {
            variant,
            journal: Journal::on(log),
            now: NOON,
            nodes: [Node::default(), Node::default()],
            asked: Vec::new(),
            promises: Vec::new(),
            wire: Vec::new(),
            taken: BTreeMap::new(),
            lied: BTreeSet::new(),
            late: Vec::new(),
            held: Vec::new(),
            left,
            commands: 0,
            messages: 0,
            linked: left.links > 0,
            turned: left.turns > 0,
            alone,
        };
        for n in [0, 1] {
            world.meets(n);
            let first = scene::inbound(n, false, world.new_message());
            let command = world.new_command("hello");
            drop(world.record(0, n, Who::Customer, &first, &command, Luck::Good));
        }
        for node in 0..2 {
            world.catch_up(node);
        }
        world
    }

    fn meets(&mut self, n: u8) {
        let channel = scene::place(n, false).channel;
        let created = contact::ContactEvent::Created { channel, personal: contact::NamePersonal::default() };
        let command = self.new_command("meet");
        let append = self.draft_of(scene::contact(n), 0, Who::Relevo, &command, vec![Event::Contact(created)]);
        drop(self.append(vec![append], Luck::Good));
    }

    pub fn new_message(&mut self) -> MessageId {
        self.messages += 1;
        scene::message(self.messages)
    }

    pub fn new_command(&mut self, what: &str) -> CommandId {
        self.commands += 1;
        scene::command_id(what, self.commands)
    }

    // === what a node knows ===

    /// The commit up to which a node knows an entity.
    pub fn base(&self, node: usize, entity: EntityId) -> u64 {
        let node = &self.nodes[node];
        self.journal.sequence(entity, node.view).max(node.ahead.get(&entity).copied().unwrap_or(0))
    }

    pub fn known(&self, node: usize, n: u8) -> State {
        let entity = scene::conversation(n);
        self.journal.conversation(entity, self.base(node, entity))
    }

    /// What a node's views show.
    pub fn shown(&self, node: usize, n: u8) -> State {
        self.journal.conversation(scene::conversation(n), self.nodes[node].view)
    }

    /// What is so.
    pub fn truth(&self, n: u8) -> State {
        self.journal.conversation(scene::conversation(n), self.journal.last())
    }

    pub fn catch_up(&mut self, node: usize) {
        self.nodes[node].view = self.journal.last();
        self.nodes[node].ahead.clear();
    }

    pub fn absorb(&mut self, node: usize, entity: EntityId) {
        let last = self.journal.sequence(entity, self.journal.last());
        self.nodes[node].ahead.insert(entity, last);
    }

    // === commands ===

    /// As `execute` and `Sends::record` do it: look for the command, decide, append; confirm what is answered without an append.
    pub fn record(
        &mut self,
        node: usize,
        n: u8,
        who: Who,
        command: &Command,
        id: &CommandId,
        luck: Luck,
    ) -> Result<Recorded, Violation> {
        let entity = scene::conversation(n);
        for _round in 0..ROUNDS_MAX {
            let base = self.base(node, entity);
            if let Some((events, sequence)) = self.earlier(entity, base, id) {
                return Ok(Recorded::Stored { events, sequence });
            }
            let state = self.journal.conversation(entity, base);
            match decide(&state, &scene::envelope(who, self.now), command) {
                Ok(Decision::Append(events)) => {
                    let drafted = events.iter().cloned().map(Event::Conversation).collect();
                    let append = self.draft_of(entity, base, who, id, drafted);
                    match self.append(vec![append], luck)? {
                        Some(Outcome::Applied { stored, fresh: true }) => {
                            self.nodes[node].ahead.insert(entity, stored[0].sequence);
                            return Ok(Recorded::Stored { events, sequence: stored[0].sequence });
                        }
                        Some(Outcome::Applied { fresh: false, .. } | Outcome::NotApplied { .. }) => {
                            self.absorb(node, entity);
                        }
                        Some(Outcome::Unknown) | None => {
                            self.nodes[node].ahead.remove(&entity);
                            return Ok(Recorded::Unclear);
                        }
                    }
                }
                Ok(Decision::AlreadySo) if self.confirmed(entity, base, command) => {
                    return Ok(Recorded::AlreadySo { base });
                }
                Err(_rejection) if self.confirmed(entity, base, command) => return Ok(Recorded::Rejected),
                Ok(Decision::AlreadySo) | Err(_) => self.absorb(node, entity),
            }
        }
        Ok(Recorded::Unclear)
    }

    /// Whether the leader has nothing newer.
    fn confirmed(&self, entity: EntityId, base: u64, command: &Command) -> bool {
        let careless = self.variant == Variant::StalePause && matches!(command, Command::PauseBot(_));
        careless || self.journal.last_of(entity) == base
    }

    pub fn knows(&self, entity: EntityId, base: u64, id: &CommandId) -> bool {
        self.earlier(entity, base, id).is_some()
    }

    fn earlier(&self, entity: EntityId, base: u64, id: &CommandId) -> Option<(Vec<ConversationEvent>, u64)> {
        let known = self.journal.entries().take(usize::try_from(base).unwrap());
        let mut of_it = known.filter(|entry| entry.recorded.commit.entity == entity);
        let found = &of_it.find(|entry| entry.recorded.commit.command_id == *id)?.recorded;
        let events = found.commit.events.iter().cloned().filter_map(|event| match event {
            Event::Conversation(event) => Some(event),
            Event::Contact(_) | Event::Identity(_) | Event::Channel(_) | Event::Workspace(_) | Event::Bulk(_) => None,
        });
        Some((events.collect(), found.sequence))
    }

    pub fn draft_of(&self, entity: EntityId, base: u64, who: Who, id: &CommandId, events: Vec<Event>) -> Append {
        let commit = Commit {
            // Two drafts of one batch must not have the same.
            id: commit_id((self.journal.last() << 16) + (self.commands as u64) * 8 + u64::from(entity.bytes()[0])),
            tenant: scene::tenant(),
            entity,
            first_version: 0,
            command_id: id.clone(),
            occurred_at: self.now,
            recorded_at: self.now,
            actor: scene::envelope(who, self.now).actor,
            causation: None,
            correlation: None,
            previous_hash: [0; 32],
            intake: None,
            events,
        };
        draft(&self.journal, base, commit)
    }

    /// `None` if nobody says what became of it.
    pub fn append(&mut self, batch: Vec<Append>, luck: Luck) -> Result<Option<Outcome>, Violation> {
        match luck {
            Luck::Lost => return Ok(None),
            Luck::Late => {
                self.late.extend(batch);
                return Ok(None);
            }
            Luck::Good | Luck::Unsaid => {}
        }
        let before = self.journal.last();
        let (journal, outcome) = if self.alone { self.journal.append_here(batch) } else { self.journal.append(batch) };
        self.journal = journal;
        self.looks_right_since(before)?;
        Ok((luck == Luck::Good).then_some(outcome))
    }

    /// What must hold of each commit: a pause ends by a resumption alone, and no conversation has two claims.
    fn looks_right_since(&self, before: u64) -> Result<(), Violation> {
        for entry in self.journal.entries().skip(usize::try_from(before).unwrap()) {
            let (entity, sequence) = (entry.recorded.commit.entity, entry.recorded.sequence);
            if entity.kind() != EntityKind::Conversation {
                continue;
            }
            let paused = |state: &State| state.opened.as_ref().is_some_and(is_paused);
            let was_paused = paused(&self.journal.conversation(entity, sequence - 1));
            let resumed =
                entry.says(|event| matches!(event, Event::Conversation(ConversationEvent::BotResumed { .. })));
            self.keeps_turns(entity, sequence, &entry.recorded.commit.events, entry.recorded.commit.occurred_at)?;
            let now = entry.conversation().cloned().unwrap_or_default();
            if was_paused && !resumed && !paused(&now) {
                return Err(Violation::PauseLost);
            }
            let claimed = |opened: &Opened| {
                opened.outbox.iter().filter(|pending| matches!(pending.stage, Stage::Claimed { .. })).count()
            };
            if now.opened.as_ref().map_or(0, claimed) > 1 {
                return Err(Violation::TwoClaims);
            }
        }
        Ok(())
    }
}

pub fn is_paused(opened: &Opened) -> bool {
    matches!(opened.bot, Bot::Paused { .. })
}
