//! Bots that answer: a node takes a turn for its bot and gives it; the bot replies, ends the turn or hands over, perhaps late and
//! elsewhere. After `relevo_bot`'s dispatcher: the claim of the turn is a commit, and what the bot is given is read behind it.

use std::time::Duration;

use relevo_domain::conversation::{
    Author, Command, ConversationEvent, Decision, GivenTurn, State, TurnEnd, TurnRef, decide,
};
use relevo_domain::{EntityId, Event, Timestamp};

use super::promise::Violation;
use super::scene::{self, Who};
use super::step::{Step, lucks};
use super::world::{Budget, Luck, Recorded, Variant, World, is_paused};

/// How long a bot has a turn: two waits of the middle length are more.
pub const TURN: Duration = Duration::from_mins(1);

/// A turn that a bot has, or had: a bot does not always know that it is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    pub conversation: u8,
    pub number: u64,
    /// Versions of the conversation that are new in it, and up to which it is something to know.
    pub from: u64,
    pub through: u64,
    pub context_through: u64,
    /// The commit behind which the turn was given.
    pub at: u64,
}

/// What a bot does in a turn besides writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Done,
    Failed,
    HandOff,
}

/// One thing that has to do with turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BotStep {
    /// A node takes a turn for its bot.
    Give {
        node: usize,
        conversation: u8,
        luck: Luck,
    },
    /// The bot gets it.
    Deliver {
        node: usize,
    },
    /// A bot writes in a turn that it was given once.
    Answers {
        node: usize,
        turn: usize,
        more: bool,
    },
    Deed {
        node: usize,
        turn: usize,
        deed: Deed,
    },
}

impl Budget {
    /// Takes what a step costs out of the budget.
    pub const fn pay(&mut self, step: BotStep) {
        match step {
            BotStep::Give { luck, .. } => {
                self.turns -= 1;
                self.unclear -= luck.costs();
            }
            BotStep::Answers { .. } => self.answers -= 1,
            BotStep::Deed { .. } => self.deeds -= 1,
            BotStep::Deliver { .. } => {}
        }
    }
}

impl World {
    pub fn steps_of_dispatcher(&self, node: usize, conversation: u8, steps: &mut Vec<Step>) {
        if self.left.turns > 0 && self.may_give(node, conversation) {
            let give = |luck: &Luck| Step::Bots(BotStep::Give { node, conversation, luck: *luck });
            steps.extend(lucks(self.left.unclear).iter().map(give));
        }
    }

    pub fn steps_of_bots(&self, node: usize, steps: &mut Vec<Step>) {
        if self.nodes[node].giving.is_some() {
            steps.push(Step::Bots(BotStep::Deliver { node }));
        }
        for turn in 0..self.held.len() {
            if self.left.answers > 0 {
                steps.extend([true, false].map(|more| Step::Bots(BotStep::Answers { node, turn, more })));
            }
            if self.left.deeds > 0 {
                let deed = |deed| Step::Bots(BotStep::Deed { node, turn, deed });
                steps.extend([Deed::Done, Deed::Failed, Deed::HandOff].map(deed));
            }
        }
    }

    pub fn bots(&mut self, step: BotStep) -> Result<(), Violation> {
        match step {
            BotStep::Give { node, conversation, luck } => self.give(node, conversation, luck),
            BotStep::Deliver { node } => self.deliver(node),
            BotStep::Answers { node, turn, more } => self.reply(node, turn, more),
            BotStep::Deed { node, turn, deed } => self.deed(node, turn, deed),
        }
    }

    /// Whether a node would take a turn, as its views show the conversation.
    fn may_give(&self, node: usize, n: u8) -> bool {
        let Some(opened) = self.shown(node, n).opened else { return false };
        let over = opened.turns.running.as_ref().is_some_and(|running| running.given.until <= self.now);
        let free = opened.turns.running.is_none() && opened.turns.due.is_some();
        self.nodes[node].giving.is_none() && !is_paused(&opened) && (over || free)
    }

    /// Takes the turn, if there is one.
    fn give(&mut self, node: usize, n: u8, luck: Luck) -> Result<(), Violation> {
        if self.variant == Variant::StaleTurn {
            self.give_unclaimed(node, n);
            return Ok(());
        }
        let id = self.new_command("turn");
        let command = Command::StartTurn { claim: node.to_string(), until: self.now + TURN };
        let Recorded::Stored { events, sequence } = self.record(node, n, Who::Bot, &command, &id, luck)? else {
            return Ok(());
        };
        // A turn that was given as often as it may be ends here.
        let given = events.iter().find_map(|event| match event {
            ConversationEvent::BotTurnStarted(given) => Some(given),
            _other_events => None,
        });
        let Some(given) = given else { return Ok(()) };
        let GivenTurn { from, through, context_through, .. } = **given;
        let held = Held { conversation: n, number: through + 1, from, through, context_through, at: sequence };
        self.nodes[node].giving = Some(held);
        Ok(())
    }

    /// The node gives what it knows to be due, and asks nobody.
    fn give_unclaimed(&mut self, node: usize, n: u8) {
        let state = self.shown(node, n);
        let Some(opened) = state.opened else { return };
        let at = self.journal.last() + 1;
        let from = opened.turns.new_from.unwrap_or(opened.version);
        let (through, context_through) = (opened.version, opened.turns.context_through);
        let held = Held { conversation: n, number: through + 1, from, through, context_through, at };
        self.nodes[node].giving = Some(held);
    }

