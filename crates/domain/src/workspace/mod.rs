//! A tenant's workspace: what belongs to the tenant as a whole.

pub mod command;
pub mod event;
pub mod state;

pub use command::{Command, Decision, Rejection, decide};
pub use event::WorkspaceEvent;
pub use state::{State, Tag};
