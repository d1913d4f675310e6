//! The decision store: what deciding needs to know, as a view like any other.
//!
//! Per entity its state, version and last hash; per command id where it was applied; per mail Message-ID its conversation.
//! It is rebuilt from the log like every view, and looked up by key. Nobody lists it.

#[cfg(test)]
mod command_tests;
mod keys;
#[cfg(test)]
mod laws;
mod projector;
mod reader;
mod row;

pub use projector::DecisionProjector;
pub use reader::{Applied, CONVERSATIONS_PAGE, DecisionReader, MailKnown};
pub(crate) use row::InForceRow;
pub use row::{BadRow, Entity, EntityState};
