//! What can happen next in a world, and what it makes of the world.

use std::time::Duration;

use relevo_domain::MessageId;
use relevo_domain::conversation::{Author, CALL_OVER_AFTER, Command, Stage};

use super::answering::BotStep;
use super::promise::{Promise, Violation};
use super::scene::{self, CONVERSATIONS, Who};
use super::sending::{Fate, Turn};
use super::world::{Asked, Link, Luck, Ready, Recorded, Variant, World};

/// Two of these are more than a claim lasts; two of the others more than a claim, a call and everybody's doubt.
const SHORT: Duration = Duration::from_secs(6);
const MIDDLE: Duration = Duration::from_secs(36);
/// After this a customer who writes again begins a new episode, and the window is closed until they do.
const LONG: Duration = Duration::from_hours(80);

/// One thing that happens, all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Inbound {
        node: usize,
        conversation: u8,
    },
    Reply {
        node: usize,
        conversation: u8,
    },
    StaffWrites {
        node: usize,
        conversation: u8,
    },
    Pause {
        node: usize,
        conversation: u8,
        luck: Luck,
    },
    /// Who has no answer asks again, under the same id, perhaps elsewhere.
    PauseAgain {
        node: usize,
        asked: usize,
        luck: Luck,
    },
    Answer {
        asked: usize,
    },
    Resume {
        node: usize,
        conversation: u8,
    },
    Resolve {
        node: usize,
        conversation: u8,
    },
    Reopen {
        node: usize,
        conversation: u8,
    },
    BeginLink {
        node: usize,
        link: Link,
    },
    FinishLink {
        node: usize,
    },
    Ask {
        node: usize,
        conversation: u8,
    },
    Claim {
        node: usize,
        conversation: u8,
        luck: Luck,
    },
    Call {
        node: usize,
        conversation: u8,
    },
    Reach {
        flight: usize,
        fate: Fate,
    },
    Tell {
        node: usize,
        conversation: u8,
        luck: Luck,
    },
    Doubt {
        node: usize,
        conversation: u8,
    },
    Delivered {
        node: usize,
        conversation: u8,
        message: u8,
    },
    CatchUp {
        node: usize,
    },
    LateArrival,
    Wait {
        seconds: u64,
    },
    Crash {
        node: usize,
    },
    Bots(BotStep),
}

pub const fn lucks(unclear: u8) -> &'static [Luck] {
    if unclear == 0 { &[Luck::Good] } else { &[Luck::Good, Luck::Unsaid, Luck::Lost, Luck::Late] }
}

