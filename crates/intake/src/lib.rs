//! Intake: raw items become facts, facts become commands, every update is stored once.
//!
//! Life of a raw item: `worker` takes it from the raw stream, `adapt` asks `channels` what it says, `routes` finds the
//! channel, `place` (`thread` for mails, `report` for delivery reports) finds the conversation, `handle` decides and appends, `parking` keeps what could
//! not be understood or routed, and `tally` counts what became of everything.

mod adapt;
pub mod handle;
mod message;
pub mod parking;
mod place;
mod report;
pub mod routes;
pub mod tally;
mod template;
mod thread;
pub mod worker;

pub use handle::{HandleError, Handled, Handler};
pub use parking::{May, Parking, ParkingError, Retried, channel_of};
pub use routes::{ChannelRef, Endpoint, LiveRoutes, MetaApp, Routes};
pub use tally::{Counters, Tally, TallyStore};
pub use worker::IntakeWorker;
