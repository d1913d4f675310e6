//! What an answer to a pause promises, and how a promise is broken.

use std::collections::BTreeSet;
use std::fmt;

use relevo_domain::conversation::{Author, ConversationEvent};
use relevo_domain::{Event, MessageId};

use super::scene;
use super::world::{World, is_paused};

/// Somebody was told that the bot is silent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Promise {
    pub conversation: u8,
    /// The commit from which on it is paused.
    pub since: u64,
    /// What the answer said is on the wire.
    pub listed: BTreeSet<MessageId>,
}

/// How a world went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A message of the bot was handed over after a pause's answer that does not list it.
    Leak(MessageId),
    /// The provider has a message twice.
    Twice(MessageId),
    /// An answer lists more than one message.
    ListedMany(usize),
    /// An answer lists a message whose call is over for certain.
    ListedOld(MessageId),
    /// "Already so" of a conversation that is not paused.
    AlreadySoIsNotSo,
    /// A pause ended without a resumption.
    PauseLost,
    /// Two messages of a conversation are claimed at once.
    TwoClaims,
    /// Two people are one, one of them was paused before, and the other one's bot may speak.
    NotLinked,
    /// A bot is given a turn after a pause's answer, or while it is paused.
    GivenWhilePaused,
    /// A bot is asked to answer what was written while it was paused: the message of this version.
    NotContext(u64),
    /// A second turn of a conversation begins while the first one runs.
    TwoTurns,
    /// A bot's reply is taken in a turn that was over.
    LateReply,
    /// A bot's message is queued while it is paused.
    QueuedWhilePaused,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leak(message) => {
                write!(f, "message {} is handed over after a pause's answer", message.bytes()[0])
            }
            Self::Twice(message) => write!(f, "message {} is sent twice", message.bytes()[0]),
            Self::ListedMany(count) => write!(f, "an answer lists {count} messages as on the wire"),
            Self::ListedOld(message) => {
                write!(f, "an answer lists message {}, whose call is over", message.bytes()[0])
            }
            Self::AlreadySoIsNotSo => f.write_str("an answer says already so, and it is not so"),
            Self::PauseLost => f.write_str("a pause ended without a resumption"),
            Self::TwoClaims => f.write_str("two messages of one conversation are claimed"),
            Self::NotLinked => f.write_str("who became one with a paused contact is not paused"),
            Self::GivenWhilePaused => f.write_str("a bot is given a turn while it is paused"),
            Self::NotContext(version) => {
                write!(f, "version {version} was written during a pause, and a bot is given it as new")
            }
            Self::TwoTurns => f.write_str("two turns of one conversation run"),
            Self::LateReply => f.write_str("a reply is taken in a turn that was over"),
            Self::QueuedWhilePaused => f.write_str("a message of the bot is queued while it is paused"),
        }
    }
}

impl World {
    /// Whether handing this message over now breaks a promise that was made.
    pub fn breaks_a_promise(&self, n: u8, message: MessageId) -> bool {
        let Some((author, queued)) = self.queued(n, message) else { return false };
        let broken = |promise: &Promise| {
            promise.conversation == n
                && !promise.listed.contains(&message)
                && (self.in_force(promise) || queued <= promise.since && !self.waited(n, message, promise.since))
        };
        author == Author::Bot && self.promises.iter().any(broken)
    }

    /// Whether a message was on its way behind a commit: what the pause took back was not, and never goes, resumed or not.
    fn waited(&self, n: u8, message: MessageId, at: u64) -> bool {
        let then = self.journal.conversation(scene::conversation(n), at);
        then.opened.is_some_and(|opened| opened.pending(message).is_some())
    }

    /// Whether nobody has resumed the bot since.
    pub fn in_force(&self, promise: &Promise) -> bool {
        !self.resumed_since(promise.conversation, promise.since)
    }

    pub fn resumed_since(&self, n: u8, at: u64) -> bool {
        let entity = scene::conversation(n);
        let resumed = |event: &Event| matches!(event, Event::Conversation(ConversationEvent::BotResumed { .. }));
        let since = self.journal.entries().skip(usize::try_from(at).unwrap());
        since.filter(|entry| entry.recorded.commit.entity == entity).any(|entry| entry.says(resumed))
    }

    pub fn paused(&self, n: u8) -> bool {
        self.truth(n).opened.as_ref().is_some_and(is_paused)
    }

    pub fn is_queued_in(&self, n: u8, message: MessageId) -> bool {
        self.queued(n, message).is_some()
    }

    /// Who wrote a message, and the commit that queued it.
    fn queued(&self, n: u8, message: MessageId) -> Option<(Author, u64)> {
        let entity = scene::conversation(n);
        let of_it = self.journal.entries().filter(|entry| entry.recorded.commit.entity == entity);
        of_it
            .flat_map(|entry| entry.recorded.commit.events.iter().map(|event| (event, entry.recorded.sequence)))
            .find_map(|(event, sequence)| match event {
                Event::Conversation(ConversationEvent::MessageQueued(outgoing)) if outgoing.id == message => {
                    Some((outgoing.author, sequence))
                }
                Event::Conversation(_)
                | Event::Contact(_)
                | Event::Identity(_)
                | Event::Channel(_)
                | Event::Workspace(_)
                | Event::Bulk(_) => None,
            })
    }
}
