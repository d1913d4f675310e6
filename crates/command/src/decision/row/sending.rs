//! The part of a conversation's row that sending needs: the window, the address of answers, and what is on its way.

use relevo_domain::conversation::{Author, LastAnswer, Opened, Pending, Stage};
use relevo_domain::{Actor, MessageId, Timestamp};

use super::{BadRow, bad};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SendingRow {
    #[prost(int64, optional, tag = "1")]
    customer_spoke_at: Option<i64>,
    #[prost(string, optional, tag = "2")]
    reply_address: Option<String>,
    #[prost(bytes = "vec", optional, tag = "3")]
    last_received: Option<Vec<u8>>,
    #[prost(message, optional, tag = "4")]
    last_answer: Option<AnswerRow>,
    #[prost(message, repeated, tag = "5")]
    outbox: Vec<PendingRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnswerRow {
    #[prost(bytes = "vec", tag = "1")]
    message: Vec<u8>,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(string, tag = "3")]
    by: String,
    #[prost(int64, tag = "4")]
    at: i64,
    #[prost(string, tag = "5")]
    preview: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PendingRow {
    #[prost(bytes = "vec", tag = "1")]
    message: Vec<u8>,
    #[prost(string, tag = "2")]
    author: String,
    #[prost(int64, tag = "3")]
    queued_at: i64,
    #[prost(uint32, tag = "4")]
    attempts: u32,
    #[prost(oneof = "StageRow", tags = "5, 6, 7, 8")]
    stage: Option<StageRow>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum StageRow {
    #[prost(bool, tag = "5")]
    Queued(bool),
    #[prost(int64, tag = "6")]
    NotBefore(i64),
    #[prost(message, tag = "7")]
    Claimed(ClaimRow),
    #[prost(int64, tag = "8")]
    Unknown(i64),
}

#[derive(Clone, PartialEq, prost::Message)]
struct ClaimRow {
    #[prost(string, tag = "1")]
    claim: String,
    #[prost(int64, tag = "2")]
    until: i64,
}

/// What is read back of it.
#[derive(Default)]
pub(super) struct Sending {
    pub(super) customer_spoke_at: Option<Timestamp>,
    pub(super) reply_address: Option<String>,
    pub(super) last_received: Option<MessageId>,
    pub(super) last_answer: Option<LastAnswer>,
    pub(super) outbox: Vec<Pending>,
}

pub(super) fn row(opened: &Opened) -> SendingRow {
    SendingRow {
        customer_spoke_at: opened.customer_spoke_at.map(Timestamp::as_millis),
        reply_address: opened.reply_address.clone(),
        last_received: opened.last_received.map(|message| message.bytes().to_vec()),
        last_answer: opened.last_answer.as_ref().map(|answer| AnswerRow {
            message: answer.message.bytes().to_vec(),
            version: answer.version,
            by: answer.by.to_word(),
            at: answer.at.as_millis(),
            preview: answer.preview.clone(),
        }),
        outbox: opened.outbox.iter().map(pending_row).collect(),
    }
}

pub(super) fn read(row: SendingRow) -> Result<Sending, BadRow> {
    Ok(Sending {
        customer_spoke_at: row.customer_spoke_at.map(Timestamp::from_millis),
        reply_address: row.reply_address,
        last_received: row.last_received.as_deref().map(message).transpose()?,
        last_answer: row.last_answer.map(answer).transpose()?,
        outbox: row.outbox.into_iter().map(pending).collect::<Result<_, _>>()?,
    })
}

fn answer(row: AnswerRow) -> Result<LastAnswer, BadRow> {
    Ok(LastAnswer {
        message: message(&row.message)?,
        version: row.version,
        by: Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?,
        at: Timestamp::from_millis(row.at),
        preview: row.preview,
    })
}

fn pending_row(pending: &Pending) -> PendingRow {
    let stage = match &pending.stage {
        Stage::Queued { not_before: None } => StageRow::Queued(true),
        Stage::Queued { not_before: Some(time) } => StageRow::NotBefore(time.as_millis()),
        Stage::Claimed { claim, until } => {
            StageRow::Claimed(ClaimRow { claim: claim.clone(), until: until.as_millis() })
        }
        Stage::Unknown { since } => StageRow::Unknown(since.as_millis()),
    };
    PendingRow {
        message: pending.id.bytes().to_vec(),
        author: author_word(pending.author).to_owned(),
        queued_at: pending.queued_at.as_millis(),
        attempts: pending.attempts,
        stage: Some(stage),
    }
}

fn pending(row: PendingRow) -> Result<Pending, BadRow> {
    let stage = match row.stage.ok_or_else(|| bad("stage"))? {
        StageRow::Queued(_) => Stage::Queued { not_before: None },
        StageRow::NotBefore(time) => Stage::Queued { not_before: Some(Timestamp::from_millis(time)) },
        StageRow::Claimed(row) => Stage::Claimed { claim: row.claim, until: Timestamp::from_millis(row.until) },
        StageRow::Unknown(since) => Stage::Unknown { since: Timestamp::from_millis(since) },
    };
    let authors = [Author::Customer, Author::PhoneApp, Author::Staff, Author::Bot, Author::System];
    let author = authors.into_iter().find(|author| author_word(*author) == row.author);
    Ok(Pending {
        id: message(&row.message)?,
        author: author.ok_or_else(|| bad("author"))?,
        queued_at: Timestamp::from_millis(row.queued_at),
        attempts: row.attempts,
        stage,
    })
}

const fn author_word(author: Author) -> &'static str {
    match author {
        Author::Customer => "customer",
        Author::PhoneApp => "phone_app",
        Author::Staff => "staff",
        Author::Bot => "bot",
        Author::System => "system",
    }
}

fn message(bytes: &[u8]) -> Result<MessageId, BadRow> {
    bytes.try_into().map(MessageId::new).map_err(|_length| bad("message id"))
}
