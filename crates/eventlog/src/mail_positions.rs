//! How far each folder of each mailbox was read, and which node reads it: one message a folder, kept for ever.
//!
//! A node claims a folder for a while and says so again before that ends; whoever finds a claim that has ended takes the folder.
//! That is a convenience, not a lock: for a moment two nodes may read one folder, then a mail is stored twice on the raw stream and
//! known as a duplicate when it is handled. What can never happen is that a position is written over by a node that has lost
//! its claim: every write names the message that it takes the place of.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use bytes::Bytes;
use prost::Message as _;
use relevo_domain::{EndpointId, Timestamp};

use crate::connection::Connection;
use crate::log::LogError;
use crate::request::{Which, leader_get, publish};
use crate::streams::StreamName;
use crate::subject;

/// How far a folder was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailPosition {
    /// The numbering that `last_uid` belongs to.
    pub uid_validity: u32,
    /// Every mail up to this number was stored, or was there before the folder was connected.
    pub last_uid: u32,
    /// When the folder was connected: mails older than that are history.
    pub since: Timestamp,
    /// Mails with a smaller number were there when the folder was connected: history, too. 0 if numbers say nothing about that.
    pub history_below: u32,
    /// Which mailbox the numbers are of: a hash of where it is and who logs in. 0 if it was not kept.
    pub mailbox: u64,
    /// When everything that was there had been read, as far as it was kept.
    pub read_at: Timestamp,
}

/// A folder that this node may read until its claim ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    subject: String,
    owner: String,
    /// Where the message stands that says so.
    sequence: u64,
    lease: Duration,
    /// Until when the folder is this node's, by this node's clock.
    pub until: Timestamp,
    /// Absent if the folder was never read.
    pub position: Option<MailPosition>,
}

/// What a claim came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Held(Hold),
    /// Another node reads the folder, at least until then by its clock.
    Elsewhere {
        until: Timestamp,
    },
}

/// The positions of all mailboxes.
#[derive(Clone, Debug)]
pub struct MailPositions {
    connection: Connection,
}

/// A position as it is stored. Fields are only ever added.
#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    /// False: claimed and not read yet; the position's fields mean nothing.
    #[prost(bool, tag = "1")]
    read: bool,
    #[prost(uint32, tag = "2")]
    uid_validity: u32,
    #[prost(uint32, tag = "3")]
    last_uid: u32,
    #[prost(sint64, tag = "4")]
    since_ms: i64,
    /// A random name of the node that reads; empty if none does.
    #[prost(string, tag = "5")]
    owner: String,
    #[prost(sint64, tag = "6")]
    until_ms: i64,
    /// Random: tells this write from any other.
    #[prost(fixed64, tag = "7")]
    write: u64,
    #[prost(uint32, tag = "8")]
    history_below: u32,
    #[prost(fixed64, tag = "9")]
    mailbox: u64,
    #[prost(sint64, tag = "10")]
    read_at_ms: i64,
}

impl MailPositions {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// How far a folder was read; `None` if it never was.
    pub async fn load(&self, endpoint: &EndpointId, folder: &str) -> Result<Option<MailPosition>, LogError> {
        let found = self.find(&subject::mailbox(endpoint, folder)).await?;
        Ok(found.and_then(|(_, stored)| position(&stored)))
    }