impl World {
    /// Everything that can happen now.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for node in 0..self.nodes.len() {
            // Where nobody turns out to be somebody else, one conversation says all.
            let in_play = if self.linked { 3 } else { 1 };
            for conversation in CONVERSATIONS.into_iter().take(in_play) {
                if self.truth(conversation).opened.is_some() {
                    self.steps_of_people(node, conversation, &mut steps);
                    self.steps_of_sender(node, conversation, &mut steps);
                    self.steps_of_dispatcher(node, conversation, &mut steps);
                }
            }
            self.steps_of_bots(node, &mut steps);
            self.steps_of_node(node, &mut steps);
        }
        for (asked, pause) in self.asked.iter().enumerate() {
            if pause.answer.is_some() {
                steps.push(Step::Answer { asked });
            } else {
                let again = |node| lucks(self.left.unclear).iter().map(move |luck| (node, *luck));
                steps.extend((0..2).flat_map(again).map(|(node, luck)| Step::PauseAgain { node, asked, luck }));
            }
        }
        for flight in 0..self.wire.len() {
            let fate = |fate| Step::Reach { flight, fate };
            steps.extend([Fate::Taken, Fate::Silent].map(fate));
            if self.left.refusals > 0 {
                steps.extend([Fate::Refused, Fate::Gone].map(fate));
            }
            if self.left.lies > 0 {
                steps.push(fate(Fate::Lied));
            }
        }
        if !self.late.is_empty() {
            steps.push(Step::LateArrival);
        }
        if self.left.waits > 0 {
            steps.extend([SHORT, MIDDLE].map(|time| Step::Wait { seconds: time.as_secs() }));
        }
        if self.left.long_waits > 0 {
            steps.push(Step::Wait { seconds: LONG.as_secs() });
        }
        steps
    }

    fn steps_of_people(&self, node: usize, conversation: u8, steps: &mut Vec<Step>) {
        let left = &self.left;
        if left.inbound > 0 {
            steps.push(Step::Inbound { node, conversation });
        }
        if left.replies > 0 {
            steps.push(Step::Reply { node, conversation });
        }
        if left.staff > 0 {
            steps.push(Step::StaffWrites { node, conversation });
        }
        if left.pauses > 0 {
            steps.extend(lucks(left.unclear).iter().map(|luck| Step::Pause { node, conversation, luck: *luck }));
        }
        if left.resumes > 0 {
            steps.push(Step::Resume { node, conversation });
        }
        if left.resolves > 0 {
            steps.extend([Step::Resolve { node, conversation }, Step::Reopen { node, conversation }]);
        }
        if left.reports > 0 {
            let of_it = self.sent_in(conversation);
            steps.extend(of_it.map(|message| Step::Delivered { node, conversation, message }));
        }
    }

    /// Messages of a conversation that the provider took.
    fn sent_in(&self, n: u8) -> impl Iterator<Item = u8> {
        let queued = move |message: &MessageId| self.is_queued_in(n, *message);
        self.taken.keys().filter(move |message| queued(message)).map(|message| message.bytes()[0])
    }

    fn steps_of_sender(&self, node: usize, conversation: u8, steps: &mut Vec<Step>) {
        match self.nodes[node].turns.get(&conversation) {
            None => {
                if self.may_ask(node, conversation) {
                    steps.push(Step::Ask { node, conversation });
                }
                if self.may_doubt(node, conversation) {
                    steps.push(Step::Doubt { node, conversation });
                }
            }
            Some(Turn::Asking { .. }) => {
                let lucks = lucks(self.left.unclear).iter();
                steps.extend(lucks.map(|luck| Step::Claim { node, conversation, luck: *luck }));
            }
            Some(Turn::Holding { .. }) => steps.push(Step::Call { node, conversation }),
            Some(Turn::Calling { .. }) => {}
            Some(Turn::Telling { .. }) => {
                let lucks = lucks(self.left.unclear).iter();
                steps.extend(lucks.map(|luck| Step::Tell { node, conversation, luck: *luck }));
            }
        }
    }

    fn steps_of_node(&self, node: usize, steps: &mut Vec<Step>) {
        if self.nodes[node].view < self.journal.last() {
            steps.push(Step::CatchUp { node });
        }
        let forgets = &self.nodes[node];
        if self.left.crashes > 0 && !(forgets.turns.is_empty() && forgets.ahead.is_empty() && forgets.giving.is_none())
        {
            steps.push(Step::Crash { node });
        }
        if self.nodes[node].link.is_some() {
            steps.push(Step::FinishLink { node });
        } else if self.left.links > 0 {
            let links = [Link::Merge, Link::Identity, Link::Opening, Link::BotOpening];
            steps.extend(links.map(|link| Step::BeginLink { node, link }));
        }
    }

    /// What is so afterwards, or how it went wrong.
    pub fn after(&self, step: Step) -> Result<Self, Violation> {
        let mut next = self.clone();
        next.happens(step)?;
        Ok(next)
    }

    pub fn happens(&mut self, step: Step) -> Result<(), Violation> {
        self.pays(step);
        match step {
            Step::Inbound { node, conversation } => {
                let update = scene::inbound(conversation, false, self.new_message());
                self.does(node, conversation, Who::Customer, &update)
            }
            Step::Reply { node, conversation } => {
                let reply = scene::text(Author::Bot, self.new_message(), None);
                self.does(node, conversation, Who::Bot, &reply)
            }
            Step::StaffWrites { node, conversation } => {
                let text = scene::text(Author::Staff, self.new_message(), None);
                self.does(node, conversation, Who::Staff, &text)
            }
            Step::Pause { node, conversation, luck } => {
                self.commands += 1;
                self.asked.push(Asked { conversation, command: self.commands, answer: None });
                self.pause(node, self.asked.len() - 1, luck)
            }
            Step::PauseAgain { node, asked, luck } => self.pause(node, asked, luck),
            Step::Answer { asked } => self.answer(asked),
            Step::Resume { node, conversation } => self.does(node, conversation, Who::Staff, &scene::resume()),
            Step::Resolve { node, conversation } => {
                self.does(node, conversation, Who::Staff, &Command::Resolve { reason: None, note: None })
            }
            Step::Reopen { node, conversation } => self.does(node, conversation, Who::Staff, &Command::Reopen),
            Step::BeginLink { node, link } => {
                self.begin_link(node, link);
                Ok(())
            }
            Step::FinishLink { node } => self.finish_link(node),
            Step::Ask { node, conversation } => {
                self.ask(node, conversation);
                Ok(())
            }
            Step::Claim { node, conversation, luck } => self.claim(node, conversation, luck),
            Step::Call { node, conversation } => self.write(node, conversation),
            Step::Reach { flight, fate } => self.reach(flight, fate),
            Step::Tell { node, conversation, luck } => self.tell(node, conversation, luck),
            Step::Doubt { node, conversation } => {
                self.doubt(node, conversation);
                Ok(())
            }
            Step::Delivered { node, conversation, message } => {
                let report = scene::delivered(scene::message(message), self.now);
                self.does(node, conversation, Who::Provider, &report)
            }
            Step::CatchUp { node } => {
                self.catch_up(node);
                Ok(())
            }
            Step::LateArrival => {
                let append = self.late.remove(0);
                self.append(vec![append], Luck::Good).map(drop)
            }
            Step::Wait { seconds } => {
                self.wait(seconds);
                Ok(())
            }
            Step::Crash { node } => {
                self.crash(node);
                Ok(())
            }
            Step::Bots(step) => self.bots(step),
        }
    }

    /// Takes what a step costs out of the budget.
    const fn pays(&mut self, step: Step) {
        let left = &mut self.left;
        match step {
            Step::Inbound { .. } => left.inbound -= 1,
            Step::Reply { .. } => left.replies -= 1,
            Step::StaffWrites { .. } => left.staff -= 1,
            Step::Pause { luck, .. } => {
                left.pauses -= 1;
                left.unclear -= luck.costs();
            }
            Step::PauseAgain { luck, .. } | Step::Claim { luck, .. } | Step::Tell { luck, .. } => {
                left.unclear -= luck.costs();
            }
            Step::Resume { .. } => left.resumes -= 1,
            Step::Resolve { .. } | Step::Reopen { .. } => left.resolves -= 1,
            Step::BeginLink { .. } => left.links -= 1,
            Step::Reach { fate: Fate::Refused | Fate::Gone, .. } => left.refusals -= 1,
            Step::Reach { fate: Fate::Lied, .. } => left.lies -= 1,
            Step::Delivered { .. } => left.reports -= 1,
            Step::Wait { seconds } if seconds == LONG.as_secs() => left.long_waits -= 1,
            Step::Wait { .. } => left.waits -= 1,
            Step::Crash { .. } => left.crashes -= 1,
            Step::Bots(step) => left.pay(step),
            Step::Answer { .. }
            | Step::FinishLink { .. }
            | Step::Ask { .. }
            | Step::Call { .. }
            | Step::Reach { fate: Fate::Taken | Fate::Silent, .. }
            | Step::Doubt { .. }
            | Step::CatchUp { .. }
            | Step::LateArrival => {}
        }
    }

    fn does(&mut self, node: usize, n: u8, who: Who, command: &Command) -> Result<(), Violation> {
        let id = self.new_command("do");
        self.record(node, n, who, command, &id, Luck::Good).map(drop)
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.give_calls_up();
    }

    /// Everything that the node had in memory is gone; what it has written is not.
    fn crash(&mut self, node: usize) {
        let crashed = &mut self.nodes[node];
        crashed.ahead.clear();
        crashed.turns.clear();
        crashed.link = None;
        crashed.giving = None;
        for asked in &mut self.asked {
            asked.answer = asked.answer.take().filter(|ready| ready.node != node);
        }
    }

    // === pausing ===

    fn pause(&mut self, node: usize, asked: usize, luck: Luck) -> Result<(), Violation> {
        let Asked { conversation: n, command, .. } = self.asked[asked];
        let id = scene::command_id("pause", command);
        let last = self.journal.last();
        self.asked[asked].answer = match self.record(node, n, Who::Staff, &scene::pause(), &id, luck)? {
            Recorded::Stored { sequence, .. } => Some(Ready { node, since: sequence, from: None }),
            Recorded::AlreadySo { base } => {
                // A leak shows by itself; that is what a careless answer is to be caught by.
                if !self.paused(n) && self.variant != Variant::StalePause {
                    return Err(Violation::AlreadySoIsNotSo);
                }
                Some(Ready { node, since: last, from: Some(base) })
            }
            Recorded::Rejected | Recorded::Unclear => None,
        };
        Ok(())
    }

    /// The answer is made from what its node knows now, and reaches who asked.
    fn answer(&mut self, asked: usize) -> Result<(), Violation> {
        let Asked { conversation, answer, .. } = self.asked.remove(asked);
        let Some(Ready { node, since, from }) = answer else { return Ok(()) };
        let entity = scene::conversation(conversation);
        let state = self.journal.conversation(entity, from.unwrap_or_else(|| self.base(node, entity)));
        let Some(opened) = state.opened else { return Ok(()) };
        let listed: Vec<_> = opened.on_the_wire(Author::Bot, self.now).collect();
        if listed.len() > 1 {
            return Err(Violation::ListedMany(listed.len()));
        }
        for pending in &listed {
            if let Stage::Claimed { until, .. } = pending.stage
                && until + CALL_OVER_AFTER <= self.now
            {
                return Err(Violation::ListedOld(pending.id));
            }
        }
        let listed = listed.into_iter().map(|pending| pending.id).collect();
        self.promises.push(Promise { conversation, since, listed });
        Ok(())
    }
}
