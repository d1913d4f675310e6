//! What counts, found by searching the list of what happened in a conversation.

use std::collections::BTreeMap;

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::message::{Author, Message};
use relevo_domain::conversation::{Body, ConversationEvent, EpisodeCause, ReopenCause};
use relevo_domain::{Actor, EntityId, Event, MessageId, Recorded};

use super::{Counted, Expected};

pub(super) type All = BTreeMap<&'static str, Expected>;

/// One thing that happened, as the commit says.
pub(super) struct Happened<'a> {
    at: i64,
    pub(super) recorded_at: i64,
    by: &'a Actor,
    event: &'a ConversationEvent,
    /// The last of its commit.
    last: bool,
}

/// A conversation: everything that happened, in the order of the log.
pub(super) struct Talk<'a>(pub(super) Vec<Happened<'a>>);

/// Every metric of one tenant's commits.
pub(super) fn everything(commits: &[&Recorded]) -> All {
    let mut all = All::new();
    let mut talks: BTreeMap<EntityId, Talk<'_>> = BTreeMap::new();
    for recorded in commits {
        let commit = &recorded.commit;
        for (index, event) in commit.events.iter().enumerate() {
            match event {
                Event::Conversation(event) => {
                    let (at, recorded_at) = (commit.occurred_at.as_millis(), commit.recorded_at.as_millis());
                    let last = index + 1 == commit.events.len();
                    let talk = talks.entry(commit.entity).or_insert_with(|| Talk(Vec::new()));
                    talk.0.push(Happened { at, recorded_at, by: &commit.actor, event, last });
                }
                Event::Channel(ChannelEvent::DeliveryReported(report)) => {
                    let labels = vec![report.status.as_str().to_owned()];
                    let whose = [const { String::new() }; 3];
                    put(&mut all, "delivery_reports", commit.occurred_at.as_millis(), whose, labels, 1);
                }
                _ => {}
            }
        }
    }
    for talk in talks.values() {
        talk.volumes(&mut all);
        talk.episodes(&mut all);
        talk.pauses(&mut all);
        talk.intervention(&mut all);
        talk.levels(&mut all);
        talk.deliveries(&mut all);
        talk.failures(&mut all);
    }
    all
}

pub(super) fn put(all: &mut All, metric: &'static str, at: i64, whose: [String; 3], labels: Vec<String>, value: i64) {
    all.entry(metric).or_default().0.push(Counted { at, whose, labels, value });
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

fn manner(automatic: bool) -> &'static str {
    if automatic { "automatic" } else { "manual" }
}

