//! Sending: takes queued messages, hands each to its provider once, and records what became of it.
//!
//! The log is the outbox. [`delivery`] is the view that says what is on its way; [`Sender`] follows it, prepares, claims, hands
//! over and records. Nothing here decides what may be sent: `domain` does, and the claim is where it is asked for the last time.

pub mod delivery;
pub mod media;
mod sender;

mod ahead;
mod attempt;
mod hold;
mod lane;
mod metrics;
mod pace;
mod parked;
mod policy;
mod record;
mod round;
mod templates;

pub use attempt::{CLAIM_LIMIT, may_call};
pub use delivery::DeliveryProjector;
pub use metrics::Metrics;
pub use sender::{Sender, SenderParts};
pub use templates::{TemplateSource, TemplateSync, TemplateSyncParts, TemplateTrigger};