    /// The bot gets the turn that its node has taken.
    fn deliver(&mut self, node: usize) -> Result<(), Violation> {
        let Some(held) = self.nodes[node].giving.take() else { return Ok(()) };
        let n = held.conversation;
        let mut told = self.promises.iter().filter(|promise| promise.conversation == n && promise.since < held.at);
        if told.any(|promise| self.stood_at(n, promise.since, held.at)) {
            return Err(Violation::GivenWhilePaused);
        }
        for (version, paused) in self.heard(n) {
            let within = (held.from..=held.through).contains(&version);
            if within && paused && version > held.context_through {
                return Err(Violation::NotContext(version));
            }
        }
        self.held.push(held);
        Ok(())
    }

    /// Whether a pause of `since` stood still when the commit behind `at` was made: nobody had resumed the bot.
    fn stood_at(&self, n: u8, since: u64, at: u64) -> bool {
        let resumed = |event: &Event| matches!(event, Event::Conversation(ConversationEvent::BotResumed { .. }));
        let entity = scene::conversation(n);
        let between = self.journal.entries().filter(|entry| (since + 1..at).contains(&entry.recorded.sequence));
        !between.filter(|entry| entry.recorded.commit.entity == entity).any(|entry| entry.says(resumed))
    }

    /// What the customer wrote: its version, and whether the bot was paused then.
    fn heard(&self, n: u8) -> Vec<(u64, bool)> {
        let entity = scene::conversation(n);
        let mut heard = Vec::new();
        for entry in self.journal.entries().filter(|entry| entry.recorded.commit.entity == entity) {
            let commit = &entry.recorded.commit;
            let before = self.journal.conversation(entity, entry.recorded.sequence - 1);
            let paused = before.opened.as_ref().is_some_and(is_paused);
            for (version, event) in (commit.first_version..).zip(&commit.events) {
                if matches!(event, Event::Conversation(ConversationEvent::MessageReceived(_))) {
                    heard.push((version, paused));
                }
            }
        }
        heard
    }

    /// The bot writes in a turn that it was given once. `more`: the turn goes on.
    fn reply(&mut self, node: usize, turn: usize, more: bool) -> Result<(), Violation> {
        let Held { conversation: n, number, .. } = self.held[turn].clone();
        let (message, id) = (self.new_message(), self.new_command("reply"));
        let turn = Some(TurnRef { number, more }).filter(|_| self.variant != Variant::StaleTurn);
        let reply = scene::text_in(Author::Bot, message, turn);
        if self.variant == Variant::LateReply {
            return self.reply_unasked(node, n, &reply);
        }
        let recorded = self.record(node, n, Who::Bot, &reply, &id, Luck::Good)?;
        match recorded {
            Recorded::Stored { sequence, .. } if turn.is_some() => self.was_running(n, number, sequence),
            Recorded::Stored { .. } | Recorded::AlreadySo { .. } | Recorded::Rejected | Recorded::Unclear => Ok(()),
        }
    }

    /// What the node knows says yes, and is written behind whatever there is.
    fn reply_unasked(&mut self, node: usize, n: u8, reply: &Command) -> Result<(), Violation> {
        let (entity, known) = (scene::conversation(n), self.known(node, n));
        let Ok(Decision::Append(events)) = decide(&known, &scene::envelope(Who::Bot, self.now), reply) else {
            return Ok(());
        };
        let (id, base) = (self.new_command("reply"), self.journal.last_of(entity));
        let events = events.into_iter().map(Event::Conversation).collect();
        let draft = self.draft_of(entity, base, Who::Bot, &id, events);
        self.append(vec![draft], Luck::Good).map(drop)
    }

    /// A reply in a turn was stored: it was that turn's still.
    fn was_running(&self, n: u8, number: u64, sequence: u64) -> Result<(), Violation> {
        let before = self.journal.conversation(scene::conversation(n), sequence - 1);
        let running = before.opened.as_ref().and_then(|opened| opened.turns.running.as_ref());
        if running.is_some_and(|running| running.number == number) { Ok(()) } else { Err(Violation::LateReply) }
    }

    fn deed(&mut self, node: usize, turn: usize, deed: Deed) -> Result<(), Violation> {
        let Held { conversation, number: turn, .. } = self.held[turn].clone();
        let command = match deed {
            Deed::Done => Command::EndTurn { turn, how: TurnEnd::Done },
            Deed::Failed => Command::EndTurn { turn, how: TurnEnd::Failed },
            Deed::HandOff => Command::HandOff { turn, note: None },
        };
        let id = self.new_command("deed");
        self.record(node, conversation, Who::Bot, &command, &id, Luck::Good).map(drop)
    }

    /// What must hold of a commit that has to do with turns: none begins while the bot is paused or another one runs, and no
    /// message of the bot is queued while it is paused.
    pub fn keeps_turns(
        &self,
        entity: EntityId,
        sequence: u64,
        events: &[Event],
        now: Timestamp,
    ) -> Result<(), Violation> {
        let State { opened: Some(before) } = self.journal.conversation(entity, sequence - 1) else { return Ok(()) };
        let says = |what: &dyn Fn(&ConversationEvent) -> bool| {
            events.iter().any(|event| matches!(event, Event::Conversation(event) if what(event)))
        };
        if says(&|event| matches!(event, ConversationEvent::BotTurnStarted(_))) {
            if is_paused(&before) {
                return Err(Violation::GivenWhilePaused);
            }
            if before.turns.running.as_ref().is_some_and(|running| now < running.given.until) {
                return Err(Violation::TwoTurns);
            }
        }
        let by_bot = |event: &ConversationEvent| matches!(event, ConversationEvent::MessageQueued(outgoing) if outgoing.author == Author::Bot);
        if is_paused(&before) && says(&by_bot) {
            return Err(Violation::QueuedWhilePaused);
        }
        Ok(())
    }
}