impl Talk<'_> {
    pub(super) fn event(&self, index: usize) -> &ConversationEvent {
        self.0[index].event
    }

    pub(super) fn at(&self, index: usize) -> i64 {
        self.0[index].at
    }

    fn all(&self, is: impl Fn(&ConversationEvent) -> bool) -> Vec<usize> {
        (0..self.0.len()).filter(|index| is(self.event(*index))).collect()
    }

    /// Whose it is before the thing at `index`.
    pub(super) fn whose(&self, index: usize) -> [String; 3] {
        let ConversationEvent::Opened { channel, .. } = self.event(0) else { panic!("begins with opening") };
        let assigned = (0..index).rev().find_map(|earlier| match self.event(earlier) {
            ConversationEvent::Assigned { agent, team, .. } => Some([
                team.as_ref().map(ToString::to_string).unwrap_or_default(),
                agent.as_ref().map(ToString::to_string).unwrap_or_default(),
            ]),
            _ => None,
        });
        let [team, agent] = assigned.unwrap_or_default();
        [channel.to_string(), team, agent]
    }

    /// The same, but what is written on the phone is nobody's.
    fn nobodys(&self, index: usize) -> [String; 3] {
        let [channel, team, _] = self.whose(index);
        [channel, team, String::new()]
    }

    /// How many of the first things came in as history: they count nowhere.
    fn history(&self) -> usize {
        let is = |event: &ConversationEvent| {
            matches!(event, ConversationEvent::EpisodeStarted { cause: EpisodeCause::Imported, .. })
        };
        let last = |one: &Happened<'_>| one.last;
        if self.all(is).is_empty() { 0 } else { self.0.iter().position(last).unwrap() + 1 }
    }

    /// Of what came in as history: where somebody reopened it first.
    fn begins(&self) -> Option<usize> {
        let history = self.history();
        let begins = |index: &usize| {
            matches!(self.event(*index), ConversationEvent::Reopened { .. } | ConversationEvent::EpisodeStarted { .. })
        };
        if history == 0 { None } else { (history..self.0.len()).find(begins) }
    }

    fn volumes(&self, all: &mut All) {
        for index in self.history()..self.0.len() {
            let mut one = |metric, labels| put(all, metric, self.at(index), self.whose(index), labels, 1);
            match self.event(index) {
                ConversationEvent::Opened { .. } => one("conversations_opened", vec![]),
                ConversationEvent::Reopened { cause, .. } if self.begins() == Some(index) => {
                    one("conversations_opened", vec![]);
                    let staff = *cause == ReopenCause::Staff;
                    one("episodes_started", words([if staff { "business_message" } else { "customer_message" }]));
                }
                ConversationEvent::EpisodeStarted { cause: EpisodeCause::CustomerMessage, .. } => {
                    if self.begins() == Some(index) {
                        one("conversations_opened", vec![]);
                    }
                    one("episodes_started", words(["customer_message"]));
                }
                ConversationEvent::EpisodeStarted { cause: EpisodeCause::BusinessMessage, .. } => {
                    one("episodes_started", words(["business_message"]));
                }
                ConversationEvent::MessageReceived(message) => {
                    one("messages_in", words([if message.is_a_persons_words() { "person" } else { "automatic" }]));
                }
                ConversationEvent::MessageEchoed(_) => {
                    put(all, "messages_out", self.at(index), self.nobodys(index), words(["phone_app"]), 1);
                }
                ConversationEvent::MessageAccepted { message, .. } => {
                    let Some(queued) = self.queued(*message).filter(|_| self.taken(*message) == Some(index)) else {
                        continue;
                    };
                    let (labels, whose) = (words([self.written_by(queued)]), self.senders(queued));
                    let waited = (self.at(index) - self.at(queued)).max(0);
                    put(all, "messages_out", self.at(queued), whose.clone(), labels.clone(), 1);
                    put(all, "delivery_to_accepted", self.at(index), whose, labels, waited);
                }
                ConversationEvent::Resolved { reason, .. } => {
                    one("episodes_resolved", words([reason.as_deref().unwrap_or_default()]));
                }
                ConversationEvent::Reopened { cause: ReopenCause::CustomerMessage, .. } => {
                    one("episodes_reopened", words(["customer_message"]));
                }
                ConversationEvent::Reopened { cause: ReopenCause::Staff, .. } => {
                    one("episodes_reopened", words(["staff"]));
                }
                ConversationEvent::BotPaused { reason, automatic, .. } => {
                    one("pauses", words([reason.as_str(), manner(*automatic)]));
                }
                ConversationEvent::DeliveryReported(report) => one("delivery_reports", words([report.status.as_str()])),
                _ => {}
            }
        }
    }

    fn episodes(&self, all: &mut All) {
        let mut starts = self.all(|event| matches!(event, ConversationEvent::EpisodeStarted { .. }));
        if self.history() > 0 {
            let Some(begins) = self.begins() else { return };
            starts.retain(|start| *start > begins);
            starts.insert(0, begins);
        }
        starts.push(self.0.len());
        for span in starts.windows(2) {
            self.episode(all, span[0], span[1]);
        }
    }

    fn episode(&self, all: &mut All, start: usize, end: usize) {
        let within = |is: &dyn Fn(&ConversationEvent) -> bool| -> Vec<usize> {
            (start..end).filter(|index| is(self.event(*index))).collect()
        };
        let asked = within(&|event| matches!(event, ConversationEvent::MessageReceived(message) if person(message)));
        // Whatever was said in the episode: when it counts (on the log), and since when (by order and time).
        let mut said: Vec<(usize, usize)> = within(&|event| match event {
            ConversationEvent::MessageEchoed(message) => phone(message),
            ConversationEvent::MessageAccepted { .. } => true,
            _ => false,
        })
        .into_iter()
        .filter_map(|index| match self.event(index) {
            ConversationEvent::MessageAccepted { message, .. } => {
                let queued = self.queued(*message).filter(|queued| start <= *queued)?;
                (self.taken(*message) == Some(index) && self.written_by(queued) != "system").then_some((index, queued))
            }
            _ => Some((index, index)),
        })
        .collect();
        said.sort_unstable();
        let ends = within(&|event| matches!(event, ConversationEvent::Resolved { .. }));

        // A response: something said after, by order and by time, the oldest question since the last end before it was written
        // that nothing said by a person before answers.
        let human = |said: usize| self.written_by(said) != "bot";
        let responses: Vec<_> = said
            .iter()
            .filter_map(|(counts, reply)| {
                let since = ends.iter().copied().rfind(|index| *index < *reply).unwrap_or(start);
                let open = asked.iter().copied().filter(|index| since < *index && *index < *reply);
                let earlier = |until: usize| said.iter().filter(move |(counts, _)| *counts < until);
                // What had its answer when this was written.
                let open = open.filter(|question| {
                    earlier(*reply)
                        .filter(|(_, at)| human(*at))
                        .all(|(counts, at)| !self.answers((*counts, *at), *question))
                });
                let asked_at = open.map(|question| self.at(question)).min()?;
                // What was answered while it was on its way.
                let meanwhile = earlier(*counts).filter(|(_, at)| human(*at)).map(|(_, at)| self.at(*at)).max();
                let still = counts == reply || meanwhile.is_none_or(|answered| asked_at > answered);
                (still && asked_at <= self.at(*reply)).then(|| (*reply, self.at(*reply) - asked_at))
            })
            .collect();
        for (number, (reply, waited)) in responses.iter().enumerate() {
            let mut one = |metric| {
                let labels = words([self.written_by(*reply)]);
                put(all, metric, self.at(*reply), self.senders(*reply), labels, *waited);
            };
            if number == 0 {
                one("first_response_any");
            }
            if human(*reply) {
                let first = !responses[..number].iter().any(|(earlier, _)| human(*earlier));
                one(if first { "first_response_human" } else { "next_response" });
            }
        }
        if let (Some(first), Some(last)) = (ends.first(), ends.last()) {
            let took = |end: usize| (self.at(end) - self.at(start)).max(0);
            put(all, "resolution_first", self.at(*first), self.whose(*first), vec![], took(*first));
            put(all, "resolution_full", self.at(*last), self.whose(*last), vec![], took(*last));
        }
    }

    /// Whether what was said, and counted then, answers a question: later by time, or of the same moment and counted later.
    fn answers(&self, (counts, said): (usize, usize), question: usize) -> bool {
        (self.at(said), counts) > (self.at(question), question)
    }

    /// Where a message was queued, unless it is a reaction.
    pub(super) fn queued(&self, message: MessageId) -> Option<usize> {
        let is = |event: &ConversationEvent| match event {
            ConversationEvent::MessageQueued(outgoing) => {
                outgoing.id == message && !matches!(outgoing.body, Body::Reaction { .. })
            }
            _ => false,
        };
        self.all(is).first().copied()
    }

    /// Where it was taken first.
    pub(super) fn taken(&self, message: MessageId) -> Option<usize> {
        let is = |event: &ConversationEvent| matches!(event, ConversationEvent::MessageAccepted { message: taken, .. } if *taken == message);
        self.all(is).first().copied()
    }

    /// Whose word it was at `index`.
    fn written_by(&self, index: usize) -> &'static str {
        match self.event(index) {
            ConversationEvent::MessageQueued(outgoing) => match outgoing.author {
                Author::Staff => "staff",
                Author::Bot => "bot",
                Author::System => "system",
                Author::Customer | Author::PhoneApp => panic!("does not queue"),
            },
            _ => "phone_app",
        }
    }

    /// The conversation's, with who wrote in the agent's place.
    pub(super) fn senders(&self, index: usize) -> [String; 3] {
        let [channel, team, _] = self.whose(index);
        let agent = match self.0[index].by {
            Actor::Staff(name) | Actor::Bot(name) => name.to_string(),
            _ => String::new(),
        };
        [channel, team, agent]
    }

    fn pauses(&self, all: &mut All) {
        let pauses = self.all(|event| matches!(event, ConversationEvent::BotPaused { .. }));
        for pause in pauses.into_iter().filter(|index| *index >= self.history()) {
            let ConversationEvent::BotPaused { reason, automatic, .. } = self.event(pause) else { continue };
            let end = (pause..self.0.len()).find_map(|index| match self.event(index) {
                ConversationEvent::BotResumed { .. } => Some((index, "resumed")),
                ConversationEvent::Resolved { .. } => Some((index, "resolved")),
                _ => None,
            });
            let Some((index, end)) = end else { continue };
            let took = (self.at(index) - self.at(pause)).max(0);
            let band = match took as f64 / 60_000.0 {
                minutes if minutes < 5.0 => "under_5m",
                minutes if minutes <= 15.0 => "5_to_15m",
                minutes if minutes <= 30.0 => "15_to_30m",
                _ => "over_30m",
            };
            let labels = words([reason.as_str(), manner(*automatic), end, band]);
            put(all, "pause_resolution", self.at(index), self.whose(index), labels, took);
        }
    }

    fn intervention(&self, all: &mut All) {
        let wrote = self.all(|event| matches!(event, ConversationEvent::MessageReceived(message) if person(message)));
        let Some(first) = wrote.first() else { return };
        let paused = self.all(|event| matches!(event, ConversationEvent::BotPaused { automatic: false, .. }));
        let cohort = self.begins().filter(|begins| begins < first).unwrap_or(0);
        put(all, "intervention", self.at(cohort), self.whose(*first), vec![], i64::from(!paused.is_empty()));
    }

    /// The status after the thing at `index`.
    fn status(&self, index: usize) -> &'static str {
        let found = (0..=index).rev().find_map(|index| match self.event(index) {
            ConversationEvent::EpisodeStarted { .. }
            | ConversationEvent::Reopened { .. }
            | ConversationEvent::ReturnedToOpen { .. } => Some("open"),
            ConversationEvent::MarkedPending { .. } => Some("pending"),
            ConversationEvent::Snoozed { .. } => Some("snoozed"),
            ConversationEvent::Resolved { .. } => Some("resolved"),
            _ => None,
        });
        found.unwrap_or("open")
    }

    /// What the conversation is after each commit: the backlog's changes and the spans of open time.
    fn levels(&self, all: &mut All) {
        let after: Vec<([String; 3], &str)> = (0..self.0.len())
            .filter(|index| self.0[*index].last)
            .map(|index| (self.whose(index + 1), self.status(index)))
            .collect();
        let changed_at = self.changes();
        let ends: Vec<usize> = (0..self.0.len()).filter(|index| self.0[*index].last).collect();

        let mut counted: Option<([String; 3], &str)> = None;
        for (index, (whose, status)) in after.iter().enumerate() {
            let now = (*status != "resolved").then(|| (whose.clone(), *status));
            if now == counted {
                continue;
            }
            for (change, of) in [(-1, &counted), (1, &now)] {
                if let Some((whose, status)) = of {
                    put(all, "backlog", changed_at[ends[index]], whose.clone(), words([status]), change);
                }
            }
            counted = now;
        }

        // Cut where the holder or the status differs; of each piece that somebody has open, its length.
        let mut pieces: Vec<(usize, &([String; 3], &str))> = after.iter().enumerate().collect();
        pieces.dedup_by(|later, earlier| later.1 == earlier.1);
        for two in pieces.windows(2) {
            let ((from, (whose, status)), (to, _)) = (two[0], two[1]);
            let (from, to) = (changed_at[ends[from]], changed_at[ends[to]]);
            assert!(from <= to, "no span is negative");
            if *status == "open" && !whose[2].is_empty() {
                put(all, "agent_open_time", to, whose.clone(), vec![], to - from);
            }
        }
    }

    /// After each thing that happened: the latest time of all changes of holder or status so far.
    fn changes(&self) -> Vec<i64> {
        let mut latest = self.at(0);
        let changed = |index: usize| {
            index > 0 && (self.whose(index + 1) != self.whose(index) || self.status(index) != self.status(index - 1))
        };
        let of = |index: usize| {
            latest = if changed(index) { latest.max(self.at(index)) } else { latest };
            latest
        };
        (0..self.0.len()).map(of).collect()
    }
}

fn person(message: &Message) -> bool {
    message.is_a_persons_words()
}

fn phone(message: &Message) -> bool {
    message.author == Author::PhoneApp
}
