//! Rows of the delivery view, and the outbox of a conversation in the domain's own words.

use std::collections::BTreeMap;

use prost::Message;
use relevo_domain::conversation::{Author, ConversationEvent, Medium, Opened, Pending, Stage, State, medium_mark};
use relevo_domain::{Actor, ChannelId, EntityId, EntityKind, MessageId, Timestamp};
use relevo_projection::row::BadRow;

/// What a conversation has on its way.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OutboxRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) medium: String,
    /// When the customer last wrote or reacted, in milliseconds since 1970.
    #[prost(sint64, optional, tag = "3")]
    pub(crate) spoke_at: Option<i64>,
    /// In the order of queueing.
    #[prost(message, repeated, tag = "4")]
    pub(crate) pending: Vec<PendingRow>,
}

/// A message on its way. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PendingRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) message: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) author: String,
    #[prost(sint64, tag = "3")]
    pub(crate) queued_at: i64,
    #[prost(uint32, tag = "4")]
    pub(crate) attempts: u32,
    /// Of a message that waits, if it waits for a time.
    #[prost(sint64, optional, tag = "5")]
    pub(crate) not_before: Option<i64>,
    /// Of a message that is claimed.
    #[prost(message, optional, tag = "6")]
    pub(crate) claimed: Option<ClaimRow>,
    /// Of a message of unknown outcome.
    #[prost(sint64, optional, tag = "7")]
    pub(crate) unknown_since: Option<i64>,
    /// Position of the commit that queued it: there it can be read.
    #[prost(uint64, tag = "8")]
    pub(crate) sequence: u64,
    /// It may only be sent while the customer's window is open.
    #[prost(bool, tag = "9")]
    pub(crate) needs_window: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClaimRow {
    #[prost(string, tag = "1")]
    pub(crate) claim: String,
    #[prost(sint64, tag = "2")]
    pub(crate) until: i64,
}

/// A medium that is to be fetched.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MediumRow {
    #[prost(string, optional, tag = "1")]
    pub(crate) provider_id: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) url: Option<String>,
    #[prost(string, tag = "3")]
    pub(crate) mime_type: String,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) size_bytes: Option<u64>,
    #[prost(string, optional, tag = "5")]
    pub(crate) file_name: Option<String>,
    /// When the message was recorded, in milliseconds since 1970.
    #[prost(sint64, tag = "6")]
    pub(crate) at: i64,
    /// Position of the commit with the message.
    #[prost(uint64, tag = "7")]
    pub(crate) sequence: u64,
    /// The raw item that the message was made from; 0 if there is none.
    #[prost(uint64, tag = "8")]
    pub(crate) intake_sequence: u64,
    #[prost(uint32, tag = "9")]
    pub(crate) intake_ordinal: u32,
    /// It is a part of a mail, which is cut out of the raw item.
    #[prost(bool, tag = "10")]
    pub(crate) of_mail: bool,
    /// When the author edited the message so that it has this medium; absent for that of the message itself.
    #[prost(sint64, optional, tag = "11")]
    pub(crate) edited_at: Option<i64>,
    /// Place of the raw item in its message; 0 for one that travelled alone.
    #[prost(uint32, tag = "12")]
    pub(crate) intake_part: u32,
}

/// What a channel's own events say.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ChannelRow {
    #[prost(bool, tag = "1")]
    pub(crate) paused: bool,
    /// Position of the last pause or resumption; 0 if there is none.
    #[prost(uint64, tag = "2")]
    pub(crate) switched: u64,
    /// Position at which the provider last said something about templates; 0 if it never did.
    #[prost(uint64, tag = "3")]
    pub(crate) templates: u64,
}

/// What there is to do for a channel.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LaneRow {
    /// Position of the last change of anything that is on its way.
    #[prost(uint64, tag = "1")]
    pub(crate) changed: u64,
    /// Messages that wait or are claimed.
    #[prost(uint64, tag = "2")]
    pub(crate) waiting: u64,
    /// Messages of unknown outcome.
    #[prost(uint64, tag = "3")]
    pub(crate) unknown: u64,
    /// Position of the last change of the media to fetch.
    #[prost(uint64, tag = "4")]
    pub(crate) media_changed: u64,
    /// Media to fetch.
    #[prost(uint64, tag = "5")]
    pub(crate) media: u64,
}

/// What a conversation has on its way, as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The domain's state, as far as sending is concerned; everything else of it is as in a new conversation.
    pub(crate) opened: Opened,
    /// Where each message of the outbox was queued, and whether it needs the window.
    pub(crate) queued: BTreeMap<MessageId, Queued>,
}

/// What the rules do not remember of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) sequence: u64,
    pub(crate) needs_window: bool,
}

// === impl OutboxRow ===

