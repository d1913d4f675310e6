//! Channels that were added while Relevo ran, for all nodes of an installation: one message a channel, kept for ever.
//!
//! What a message holds is sealed by whoever writes it: secrets stand here for nobody to read. A channel that was taken back
//! leaves an empty message, so that a node that was away learns of it.

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use bytes::Bytes;
use relevo_domain::{ChannelId, TenantId};

use crate::connection::Connection;
use crate::log::LogError;
use crate::request::{Which, leader_get, publish};
use crate::streams::StreamName;
use crate::subject;

/// What the stream says about a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedChannel {
    pub tenant: TenantId,
    pub channel: ChannelId,
    /// Where it stands: grows with every change of any channel.
    pub sequence: u64,
    /// Absent if it was taken back.
    pub sealed: Option<Bytes>,
}

/// The channels of all nodes.
#[derive(Clone, Debug)]
pub struct AddedChannels {
    connection: Connection,
}

impl AddedChannels {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The first change behind this sequence (0: of all); `None` if there is none. Of a channel only the last one is there.
    pub async fn next(&self, behind: u64) -> Result<Option<AddedChannel>, LogError> {
        let subject = format!("{}>", subject::CHANNELS_PREFIX);
        let which = Which::Next { subject, from: behind + 1 };
        let context = &self.connection.shared.context;
        let Some(message) = leader_get(context, StreamName::Channels.as_str(), &which).await? else { return Ok(None) };
        let (tenant, channel) = subject::named_channel(message.subject.as_str()).ok_or_else(|| {
            LogError::Undecodable { sequence: message.sequence, reason: "not a channel's subject".to_owned() }
        })?;
        let sealed = Some(message.payload).filter(|payload| !payload.is_empty());
        Ok(Some(AddedChannel { tenant, channel, sequence: message.sequence, sealed }))
    }

    /// Says what a channel is now, or that it was taken back, if `expected` is where it stood last (0: nowhere). Answers with where
    /// it stands; `None` if another node has said something meanwhile. After `Unavailable` it may stand there.
    pub async fn put(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        sealed: Option<Bytes>,
        expected: u64,
    ) -> Result<Option<u64>, LogError> {
        let subject = subject::channel(tenant, channel);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
        // Names this write: the attempts of this call are one.
        let id = format!("{:032x}", rand::random::<u128>());
        let payload = sealed.unwrap_or_default();
        match publish(&self.connection, StreamName::Channels, &subject, &id, headers, payload.clone()).await {
            Ok(sequence) => Ok(Some(sequence)),
            // Another write came first, unless it was an attempt of this very call whose answer was lost.
            Err(LogError::Refused(reason)) => {
                let context = &self.connection.shared.context;
                match leader_get(context, StreamName::Channels.as_str(), &Which::Last(subject)).await? {
                    Some(last) if last.sequence > expected && last.payload == payload && !payload.is_empty() => {
                        Ok(Some(last.sequence))
                    }
                    Some(last) if last.sequence != expected => Ok(None),
                    Some(_) | None => Err(LogError::Refused(reason)),
                }
            }
            Err(error) => Err(error),
        }
    }
}
