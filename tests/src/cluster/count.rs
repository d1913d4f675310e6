//! What is on the log and at the provider, against what was promised: nothing lost, nothing twice, nothing said while silent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{Event, Recorded};
use relevo_eventlog::{Connection, Log as _, Options};
use relevo_testkit::eventually_within;
use relevo_testkit::fakes::Accepted;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::load::{BY_BOT, Silence};

/// How long the next commit of a log may take that has one.
const COMMIT_WITHIN: Duration = Duration::from_secs(20);
/// How long a healed cluster may take to let somebody in.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);

/// Everything that the log says that matters here.
#[derive(Debug, Default)]
pub struct Counted {
    pub commits: u64,
    /// How often each text of a customer stands there.
    texts: HashMap<String, u64>,
    /// How often each command was applied to each entity.
    commands: HashMap<(String, String), u64>,
    /// Messages of the business.
    queued: HashSet<String>,
    /// The last version and hash of each entity.
    chains: BTreeMap<String, (u64, [u8; 32])>,
    /// What is wrong with the chains.
    pub broken: Vec<String>,
}

/// What was promised and is not so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub other: Vec<String>,
}

impl Wrong {
    pub const fn is_nothing(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.other.is_empty()
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {:?}, doubled {:?}, other {:?}", self.lost, self.doubled, self.other)
    }
}

/// Reads the whole log of a cluster.
pub async fn count(urls: &str, replicas: usize) -> Counted {
    // Whoever was cut off a moment ago may need another one to answer.
    let connected = eventually_within("the log answers", ANSWERS_WITHIN, async || {
        Connection::connect(Options { replicas, ..Options::new(urls) }).await.ok()
    });
    let log = connected.await.events();
    let last = log.identity().await.expect("an identity").last_sequence;
    let mut commits = log.read(1).await.expect("a reader");
    let mut counted = Counted::default();
    let mut read = 0;
    while read < last {
        let next = timeout(COMMIT_WITHIN, commits.next()).await;
        let commit = next.expect("the log goes on").expect("a log has no end").expect("a commit that can be read");
        read = commit.sequence;
        counted.takes(&commit);
    }
    counted
}

impl Counted {
    /// Takes the next commit.
    pub fn takes(&mut self, recorded: &Recorded) {
        self.commits += 1;
        let commit = &recorded.commit;
        let entity = format!("{}.{}", commit.tenant, commit.entity);
        if recorded.sequence != self.commits {
            self.broken.push(format!("sequence {} stands in place {}", recorded.sequence, self.commits));
        }
        let (version, hash) = self.chains.get(&entity).copied().unwrap_or((0, [0; 32]));
        if commit.first_version != version + 1 || commit.previous_hash != hash {
            self.broken.push(format!("{entity}: version {} follows {version}", commit.first_version));
        }
        self.chains.insert(entity, (commit.last_version(), recorded.hash));
        let key = (commit.entity.to_string(), commit.command_id.as_str().to_owned());
        *self.commands.entry(key).or_default() += 1;
        for event in &commit.events {
            let Event::Conversation(event) = event else { continue };
            if let ConversationEvent::MessageReceived(message) = event {
                let text = message.content.personal.text.clone().unwrap_or_default();
                *self.texts.entry(text).or_default() += 1;
            }
            if let ConversationEvent::MessageQueued(message) = event {
                self.queued.insert(message.id.to_string());
            }
        }
    }

    /// Messages of customers that were answered 2xx: each is there once.
    pub fn texts(&self, promised: &[String], wrong: &mut Wrong) {
        for text in promised {
            if !self.texts.contains_key(text) {
                wrong.lost.push(text.clone());
            }
        }
        let twice = self.texts.iter().filter(|(text, count)| **count > 1 && text.starts_with("cluster-"));
        wrong.doubled.extend(twice.map(|(text, count)| format!("{text}, {count} times")));
    }

    /// Commands that were answered as done: each is there once.
    pub fn commands(&self, done: &[(String, String)], wrong: &mut Wrong) {
        for command in done {
            if !self.commands.contains_key(command) {
                wrong.lost.push(format!("command {} of {}", command.1, command.0));
            }
        }
        let twice = self.commands.iter().filter(|(_, count)| **count > 1);
        wrong.doubled.extend(twice.map(|((entity, command), _)| format!("command {command} of {entity}")));
    }

    /// Messages of staff that were answered as queued.
    pub fn queued(&self, sent: &[(String, String)], wrong: &mut Wrong) {
        let lost = sent.iter().filter(|(_, message)| !self.queued.contains(message));
        wrong.lost.extend(lost.map(|(conversation, message)| format!("{message} of {conversation}")));
    }

    pub fn chains(&self, wrong: &mut Wrong) {
        wrong.other.extend(self.broken.iter().cloned());
    }
}

/// What the provider took of the bot after the answer to a pause that does not list it, before anybody let it go on.
pub fn leaks(taken: &[Accepted], silences: &[Silence], wrong: &mut Wrong) {
    for one in taken.iter().filter(|one| one.body["text"]["body"] == BY_BOT) {
        let message = one.callback.clone().unwrap_or_default();
        let silent = silences.iter().any(|silence| {
            let after = silence.to == one.to && silence.from < one.at;
            after && silence.until.is_none_or(|until| one.at < until) && !silence.listed.contains(&message)
        });
        if silent {
            wrong.other.push(format!("{message} was taken after the answer to a pause"));
        }
    }
}
