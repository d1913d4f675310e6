//! The four counters, from the log itself: lost, duplicated, mis-ordered, double-assigned.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use relevo_domain::conversation::ConversationEvent;
use relevo_domain::conversation::event::AssignmentHow;
use relevo_domain::{AgentId, EntityId, Event};
use relevo_eventlog::{Connection, Log as _, LogError, Options};
use tokio::time::timeout;

use crate::load::{Measured, Posted};
use crate::trace::marked;

/// The log is on this machine and does nothing else.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// Lost messages that are named on standard error.
const NAMED_MAX: u64 = 10;

/// What must be nought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Taken with a 2xx and not on the log, or not visible.
    pub lost: u64,
    /// Messages on the log beyond the first that say the same.
    pub duplicated: u64,
    /// Messages of a customer that stand before one that had been taken before they were sent.
    pub misordered: u64,
    /// Claims of a conversation that another agent had, and claims that two were told they won.
    pub double_assigned: u64,
}

impl std::fmt::Display for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lost, duplicated, misordered, double_assigned } = self;
        write!(f, "{lost} lost, {duplicated} duplicated, {misordered} mis-ordered, {double_assigned} double-assigned")
    }
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Read {
    pub commits: u64,
    pub messages: u64,
    pub claims: u64,
    pub conversations: u64,
}

/// Where each message of each part stands: (part, number) to sequences.
type Places = BTreeMap<(u64, u32), Vec<u64>>;

/// Reads the whole log and counts.
pub async fn count(url: &str, parts: &[Measured]) -> Result<(Counters, Read), LogError> {
    let (places, double_claims, read) = read(url, parts).await?;
    let mut counters = Counters { double_assigned: double_claims, ..Counters::default() };
    for measured in parts {
        let part = measured.part.number;
        counters.double_assigned += measured.counted.both_won;
        let mut placed: BTreeMap<u64, Vec<(u64, Posted)>> = BTreeMap::new();
        for posted in &measured.posted {
            let Some(number) = posted.number else { continue };
            let found = places.get(&(part, number)).map(Vec::as_slice);
            match found {
                Some([first, ..]) if measured.seen.visible_at(number).is_some() => {
                    placed.entry(posted.sender).or_default().push((*first, *posted));
                }
                Some(_) | None => {
                    counters.lost += 1;
                    if counters.lost <= NAMED_MAX {
                        let heard = measured.seen.sequence(number);
                        crate::tell(&format!("lost: message {number} of part {part}, log {found:?}, heard {heard:?}"));
                    }
                }
            }
        }
        counters.misordered += placed.into_values().map(misordered).sum::<u64>();
    }
    counters.duplicated = places.values().map(|found| found.len() as u64 - 1).sum();
    Ok((counters, read))
}

async fn read(url: &str, parts: &[Measured]) -> Result<(Places, u64, Read), LogError> {
    let log = Connection::connect(Options::new(url)).await?.events();
    let end = log.identity().await?.last_sequence;
    let mut commits = log.read(1).await?;
    let (mut places, mut holders, mut doubled) = (Places::new(), BTreeMap::<EntityId, AgentId>::new(), 0);
    let mut read = Read::default();
    while read.commits < end {
        let next = timeout(READ_WITHIN, commits.next())
            .await
            .map_err(|_late| LogError::Refused("no more commits".to_owned()))?;
        let Some(recorded) = next else { break };
        let recorded = recorded?;
        read.commits += 1;
        for event in &recorded.commit.events {
            let Event::Conversation(event) = event else { continue };
            if let ConversationEvent::Opened { .. } = event {
                read.conversations += 1;
            } else if let ConversationEvent::MessageReceived(message) = event {
                let text = message.content.personal.text.as_deref().unwrap_or_default().as_bytes();
                let found = parts.iter().find_map(|one| Some((one.part.number, marked(text, one.part.number)?)));
                if let Some(key) = found {
                    read.messages += 1;
                    places.entry(key).or_default().push(recorded.sequence);
                }
            } else if let ConversationEvent::Assigned { agent, how, .. } = event {
                read.claims += u64::from(*how == AssignmentHow::Claim);
                let before = match agent {
                    Some(agent) => holders.insert(recorded.commit.entity, agent.clone()),
                    None => holders.remove(&recorded.commit.entity),
                };
                doubled += u64::from(*how == AssignmentHow::Claim && before.is_some());
            }
        }
    }
    Ok((places, doubled, read))
}

/// Of one customer's messages: those that stand before one which had been taken before they were sent.
fn misordered(mut messages: Vec<(u64, Posted)>) -> u64 {
    messages.sort_by_key(|(place, _)| *place);
    let mut count = 0;
    let mut latest_sent = None;
    for (_, posted) in messages {
        // Something that stands before this one was sent after this one had been taken.
        count += u64::from(latest_sent.is_some_and(|sent| sent > posted.answered));
        latest_sent = latest_sent.max(Some(posted.sent));
    }
    count
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn only_what_was_surely_sent_before_must_stand_before() {
        let begun = Instant::now();
        let at = |place: u64, sent: u64, answered: u64| {
            let [sent, answered] = [sent, answered].map(|ms| begun + Duration::from_millis(ms));
            (place, Posted { number: Some(0), sender: 1, due: sent, sent, answered })
        };
        assert_eq!(misordered(vec![at(1, 0, 10), at(2, 20, 30), at(3, 40, 50)]), 0);
        assert_eq!(misordered(vec![at(2, 0, 10), at(1, 5, 15)]), 0, "they overlapped");
        assert_eq!(misordered(vec![at(2, 0, 10), at(1, 20, 30)]), 1);
        assert_eq!(misordered(vec![at(3, 0, 10), at(2, 20, 30), at(1, 40, 50)]), 2);
    }
}
