//! A contact: a person with many identifiers.

pub mod command;
pub mod decide;
pub mod event;
pub mod state;

pub use command::{Command, Decision, Rejection, decide};
pub use decide::{Meeting, meet};
pub use event::{ContactEvent, CustomerPersonal, IdentifierPersonal, MergeCause, NamePersonal};
pub use state::State;
