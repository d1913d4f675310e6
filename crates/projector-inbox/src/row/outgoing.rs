//! Rows of what the business sends: how far it has come, and what went wrong.
//!
//! What Relevo itself did and what a provider reported are kept apart and put together when they are read, so that no order of
//! arrival changes the end ([`MessageRow::send_state`]).

use prost::{Enumeration, Message};
use relevo_domain::conversation::DeliveryStatus;

use super::MessageRow;
use crate::thread::REPORTS_OF_A_STATUS_MAX;

/// What is known of a message that the business sends. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OutgoingRow {
    /// The identifier that it goes to. Personal data.
    #[prost(string, tag = "1")]
    pub recipient: String,
    #[prost(enumeration = "StageCode", tag = "2")]
    pub stage: i32,
    #[prost(uint32, tag = "3")]
    pub attempts: u32,
    #[prost(sint64, tag = "4")]
    pub queued_at: i64,
    #[prost(sint64, optional, tag = "5")]
    pub accepted_at: Option<i64>,
    /// Of the last attempt that failed.
    #[prost(sint64, optional, tag = "6")]
    pub failed_at: Option<i64>,
    #[prost(message, optional, tag = "7")]
    pub failure: Option<FailureRow>,
    /// While it waits for another attempt.
    #[prost(sint64, optional, tag = "8")]
    pub next_attempt_at: Option<i64>,
    #[prost(sint64, optional, tag = "9")]
    pub unknown_since: Option<i64>,
    #[prost(sint64, optional, tag = "10")]
    pub cancelled_at: Option<i64>,
    #[prost(enumeration = "CancelCode", tag = "11")]
    pub cancel_cause: i32,
    /// Name of the template that it is made of; empty if it is none.
    #[prost(string, tag = "12")]
    pub template: String,
    #[prost(string, tag = "13")]
    pub template_language: String,
    /// Of a reaction: sixteen bytes of the message that it is to.
    #[prost(bytes = "vec", tag = "14")]
    pub reaction_to: Vec<u8>,
    /// Nobody asked for it in person.
    #[prost(bool, tag = "15")]
    pub automatic: bool,
    /// The provider's id of the attempt that it took. Personal data.
    #[prost(string, tag = "16")]
    pub accepted_as: String,
}

/// How far Relevo's own part has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum StageCode {
    Unspecified = 0,
    Queued = 1,
    /// Being handed to the provider.
    Sending = 2,
    Accepted = 3,
    /// For good.
    Failed = 4,
    Unknown = 5,
    Cancelled = 6,
}

/// Why a message was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum CancelCode {
    Unspecified = 0,
    BotPaused = 1,
    Staff = 2,
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FailureRow {
    /// `FailureClass::as_str`, or [`REPORTED`].
    #[prost(string, tag = "1")]
    pub class: String,
    /// The provider's; empty if it gave none.
    #[prost(string, tag = "2")]
    pub code: String,
    #[prost(uint32, tag = "3")]
    pub attempt: u32,
}

/// The class of a failure that a provider reported after it had taken the message.
pub const REPORTED: &str = "reported";

/// When what a provider reported about a message happened: of each word the earliest time.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TimesRow {
    #[prost(sint64, optional, tag = "1")]
    pub accepted: Option<i64>,
    #[prost(sint64, optional, tag = "2")]
    pub sent: Option<i64>,
    #[prost(sint64, optional, tag = "3")]
    pub delivered: Option<i64>,
    #[prost(sint64, optional, tag = "4")]
    pub read: Option<i64>,
    #[prost(sint64, optional, tag = "5")]
    pub played: Option<i64>,
    #[prost(sint64, optional, tag = "6")]
    pub failed: Option<i64>,
    /// The code of the earliest failure, of equally early ones the first in the alphabet.
    #[prost(string, tag = "7")]
    pub failed_code: String,
}