    /// Takes a folder for `lease` if nobody else has it. `owner` names this node, or what of it reads.
    pub async fn claim(
        &self,
        endpoint: &EndpointId,
        folder: &str,
        owner: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claim, LogError> {
        let subject = subject::mailbox(endpoint, folder);
        let (sequence, stored) = self.find(&subject).await?.unwrap_or_default();
        let until = Timestamp::from_millis(stored.until_ms);
        if !stored.owner.is_empty() && stored.owner != owner && until > now {
            // A clock that runs ahead must not keep a folder for ever.
            return Ok(Claim::Elsewhere { until: until.min(now + lease) });
        }
        let position = position(&stored);
        let mut hold = Hold { subject, owner: owner.to_owned(), sequence, lease, until: now + lease, position };
        if self.write(&mut hold, position, now).await? {
            return Ok(Claim::Held(hold));
        }
        Ok(Claim::Elsewhere { until: now + lease })
    }

    /// Writes how far the folder was read, and holds it for another lease. False if another node has it now: nothing was written.
    /// After `Unavailable` it may have been; the folder has to be claimed again.
    pub async fn store(&self, hold: &mut Hold, position: MailPosition, now: Timestamp) -> Result<bool, LogError> {
        self.write(hold, Some(position), now).await
    }

    /// Holds the folder for another lease. As [`Self::store`].
    pub async fn renew(&self, hold: &mut Hold, now: Timestamp) -> Result<bool, LogError> {
        self.write(hold, hold.position, now).await
    }

    /// Lets others read the folder at once.
    pub async fn release(&self, mut hold: Hold, now: Timestamp) -> Result<(), LogError> {
        hold.owner.clear();
        hold.lease = Duration::ZERO;
        let position = hold.position;
        self.write(&mut hold, position, now).await.map(drop)
    }

    async fn find(&self, subject: &str) -> Result<Option<(u64, Stored)>, LogError> {
        let context = &self.connection.shared.context;
        let which = Which::Last(subject.to_owned());
        let Some(message) = leader_get(context, StreamName::Mailbox.as_str(), &which).await? else { return Ok(None) };
        let stored = Stored::decode(message.payload.as_ref()).map_err(|_malformed| LogError::Undecodable {
            sequence: message.sequence,
            reason: "not a mailbox's position".to_owned(),
        })?;
        Ok(Some((message.sequence, stored)))
    }

    async fn write(&self, hold: &mut Hold, position: Option<MailPosition>, now: Timestamp) -> Result<bool, LogError> {
        let until = now + hold.lease;
        let stored = Stored {
            read: position.is_some(),
            uid_validity: position.map_or(0, |position| position.uid_validity),
            last_uid: position.map_or(0, |position| position.last_uid),
            since_ms: position.map_or(0, |position| position.since.as_millis()),
            owner: hold.owner.clone(),
            until_ms: until.as_millis(),
            write: rand::random(),
            history_below: position.map_or(0, |position| position.history_below),
            mailbox: position.map_or(0, |position| position.mailbox),
            read_at_ms: position.map_or(0, |position| position.read_at.as_millis()),
        };
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, hold.sequence.to_string().as_str());
        let payload = Bytes::from(stored.encode_to_vec());
        // Names this write: the attempts of this call are one.
        let id = format!("{:032x}", rand::random::<u128>());
        let sequence = match publish(&self.connection, StreamName::Mailbox, &hold.subject, &id, headers, payload).await
        {
            Ok(sequence) => sequence,
            // Another write came first, unless it was an attempt of this very call whose answer was lost.
            Err(LogError::Refused(reason)) => match self.find(&hold.subject).await? {
                Some((sequence, found)) if found == stored => sequence,
                Some((sequence, _)) if sequence != hold.sequence => return Ok(false),
                Some(_) | None => return Err(LogError::Refused(reason)),
            },
            Err(error) => return Err(error),
        };
        (hold.sequence, hold.until, hold.position) = (sequence, until, position);
        Ok(true)
    }
}

fn position(stored: &Stored) -> Option<MailPosition> {
    stored.read.then(|| MailPosition {
        uid_validity: stored.uid_validity,
        last_uid: stored.last_uid,
        since: Timestamp::from_millis(stored.since_ms),
        history_below: stored.history_below,
        mailbox: stored.mailbox,
        read_at: Timestamp::from_millis(stored.read_at_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was first written to a stream, with every field. The bytes here never change: such messages are read for ever.
    const FIRST: &str = "08011007182a2080b083c598682a066e6f64652d3130e08487c5986839efcdab89674523014028491032547698badcfe50e8b783c59868";

    #[test]
    fn a_position_reads_as_it_was_first_written() {
        let bytes = hex::decode(FIRST).unwrap();
        let stored = Stored::decode(bytes.as_slice()).unwrap();
        let wanted = MailPosition {
            uid_validity: 7,
            last_uid: 42,
            since: Timestamp::from_millis(1_790_000_000_000),
            history_below: 40,
            mailbox: 0xfedc_ba98_7654_3210,
            read_at: Timestamp::from_millis(1_790_000_000_500),
        };
        assert_eq!(position(&stored), Some(wanted));
        assert_eq!((stored.owner.as_str(), stored.until_ms), ("node-1", 1_790_000_030_000));
        assert_eq!(stored.encode_to_vec(), bytes, "it is written differently now");
        assert_eq!(position(&Stored { read: false, ..stored }), None, "claimed, and never read");
    }
}
