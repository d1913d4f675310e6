//! The proof that messages are delivered: a real broker between stand-ins for Meta and Twilio and real mail servers.
//!
//! `make delivery` runs all of it; `tests/it/{sending,mail}.rs` run the heart of it at every change.

pub mod bad;
pub mod cases;
pub mod desk;
pub mod failures;
pub mod kills;
pub mod mail;
pub mod proxy;
pub mod rig;
pub mod statuses;
pub mod types;
pub mod window;

pub use cases::{Case, Cases, Verdict, Wrong};
pub use desk::{Desk, Sent};
pub use rig::{Rig, Wanted};
