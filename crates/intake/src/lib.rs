//! Intake: raw items become facts, facts become commands, every update is stored once.
//!
//! Life of a raw item: `worker` takes it from the raw stream, `flow` lets many be worked on at a time and keeps in order (`keys`,
//! `queue`) what belongs together, `adapt` asks `channels` what it says, `routes` finds the
//! channel, `place` (`thread` for mails, `report` for delivery reports) finds the conversation, `handle` decides and appends, `parking` keeps what could
//! not be understood or routed, and `tally` counts what became of everything.

mod adapt;
mod flow;
pub mod handle;
mod keys;
mod message;
pub mod parking;
mod place;
mod queue;
mod report;
pub mod routes;
mod stored;
pub mod tally;
mod template;
mod thread;
mod turns;
pub mod worker;

pub use handle::{HandleError, Handled, Handler};
pub use parking::{May, Parking, ParkingError, Retried, channel_of};
pub use routes::{ChannelRef, Endpoint, LiveRoutes, MetaApp, Routes};
pub use tally::{Counters, Tally, TallyStore};
pub use worker::IntakeWorker;
