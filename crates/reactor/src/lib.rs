//! The reactor: what comes to pass by itself when its time comes. Pauses end, snoozed conversations are open again, and staff is
//! alerted to what has been so for too long.
//!
//! The log holds what was agreed: a timer is no record of its own. [`timers`] is the view of those that are pending; [`Reactor`]
//! waits for the next one and lets it come to pass through `command`, under an id that every node derives alike. Nothing here
//! decides whether a timer still stands: `domain` does.

mod held;
mod reactor;
pub mod timers;

pub use reactor::{Reactor, ReactorParts};
pub use timers::TimersProjector;