/// How a message that the business sent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum SendState {
    /// It was not sent with Relevo.
    Unspecified = 0,
    Queued = 1,
    Sending = 2,
    Accepted = 3,
    Sent = 4,
    Delivered = 5,
    Read = 6,
    Played = 7,
    Failed = 8,
    Unknown = 9,
    Cancelled = 10,
}

impl SendState {
    /// Whether a person has to look at it.
    pub const fn is_problem(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
}

impl MessageRow {
    /// How the message stands: the furthest of what Relevo did and what was reported. What reached the customer stays so; a
    /// failure beats everything less, unless it is that of an earlier attempt; that a provider has it beats whatever Relevo
    /// thought before.
    pub fn send_state(&self) -> SendState {
        let Some(outgoing) = &self.outgoing else { return SendState::Unspecified };
        let stage = outgoing.stage();
        match DeliveryStatus::parse(&self.delivery_status) {
            DeliveryStatus::Played => SendState::Played,
            DeliveryStatus::Read => SendState::Read,
            DeliveryStatus::Delivered => SendState::Delivered,
            DeliveryStatus::Failed => match stage {
                // Another attempt goes on: this one, or the next, has an end of its own.
                StageCode::Queued | StageCode::Sending => stage.state(),
                StageCode::Accepted if !self.failed_as_accepted() => {
                    let sent = self.times.as_ref().is_some_and(|times| times.sent.is_some());
                    if sent { SendState::Sent } else { SendState::Accepted }
                }
                StageCode::Unspecified
                | StageCode::Accepted
                | StageCode::Failed
                | StageCode::Unknown
                | StageCode::Cancelled => SendState::Failed,
            },
            DeliveryStatus::Sent if stage != StageCode::Failed => SendState::Sent,
            DeliveryStatus::Accepted if stage != StageCode::Failed => SendState::Accepted,
            DeliveryStatus::Sent
            | DeliveryStatus::Accepted
            | DeliveryStatus::Queued
            | DeliveryStatus::Deleted
            | DeliveryStatus::Warning
            | DeliveryStatus::Other(_) => stage.state(),
        }
    }

    /// Whether a failure that was reported is about what the provider took in the end, and not about an earlier attempt. Where
    /// nobody can tell, it is.
    fn failed_as_accepted(&self) -> bool {
        let accepted_as = self.outgoing.as_ref().map_or("", |outgoing| outgoing.accepted_as.as_str());
        // Each attempt at a mail goes out under the same name.
        if accepted_as.is_empty() || self.mail.is_some() {
            return true;
        }
        let mut failures = self.reports.iter().filter(|report| report.status == DeliveryStatus::Failed.as_str());
        // Of more reports than are kept it may be one that was not.
        failures.clone().count() >= REPORTS_OF_A_STATUS_MAX
            || failures.any(|report| report.failed_as.is_empty() || report.failed_as == accepted_as)
    }

    /// The failure to tell of: the one that ended it, else the last one of an attempt.
    pub fn failure(&self) -> Option<FailureRow> {
        let outgoing = self.outgoing.as_ref()?;
        let reported = self.times.as_ref().filter(|times| times.failed.is_some());
        match (reported, outgoing.stage()) {
            (Some(times), stage) if stage != StageCode::Failed => Some(FailureRow {
                class: REPORTED.to_owned(),
                code: times.failed_code.clone(),
                attempt: outgoing.attempts,
            }),
            (Some(_) | None, _) => outgoing.failure.clone(),
        }
    }
}

impl StageCode {
    const fn state(self) -> SendState {
        match self {
            // Every row has a stage; this is what a row without one would be.
            Self::Unspecified | Self::Queued => SendState::Queued,
            Self::Sending => SendState::Sending,
            Self::Accepted => SendState::Accepted,
            Self::Failed => SendState::Failed,
            Self::Unknown => SendState::Unknown,
            Self::Cancelled => SendState::Cancelled,
        }
    }
}
