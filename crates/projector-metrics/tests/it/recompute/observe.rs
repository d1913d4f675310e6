//! What counts, found by searching the list of what happened in a conversation.

use std::collections::{BTreeMap, BTreeSet};

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::message::{Author, Message};
use relevo_domain::conversation::{ConversationEvent, DeliveryReport, DeliveryStatus, EpisodeCause, ReopenCause};
use relevo_domain::{EntityId, Event, MessageId, Recorded};

use super::{Counted, Expected};

type All = BTreeMap<&'static str, Expected>;

/// One thing that happened, as the commit says.
struct Happened<'a> {
    at: i64,
    recorded_at: i64,
    event: &'a ConversationEvent,
    /// The last of its commit.
    last: bool,
}

/// A conversation: everything that happened, in the order of the log.
struct Talk<'a>(Vec<Happened<'a>>);

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
                    talk.0.push(Happened { at, recorded_at, event, last });
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
    }
    all
}

fn put(all: &mut All, metric: &'static str, at: i64, whose: [String; 3], labels: Vec<String>, value: i64) {
    all.entry(metric).or_default().0.push(Counted { at, whose, labels, value });
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

fn manner(automatic: bool) -> &'static str {
    if automatic { "automatic" } else { "manual" }
}

impl Talk<'_> {
    fn event(&self, index: usize) -> &ConversationEvent {
        self.0[index].event
    }

    fn at(&self, index: usize) -> i64 {
        self.0[index].at
    }

    fn all(&self, is: impl Fn(&ConversationEvent) -> bool) -> Vec<usize> {
        (0..self.0.len()).filter(|index| is(self.event(*index))).collect()
    }

    /// Whose it is before the thing at `index`.
    fn whose(&self, index: usize) -> [String; 3] {
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

    fn volumes(&self, all: &mut All) {
        for index in 0..self.0.len() {
            let mut one = |metric, labels| put(all, metric, self.at(index), self.whose(index), labels, 1);
            match self.event(index) {
                ConversationEvent::Opened { .. } => one("conversations_opened", vec![]),
                ConversationEvent::EpisodeStarted { cause: EpisodeCause::CustomerMessage, .. } => {
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
        let said = within(&|event| matches!(event, ConversationEvent::MessageEchoed(message) if phone(message)));
        let ends = within(&|event| matches!(event, ConversationEvent::Resolved { .. }));

        // A response: something said after, by order and by time, the oldest question since the last end that nothing said
        // before answers.
        let responses = said.iter().copied().filter_map(|reply| {
            let since = ends.iter().copied().rfind(|index| *index < reply).unwrap_or(start);
            let open = asked.iter().copied().filter(|index| since < *index && *index < reply);
            let open = open.filter(|question| {
                said.iter().take_while(|earlier| **earlier < reply).all(|earlier| !self.answers(*earlier, *question))
            });
            let asked_at = open.map(|question| self.at(question)).min()?;
            (asked_at <= self.at(reply)).then(|| (reply, self.at(reply) - asked_at))
        });
        for (number, (reply, waited)) in responses.enumerate() {
            let first: &[&'static str] = &["first_response_human", "first_response_any"];
            for metric in if number == 0 { first } else { &["next_response"] } {
                put(all, metric, self.at(reply), self.nobodys(reply), words(["phone_app"]), waited);
            }
        }
        if let (Some(first), Some(last)) = (ends.first(), ends.last()) {
            let took = |end: usize| (self.at(end) - self.at(start)).max(0);
            put(all, "resolution_first", self.at(*first), self.whose(*first), vec![], took(*first));
            put(all, "resolution_full", self.at(*last), self.whose(*last), vec![], took(*last));
        }
    }

    /// Whether what was said answers a question: later by time, or of the same moment and later on the log.
    fn answers(&self, said: usize, question: usize) -> bool {
        (self.at(said), said) > (self.at(question), question)
    }

    fn pauses(&self, all: &mut All) {
        for pause in self.all(|event| matches!(event, ConversationEvent::BotPaused { .. })) {
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
        put(all, "intervention", self.at(0), self.whose(*first), vec![], i64::from(!paused.is_empty()));
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

    fn deliveries(&self, all: &mut All) {
        let reports: Vec<(usize, &DeliveryReport)> = (0..self.0.len())
            .filter_map(|index| match self.event(index) {
                ConversationEvent::DeliveryReported(report) => Some((index, report)),
                _ => None,
            })
            .collect();
        let messages: BTreeSet<MessageId> = reports.iter().map(|(_, report)| report.message).collect();
        for message in messages {
            let own: Vec<_> = reports.iter().filter(|(_, report)| report.message == message).copied().collect();
            let sent: &[DeliveryStatus] = &[DeliveryStatus::Accepted, DeliveryStatus::Sent];
            let (delivered, read) = (&[DeliveryStatus::Delivered][..], &[DeliveryStatus::Read][..]);
            self.leg(all, "delivery_to_delivered", &own, sent, delivered);
            self.leg(all, "delivery_to_read", &own, delivered, read);
        }
    }

    /// From the earliest report of some statuses to the earliest of others, as the last report that changed it found it.
    fn leg(
        &self,
        all: &mut All,
        metric: &'static str,
        reports: &[(usize, &DeliveryReport)],
        from: &[DeliveryStatus],
        to: &[DeliveryStatus],
    ) {
        let measured = |known: usize| {
            let earliest = |statuses: &[DeliveryStatus]| {
                let times = reports[..known].iter().filter(|(_, report)| statuses.contains(&report.status));
                times.map(|(index, report)| self.clamped(*index, report)).min()
            };
            let (from, to) = (earliest(from)?, earliest(to)?);
            Some(((to - from).max(0), to))
        };
        let Some((took, at)) = measured(reports.len()) else { return };
        let changed = (1..=reports.len()).rfind(|known| measured(*known) != measured(known - 1));
        let (index, _) = reports[changed.unwrap() - 1];
        put(all, metric, at, self.whose(index), vec![], took);
    }

    fn clamped(&self, index: usize, report: &DeliveryReport) -> i64 {
        const MINUTE: i64 = 60_000;
        let told = self.0[index].recorded_at;
        report.reported_at.as_millis().clamp(told - 8 * 24 * 60 * MINUTE, told + 5 * MINUTE)
    }
}

fn person(message: &Message) -> bool {
    message.is_a_persons_words()
}

fn phone(message: &Message) -> bool {
    message.author == Author::PhoneApp
}