impl OutboxRow {
    pub(crate) fn read(&self) -> Result<Known, BadRow> {
        let channel = ChannelId::new(self.channel.as_str()).map_err(|_name| bad("channel"))?;
        let medium = [Medium::WhatsApp, Medium::Sms, Medium::Email]
            .into_iter()
            .find(|medium| medium.as_str() == self.medium)
            .ok_or_else(|| bad("medium"))?;
        let mut opened = blank(channel, medium).ok_or_else(|| bad("conversation"))?;
        opened.customer_spoke_at = self.spoke_at.map(Timestamp::from_millis);
        let mut queued = BTreeMap::new();
        for row in &self.pending {
            let pending = row.read()?;
            queued.insert(pending.id, Queued { sequence: row.sequence, needs_window: row.needs_window });
            opened.outbox.push(pending);
        }
        Ok(Known { opened, queued })
    }

    pub(crate) fn of(known: &Known) -> Self {
        let opened = &known.opened;
        Self {
            channel: opened.channel.to_string(),
            medium: opened.medium.as_str().to_owned(),
            spoke_at: opened.customer_spoke_at.map(Timestamp::as_millis),
            pending: opened.outbox.iter().map(|pending| PendingRow::of(pending, known.place(pending.id))).collect(),
        }
    }
}

impl PendingRow {
    fn read(&self) -> Result<Pending, BadRow> {
        let id = <[u8; 16]>::try_from(self.message.as_slice()).map_err(|_width| bad("message"))?;
        let stage = match (&self.claimed, self.unknown_since) {
            (_, Some(since)) => Stage::Unknown { since: Timestamp::from_millis(since) },
            (Some(claimed), None) => {
                Stage::Claimed { claim: claimed.claim.clone(), until: Timestamp::from_millis(claimed.until) }
            }
            (None, None) => Stage::Queued { not_before: self.not_before.map(Timestamp::from_millis) },
        };
        Ok(Pending {
            id: MessageId::new(id),
            author: read_author(&self.author)?,
            queued_at: Timestamp::from_millis(self.queued_at),
            attempts: self.attempts,
            stage,
        })
    }

    fn of(pending: &Pending, queued: Queued) -> Self {
        let (not_before, claimed, unknown_since) = match &pending.stage {
            Stage::Queued { not_before } => (not_before.map(Timestamp::as_millis), None, None),
            Stage::Claimed { claim, until } => {
                (None, Some(ClaimRow { claim: claim.clone(), until: until.as_millis() }), None)
            }
            Stage::Unknown { since } => (None, None, Some(since.as_millis())),
        };
        Self {
            message: pending.id.bytes().to_vec(),
            author: author_word(pending.author).to_owned(),
            queued_at: pending.queued_at.as_millis(),
            attempts: pending.attempts,
            not_before,
            claimed,
            unknown_since,
            sequence: queued.sequence,
            needs_window: queued.needs_window,
        }
    }
}

// === impl MediumRow ===

impl MediumRow {
    pub(crate) fn mark(&self) -> Option<u64> {
        medium_mark(self.provider_id.as_deref(), self.url.as_deref())
    }
}

// === impl Known ===

impl Known {
    pub(crate) fn new(channel: ChannelId, medium: Medium) -> Option<Self> {
        Some(Self { opened: blank(channel, medium)?, queued: BTreeMap::new() })
    }

    /// What one more event makes of it, by the domain's own rule.
    #[must_use]
    pub(crate) fn evolve(self, event: &ConversationEvent, at: Timestamp, by: &Actor, sequence: u64) -> Self {
        let Self { opened, mut queued } = self;
        let medium = opened.medium;
        let before = opened.clone();
        let opened = State { opened: Some(opened) }.evolve(event, at, by).opened.unwrap_or(before);
        if let ConversationEvent::MessageQueued(outgoing) = event {
            let needs_window = medium != Medium::Email && !outgoing.body.needs_no_window();
            queued.insert(outgoing.id, Queued { sequence, needs_window });
        }
        queued.retain(|message, _| opened.pending(*message).is_some());
        Self { opened, queued }
    }

    pub(crate) fn place(&self, message: MessageId) -> Queued {
        // Whatever stands in the outbox was queued.
        self.queued.get(&message).copied().unwrap_or(Queued { sequence: 0, needs_window: false })
    }
}

/// A conversation of which nothing but its channel is known.
fn blank(channel: ChannelId, medium: Medium) -> Option<Opened> {
    // Sending does not depend on who the contact is.
    let contact = EntityId::new(EntityKind::Contact, [0; 16]);
    let opened = ConversationEvent::Opened { channel, medium, contact };
    State::default().evolve(&opened, Timestamp::default(), &Actor::System).opened
}

/// Stored, so never changed.
const fn author_word(author: Author) -> &'static str {
    match author {
        Author::Customer => "customer",
        Author::PhoneApp => "phone_app",
        Author::Staff => "staff",
        Author::Bot => "bot",
        Author::System => "system",
    }
}

fn read_author(word: &str) -> Result<Author, BadRow> {
    [Author::Customer, Author::PhoneApp, Author::Staff, Author::Bot, Author::System]
        .into_iter()
        .find(|author| author_word(*author) == word)
        .ok_or_else(|| bad("author"))
}

fn bad(field: &str) -> BadRow {
    BadRow(format!("outbox: {field} is not one"))
}
