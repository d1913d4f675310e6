//! A contact: a person with many identifiers.

pub mod decide;
pub mod event;
pub mod state;

pub use decide::{Meeting, meet};
pub use event::{ContactEvent, IdentifierPersonal, MergeCause, NamePersonal};
pub use state::State;
