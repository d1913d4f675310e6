//! Two people who turn out to be one: a merge by a supervisor, an update that shows it, a second conversation of somebody known.
//! After `relevo_command`'s contacts and intake's place.

use relevo_domain::conversation::{Author, Command, Decision, decide};
use relevo_domain::{EntityId, Event, contact};
use relevo_eventlog::{Append, Outcome};

use super::promise::{Promise, Violation};
use super::scene::{self, Who};
use super::world::{Link, Luck, Recorded, World, is_paused};

impl World {
    /// Somebody asks for it: the node looks how far the log is, because a pause that was answered before must be seen.
    pub fn begin_link(&mut self, node: usize, link: Link) {
        self.catch_up(node);
        self.nodes[node].link = Some(link);
    }

    pub fn finish_link(&mut self, node: usize) -> Result<(), Violation> {
        let Some(link) = self.nodes[node].link.take() else { return Ok(()) };
        let stored = match link {
            Link::Merge => self.merge(node)?,
            Link::Identity => self.identity(node)?,
            Link::Opening | Link::BotOpening => self.opens(node, link)?,
        };
        // Who loses against another writer begins anew.
        if !stored {
            self.begin_link(node, link);
        }
        Ok(())
    }

    /// What a node knows of the pauses of the first two conversations.
    fn known_paused(&self, node: usize, n: u8) -> bool {
        self.known(node, n).opened.as_ref().is_some_and(is_paused)
    }

    fn merge(&mut self, node: usize) -> Result<bool, Violation> {
        let command = self.new_command("merge");
        let mut batch = Vec::new();
        for (n, other) in [(0, 1), (1, 0)] {
            if self.known_paused(node, other) && !self.known_paused(node, n) {
                let (entity, state) = (scene::conversation(n), self.known(node, n));
                let envelope = scene::envelope(Who::Relevo, self.now);
                if let Ok(Decision::Append(events)) = decide(&state, &envelope, &Command::PauseLinked) {
                    let events = events.into_iter().map(Event::Conversation).collect();
                    batch.push(self.draft_of(entity, self.base(node, entity), Who::Relevo, &command, events));
                }
            }
        }
        batch.extend(self.both_contacts(node, &command));
        self.stored(node, batch, [0, 1])
    }

    /// The commits by which each of two contacts names the other.
    fn both_contacts(&self, node: usize, command: &relevo_domain::CommandId) -> Vec<Append> {
        let drafts = [(0, 1), (1, 0)].into_iter().filter_map(|(n, other)| {
            let (entity, other) = (scene::contact(n), scene::contact(other));
            let base = self.base(node, entity);
            let merged = contact::Command::Merge { other };
            let role = relevo_domain::access::Role::Supervisor;
            match contact::decide(&self.journal.contact(entity, base), entity, role, &merged) {
                Ok(contact::Decision::Append(events)) => {
                    let events = events.into_iter().map(Event::Contact).collect();
                    Some(self.draft_of(entity, base, Who::Relevo, command, events))
                }
                Ok(contact::Decision::AlreadySo) | Err(_) => None,
            }
        });
        drafts.collect()
    }

    /// The second person writes, and the update names the first one too.
    fn identity(&mut self, node: usize) -> Result<bool, Violation> {
        let message = self.new_message();
        let command = self.new_command("identity");
        let (entity, paused) = (scene::conversation(1), self.known_paused(node, 0));
        let state = self.known(node, 1);
        let update = scene::inbound(1, paused, message);
        let Ok(Decision::Append(events)) = decide(&state, &scene::envelope(Who::Customer, self.now), &update) else {
            return Ok(true);
        };
        let events = events.into_iter().map(Event::Conversation).collect();
        let mut batch = vec![self.draft_of(entity, self.base(node, entity), Who::Customer, &command, events)];
        batch.extend(self.both_contacts(node, &command));
        // The conversation that the update comes to is looked after; the other one is not.
        self.stored(node, batch, [1, 1])
    }

    /// A second conversation of the first contact.
    fn opens(&mut self, node: usize, link: Link) -> Result<bool, Violation> {
        let message = self.new_message();
        let command = self.new_command("open");
        let paused = self.known_paused(node, 0);
        let (who, wish) = if link == Link::Opening {
            (Who::Customer, scene::inbound(2, paused, message))
        } else {
            (Who::Bot, scene::text(Author::Bot, message, Some(scene::place(2, paused))))
        };
        let heeds = self.must_heed(node, 0);
        let recorded = self.record(node, 2, who, &wish, &command, Luck::Good)?;
        let opened = matches!(recorded, Recorded::Stored { .. });
        if opened && heeds && self.must_heed(node, 0) && !self.paused(2) {
            return Err(Violation::NotLinked);
        }
        Ok(true)
    }

    /// Whether somebody was told of a pause that holds, and the node had seen it when it looked. One that came later is a pause of
    /// the first conversation alone, as if it had been asked for after the two became one.
    fn must_heed(&self, node: usize, n: u8) -> bool {
        let view = self.nodes[node].view;
        let heeds = |promise: &Promise| promise.conversation == n && promise.since <= view && self.in_force(promise);
        self.promises.iter().any(heeds)
    }

    /// `paused`: the conversations that must be paused if the other one was.
    fn stored(&mut self, node: usize, batch: Vec<Append>, paused: [u8; 2]) -> Result<bool, Violation> {
        if batch.is_empty() {
            return Ok(true);
        }
        let seen = [0, 1].map(|n| self.must_heed(node, n));
        let entities: Vec<EntityId> = batch.iter().map(|append| append.commit.entity).collect();
        let stored = match self.append(batch, Luck::Good)? {
            Some(Outcome::Applied { .. }) => true,
            Some(Outcome::NotApplied { .. } | Outcome::Unknown) | None => false,
        };
        for entity in entities {
            self.absorb(node, entity);
        }
        // Who resumes one of the two while they become one resumes it afterwards: nothing tells the order.
        let speaks = |n: u8| !self.paused(n) && !self.resumed_since(n, self.nodes[node].view);
        if stored && paused.iter().any(|n| seen[1 - usize::from(*n)] && speaks(*n)) {
            return Err(Violation::NotLinked);
        }
        Ok(stored)
    }
}
