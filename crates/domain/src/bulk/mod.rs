//! A bulk: one wish of one person for many conversations, worked off one by one, with one result for each.
//!
//! The conversations were listed once, when it began; the list is a file of the tenant, named by its hash. What is done to a
//! conversation is a commit of that conversation: what stands here is what became of it.

pub mod command;
mod decide;
pub mod event;
pub mod state;

pub use command::{BULK_CHUNK_MAX, BULK_CONVERSATIONS_MAX, Command, Decision, Rejection, Start};
pub use decide::decide;
pub use event::{Asker, BulkEvent, Changed, Chosen, Counts, OneResult, Outcome, What};
pub use state::{Job, Lease, State};
