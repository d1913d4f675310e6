//! What the business sends, as the provider wants to read it: request bodies, forms, mails, and the limits of each channel.
//! Pure: nothing is sent, uploaded or looked up here.
//!
//! [`limits::check`] says beforehand what a channel cannot do; rendering then only fails for what it should have refused.

pub mod email;
pub mod limits;
pub mod meta;
pub mod twilio;

#[cfg(test)]
mod tests;

use limits::LimitProblem;

/// The channels that messages are sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelKind {
    /// A WhatsApp number of Meta's Cloud API.
    Meta,
    /// A WhatsApp sender of Twilio.
    Twilio,
    /// A mailbox.
    Mail,
}

/// Why a message cannot be rendered. Final: it would fail the same way every time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The channel has nothing of the kind; the word is what was asked for.
    #[error("the channel cannot send {0}")]
    CannotSend(&'static str),
    /// The recipient is not one that this channel can address.
    #[error("the recipient is of a kind that the channel does not know")]
    Recipient,
    /// A file was not given: not uploaded, not linked, or not read.
    #[error("a file of the message is missing")]
    FileMissing,
    /// Beyond what the provider takes.
    #[error(transparent)]
    Limit(#[from] LimitProblem),
}
