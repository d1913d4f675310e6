//! What was promised against what the log holds: the checkers of the suite. They are pure, so that each can be shown to fail.

use std::collections::{BTreeMap, HashMap};

/// A message whose POST was answered 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Its text, which no other message has.
    pub text: String,
    pub sender: String,
    /// The how-manieth of this sender: posted after the one before was answered.
    pub place: u64,
}

/// A message of a customer on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub text: String,
    /// The conversation that it stands in.
    pub entity: String,
    pub sequence: u64,
}

/// A command whose answer was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub command: String,
    pub entity: String,
    /// The sequence that the answer's position names; absent if the answer said that it was so already.
    pub sequence: Option<u64>,
}

/// What the checkers look at of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub sequence: u64,
    /// Tenant and id.
    pub entity: String,
    pub command: String,
    pub first_version: u64,
    pub last_version: u64,
    pub previous: [u8; 32],
    pub hash: [u8; 32],
}

/// What is wrong. Empty if nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Promised, and not there.
    pub lost: Vec<String>,
    /// There more than once.
    pub doubled: Vec<String>,
    /// Everything else: out of order, a gap, a broken chain, never promised.
    pub wrong: Vec<String>,
}

impl Findings {
    pub const fn none(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }

    pub fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.wrong.extend(other.wrong);
    }
}

/// Every promised message is held once, in its sender's order, and nothing else is held. Everybody must have finished: a message
/// that is still being posted may be held without a promise.
pub fn kept(promises: &[Promise], held: &[Held]) -> Findings {
    let mut findings = Findings::default();
    let mut places: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
    for held in held {
        places.entry(&held.text).or_default().push(held);
    }
    let by_text: HashMap<&str, &Promise> = promises.iter().map(|promise| (promise.text.as_str(), promise)).collect();
    findings.lost = by_text.keys().filter(|text| !places.contains_key(*text)).map(|text| (*text).to_owned()).collect();
    for (text, found) in &places {
        if found.len() > 1 {
            let sequences: Vec<u64> = found.iter().map(|held| held.sequence).collect();
            findings.doubled.push(format!("{text} at {sequences:?}"));
        }
        if !by_text.contains_key(text) {
            findings.wrong.push(format!("{text} is held and nobody was promised it"));
        }
    }
    let mut in_order: Vec<&Held> = held.iter().collect();
    in_order.sort_by_key(|held| held.sequence);
    let mut last: HashMap<(&str, &str), &Promise> = HashMap::new();
    for held in in_order {
        let Some(promise) = by_text.get(held.text.as_str()) else { continue };
        let before = last.insert((&held.entity, &promise.sender), promise);
        if let Some(before) = before.filter(|before| before.place > promise.place) {
            findings.wrong.push(format!("{} stands behind {}", promise.text, before.text));
        }
    }
    findings
}

/// The log has no hole, and each entity's commits follow each other: gapless versions, each naming the hash of the one before.
pub fn chained(log: &[Link]) -> Findings {
    let mut findings = Findings::default();
    let mut last: HashMap<&str, &Link> = HashMap::new();
    for (place, link) in log.iter().enumerate() {
        if link.sequence != place as u64 + 1 {
            findings.wrong.push(format!("commit {} is the log's {}.", link.sequence, place + 1));
        }
        let (version, hash) =
            last.get(link.entity.as_str()).map_or((0, [0; 32]), |last| (last.last_version, last.hash));
        if link.first_version != version + 1 {
            findings.wrong.push(format!(
                "commit {} begins at {}, not {}",
                link.sequence,
                link.first_version,
                version + 1
            ));
        }
        if link.previous != hash {
            findings.wrong.push(format!("commit {} names another hash than that of the one before", link.sequence));
        }
        last.insert(&link.entity, link);
    }
    findings
}

/// Every command that was answered well was applied, once, and not behind where the answer said. No command at all was applied twice.
pub fn applied(answered: &[Answered], log: &[Link]) -> Findings {
    let mut findings = Findings::default();
    let mut by_command: HashMap<(&str, &str), Vec<&Link>> = HashMap::new();
    for link in log {
        by_command.entry((&link.entity, &link.command)).or_default().push(link);
    }
    for ((entity, command), links) in &by_command {
        if links.len() > 1 {
            let sequences: Vec<u64> = links.iter().map(|link| link.sequence).collect();
            findings.doubled.push(format!("{command} of {entity} at {sequences:?}"));
        }
    }
    for one in answered {
        let Some(sequence) = one.sequence else { continue };
        match by_command.get(&(one.entity.as_str(), one.command.as_str())).map(|links| links[0]) {
            None => findings.lost.push(format!("{} of {}", one.command, one.entity)),
            // A position names the last commit of what was appended together.
            Some(link) if link.sequence > sequence => {
                let (found, command) = (link.sequence, &one.command);
                findings.wrong.push(format!("{command} was answered with {sequence}, and is at {found}"));
            }
            Some(_) => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(sender: &str, place: u64) -> Promise {
        Promise { text: format!("{sender}-{place}"), sender: sender.to_owned(), place }
    }

    fn held(text: &str, sequence: u64) -> Held {
        Held { text: text.to_owned(), entity: format!("cnv of {}", &text[..1]), sequence }
    }

    fn link(sequence: u64, entity: &str, first_version: u64, previous: u8) -> Link {
        Link {
            sequence,
            entity: entity.to_owned(),
            command: format!("c{sequence}"),
            first_version,
            last_version: first_version,
            previous: [previous; 32],
            hash: [u8::try_from(sequence).unwrap(); 32],
        }
    }

    #[test]
    fn what_is_held_once_and_in_order_is_kept() {
        let promises = [promise("a", 1), promise("b", 1), promise("a", 2)];
        let log = [held("a-1", 1), held("a-2", 2), held("b-1", 3)];
        assert_eq!(kept(&promises, &log), Findings::default());
    }

    #[test]
    fn a_planted_loss_double_and_disorder_are_found() {
        let promises = [promise("a", 1), promise("a", 2)];
        assert_eq!(kept(&promises, &[held("a-1", 1)]).lost, ["a-2"]);
        let doubled = kept(&promises, &[held("a-1", 1), held("a-2", 2), held("a-1", 3)]);
        assert_eq!(doubled.doubled, ["a-1 at [1, 3]"]);
        let turned = kept(&promises, &[held("a-2", 1), held("a-1", 2)]);
        assert_eq!(turned.wrong, ["a-1 stands behind a-2"]);
        let stranger = kept(&promises, &[held("a-1", 1), held("a-2", 2), held("a-3", 3)]);
        assert_eq!(stranger.wrong, ["a-3 is held and nobody was promised it"]);
    }

    #[test]
    fn a_chain_with_a_hole_a_gap_or_another_hash_is_found() {
        let whole = [link(1, "a", 1, 0), link(2, "b", 1, 0), link(3, "a", 2, 1)];
        assert!(chained(&whole).none());
        assert!(!chained(&whole[1..]).none(), "the first one is missing");
        assert!(!chained(&[link(1, "a", 1, 0), link(2, "a", 3, 1)]).none(), "a version is missing");
        assert!(!chained(&[link(1, "a", 1, 0), link(2, "a", 2, 9)]).none(), "another hash");
    }

    #[test]
    fn a_lost_a_doubled_and_a_misplaced_command_are_found() {
        let log = [link(1, "a", 1, 0), link(2, "b", 1, 0)];
        let answer = |command: &str, sequence| Answered {
            command: command.to_owned(),
            entity: "a".to_owned(),
            sequence: Some(sequence),
        };
        assert!(applied(&[answer("c1", 1)], &log).none());
        assert_eq!(applied(&[answer("c7", 3)], &log).lost, ["c7 of a"]);
        let late = [link(1, "b", 1, 0), link(2, "a", 1, 0)];
        assert_eq!(applied(&[answer("c2", 1)], &late).wrong, ["c2 was answered with 1, and is at 2"]);
        let twice = [link(1, "a", 1, 0), Link { command: "c1".to_owned(), ..link(2, "a", 2, 1) }];
        assert_eq!(applied(&[], &twice).doubled, ["c1 of a at [1, 2]"]);
    }
}
